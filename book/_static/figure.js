/* What the figures that move share. animation.js loads this file before the first of theirs. */
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  /* A new element at the end of another; what is in a drawing is drawn. */
  const add = (parent, tag, attributes = {}, text) => {
    const drawn = tag === "svg" || parent.namespaceURI === SVG;
    const made = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return parent.appendChild(made);
  };

  /* A block gives its own text away for the figure. */
  const begin = (block, title) => {
    block.replaceChildren();
    block.setAttribute("role", "group");
    block.setAttribute("aria-label", title);
  };

  /* The sentence that says what is shown; a screen reader hears each new one. */
  const saying = (block) => add(block, "p", { class: "animation-says", "aria-live": "polite" });

  /* While it plays, the sentence follows too fast to be read out. */
  const played = (button, says, playing) => {
    button.textContent = playing ? "Pause" : "Play";
    says.setAttribute("aria-live", playing ? "off" : "polite");
  };

  /* Who asks for less motion has no button that plays; a figure that plays then stops. */
  const follow = (button, pause) => {
    const heard = () => {
      if (calm.matches) pause();
      button.hidden = calm.matches;
    };
    calm.addEventListener("change", heard);
    heard();
  };

  /* A number with so many digits after the point, and zero without a sign. */
  const number = (value, digits = 2) => (Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).toFixed(digits).replace("-", "−");

  const visible = (letter) => (letter === " " ? "\u2423" : letter);   // a blank can be seen

  window.rnnbookFigure = { add, begin, calm, follow, number, played, saying, visible };
})();

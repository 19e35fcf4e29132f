/* Plays a scene in every block of the class animation. The block `:::{div} animation animation-carry` plays carry.js, a
   file beside this one that holds a call of rnnbookAnimation with JSON: shapes to draw, and frames that change them.

   {"title", "size": [w, h], "shapes": [{"id", "kind", "colour", "hollow"?, "dashed"?, "text"?, "anchor"?, …}],
    "frames": [{"say", "start"?: {id: {…}}, "set": {id: {…}}}]}   start is taken up at once, set is moved to.

   Nothing moves until the reader presses Play; who asks for less motion gets the slider alone. Without this script the
   block shows its own text. */
(() => {
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  const waiting = new Map();

  /* What every shape looks like after each frame, so that the slider can go anywhere at once. */
  const looksOf = (scene) => {
    let now = Object.fromEntries(scene.shapes.map(({ id, kind, colour, hollow, dashed, anchor, ...rest }) => [id, rest]));
    const change = (changes) => {
      now = { ...now };
      for (const [id, look] of Object.entries(changes ?? {})) now[id] = { ...now[id], ...look };
      return now;
    };
    return scene.frames.map((frame) => [change(frame.start), change(frame.set)]);
  };

  const draw = (svg, scene) => {
    const { add } = window.rnnbookFigure;
    const elements = {};
    for (const { id, kind, colour, hollow, dashed, anchor } of scene.shapes) {
      const element = add(svg, kind);
      const paint = `var(--rnnbook-${colour})`;
      const outlined = hollow || kind === "line";
      element.style.fill = outlined ? "none" : paint;
      if (outlined) {
        element.style.stroke = paint;
        element.style.strokeWidth = "2";
        if (dashed) element.style.strokeDasharray = "5 4";
      }
      if (kind === "text") element.setAttribute("text-anchor", anchor ?? "middle");
      elements[id] = element;
    }
    return elements;
  };

  const show = (elements, from, to, share) => {
    for (const [id, look] of Object.entries(to)) {
      for (const [name, value] of Object.entries(look)) {
        if (name === "text") {
          const words = share < 0.5 ? from[id].text : value;
          if (elements[id].textContent !== words) elements[id].textContent = words;
        } else {
          elements[id].setAttribute(name, from[id][name] + share * (value - from[id][name]));
        }
      }
    }
  };

  const play = (block, scene) => {
    const { add, begin, follow, played, saying } = window.rnnbookFigure;
    begin(block, scene.title);
    const svg = add(block, "svg", { viewBox: `0 0 ${scene.size.join(" ")}`, role: "img" });
    const elements = draw(svg, scene);
    const looks = looksOf(scene);
    const last = looks.length - 1;
    const says = saying(block);
    const controls = add(block, "div", { class: "animation-controls" });
    const button = add(controls, "button", { type: "button" }, "Play");
    const label = add(controls, "label", {}, "Frame ");
    const slider = add(label, "input", { type: "range", min: 0, max: last, value: 0 });

    let run = 0;                               // counts the presses: a timer of an earlier one does nothing
    let playing = false;
    let at = 0;
    const settle = (frame) => {
      at = frame;
      slider.value = frame;
      slider.setAttribute("aria-valuetext", `${frame + 1} of ${last + 1}`);
      says.textContent = scene.frames[frame].say;
      svg.setAttribute("aria-label", `${scene.title}. ${scene.frames[frame].say}`);
      show(elements, looks[frame][1], looks[frame][1], 1);
    };
    const pause = () => {
      run += 1;
      playing = false;
      played(button, says, false);
    };
    const MOVE = 700;
    const REST = 1100;
    const advance = () => {                    // to the next frame: move, rest, and on
      const mine = run;
      const [from, to] = looks[at + 1];
      const begun = performance.now();
      says.textContent = scene.frames[at + 1].say;
      const tick = (now) => {
        if (run !== mine) return;
        const share = Math.min(Math.max(now - begun, 0) / MOVE, 1);
        if (share < 1) {
          show(elements, from, to, share * share * (3 - 2 * share));
          requestAnimationFrame(tick);
          return;
        }
        settle(at + 1);
        setTimeout(() => {
          if (run !== mine) return;
          if (at < last) advance();
          else pause();
        }, REST);
      };
      requestAnimationFrame(tick);
    };
    button.addEventListener("click", () => {
      if (playing) {
        pause();
        settle(at);
        return;
      }
      if (at === last) settle(0);
      playing = true;
      played(button, says, true);
      advance();
    });
    slider.addEventListener("input", () => {
      pause();
      settle(Number(slider.value));
    });
    settle(0);
    follow(button, () => {
      pause();
      settle(at);
    });
  };

  window.rnnbookAnimation = (scene) => {
    for (const block of waiting.get(scene.name) ?? []) play(block, scene);
  };

  const load = (name) => {                     // in the order of the calls
    const script = document.createElement("script");
    script.src = `${here}${name}.js`;
    script.async = false;
    document.head.appendChild(script);
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const block of document.querySelectorAll("div.animation")) {
      const name = [...block.classList].find((c) => c.startsWith("animation-"))?.slice("animation-".length);
      if (!name) continue;
      if (!waiting.has(name)) {
        if (!waiting.size) load("figure");
        waiting.set(name, []);
        load(name);
      }
      waiting.get(name).push(block);
    }
  });
})();

/* A network of three units that reads any word: the block `:::{div} animation animation-word-reader`. animation.js loads
   this file. `forward` is the recurrent layer of the book, `weights` and `letters` are those of the chapter
   why_recurrence; a test holds all three to NumPy's numbers. Without this script the block shows its own text. */
(() => {
  const weights = {
    W_ih: [[1, 0], [0, 1], [0, 0]],
    W_hh: [[0, 0, 0], [1, 0, 0], [0, 1, 1]],
    b: [0, -1, 0],
    w_y: [0, 1, 1],
  };
  const dot = (a, b) => a.reduce((sum, value, j) => sum + value * b[j], 0);
  const activations = { relu: (a) => Math.max(a, 0), tanh: Math.tanh };

  /* h_t = φ(W_ih x_t + b + W_hh h_{t−1}) from zeros: the states after each of the inputs. */
  const forward = ({ W_ih, W_hh, b }, inputs, activation) => {
    const phi = activations[activation];
    let h = b.map(() => 0);
    return inputs.map((x) => (h = b.map((bias, i) => phi(dot(W_ih[i], x) + bias + dot(W_hh[i], h)))));
  };

  /* One column of two numbers for each letter: is it the first of the pair, is it the second? */
  const letters = (word, pair) => word.map((letter) => pair.map((wanted) => Number(letter === wanted)));

  const read = (word, pair) => {
    const x = letters(word, pair);
    const h = forward(weights, x, "relu");
    return { x, h, y: h.map((state) => dot(weights.w_y, state)) };
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { forward, read };
    return;
  }

  const EXAMPLES = [["onion", "on"], ["no, not on a moon", "on"], ["banana", "an"], ["mississippi", "ss"]];
  const MOST = 24;
  const REST = 900;
  const { add, begin, calm, saying, visible } = window.rnnbookFigure;
  const signed = (value) => (value < 0 ? `− ${-value}` : `+ ${value}`);

  /* The arithmetic of one step, with its numbers. */
  const told = ({ x, h, y }, word, t) => {
    const before = t ? h[t - 1] : [0, 0, 0];
    const { b } = weights;
    return `Step ${t + 1}, “${visible(word[t])}”: h1 = relu(${x[t][0]}) = ${h[t][0]}; `
      + `h2 = relu(${x[t][1]} + ${before[0]} ${signed(b[1])}) = ${h[t][1]}; `
      + `h3 = relu(${before[1]} + ${before[2]}) = ${h[t][2]}; y = ${h[t][1]} + ${h[t][2]} = ${y[t]}.`;
  };

  const build = (block) => {
    begin(block, "Three units read a word of yours");
    const asked = add(block, "div", { class: "animation-controls" });
    const field = add(add(asked, "label", {}, "Word "), "input", {
      type: "text", maxlength: MOST, autocomplete: "off", spellcheck: "false", name: "word",
    });
    const pairField = add(add(asked, "label", {}, "Two letters to count "), "input", {
      type: "text", maxlength: 2, autocomplete: "off", spellcheck: "false", name: "pair",
    });
    const another = add(asked, "button", { type: "button" }, "Another");
    const box = add(block, "div", {
      class: "date-reader-box", tabindex: "0", role: "region", "aria-label": "Inputs, states and output after each letter",
    });
    const says = saying(block);
    const controls = add(block, "div", { class: "animation-controls" });
    const button = add(controls, "button", { type: "button" }, "Play");
    const slider = add(add(controls, "label", {}, "Letters read "), "input", { type: "range", min: 0, value: 0 });
    let example = 0;
    let found = null;
    let word = [];
    let timer = 0;

    const draw = () => {
      const at = Number(slider.value);
      box.replaceChildren();
      const table = add(box, "table", { class: "date-reader-grid word-reader-grid" });
      const head = add(add(table, "thead"), "tr");
      add(head, "th", { scope: "col" }, "after");
      word.forEach((letter) => add(head, "th", { scope: "col" }, visible(letter)));
      const body = add(table, "tbody");
      const [first, second] = Array.from(pairField.value.toLowerCase());
      const most = Math.max(1, ...found.y);
      const rows = [
        [`x1: is it ${visible(first)}?`, found.x.map((x) => x[0]), "x"], [`x2: is it ${visible(second)}?`, found.x.map((x) => x[1]), "x"],
        [`h1: ${visible(first)} now`, found.h.map((h) => h[0]), "c"], ["h2: the pair ends here", found.h.map((h) => h[1]), "c"],
        ["h3: pairs before", found.h.map((h) => h[2]), "c"], ["y = h2 + h3", found.y, "W_hy"],
      ];
      for (const [name, values, colour] of rows) {
        const row = add(body, "tr");
        add(row, "th", { scope: "row" }, name);
        values.forEach((value, t) => {
          const read = t < at;
          const cell = add(row, "td", t === at - 1 ? { class: "most" } : {}, read ? String(value) : "");
          cell.style.setProperty("--weight", read ? (0.4 * value / most).toFixed(3) : "0");
          cell.style.setProperty("--paint", `var(--rnnbook-${colour})`);
        });
      }
      slider.setAttribute("aria-valuetext", `${at} of ${word.length}`);
      says.textContent = at ? told(found, word, at - 1)
        : `${word.length} letters to read. Press Play, or move the slider, to take one step after the other.`;
    };
    const pause = () => {
      clearTimeout(timer);
      timer = 0;
      button.textContent = calm.matches ? "Next letter" : "Play";
    };
    const start = (to) => {
      pause();
      word = Array.from(field.value.toLowerCase());
      const pair = Array.from(pairField.value.toLowerCase());
      if (!word.length || pair.length !== 2) {
        found = null;
        box.replaceChildren();
        slider.max = 0;
        says.textContent = word.length ? "Type two letters to count." : "Type a word.";
        return;
      }
      found = read(word, pair);
      slider.max = word.length;
      slider.value = to === undefined ? word.length : to;
      draw();
    };
    const step = () => {
      slider.value = Number(slider.value) + 1;
      draw();
    };
    const tick = () => {
      step();
      if (Number(slider.value) < word.length) timer = setTimeout(tick, REST);
      else pause();
    };
    button.addEventListener("click", () => {
      if (timer) {
        pause();
        return;
      }
      if (!found) return;
      if (Number(slider.value) === word.length) {
        slider.value = 0;
        draw();
      }
      if (calm.matches) {
        step();
        return;
      }
      button.textContent = "Pause";
      tick();
    });
    slider.addEventListener("input", () => {
      pause();
      if (found) draw();
    });
    field.addEventListener("input", () => start());
    pairField.addEventListener("input", () => start());
    another.addEventListener("click", () => {
      example = (example + 1) % EXAMPLES.length;
      [field.value, pairField.value] = EXAMPLES[example];
      start();
    });
    calm.addEventListener("change", pause);
    [field.value, pairField.value] = EXAMPLES[0];
    start();
  };

  document.querySelectorAll("div.animation-word-reader").forEach(build);
})();

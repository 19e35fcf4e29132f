/* One unit of an LSTM or a GRU whose gates the reader sets: the block `:::{div} animation animation-gate-cell`, with the
   class gate-cell-gru for a GRU. animation.js loads this file. `lstm` and `gru` are one step, in the letters of the
   chapters; a test holds them to the layers of in_numpy. Nothing moves by itself. Without this script the block shows its
   own text. */
(() => {
  /* What the old carry c becomes, from the values of the gates i, f, o and the candidate g. */
  const lstm = ({ c, f, i, g, o }) => {
    const kept = f * c;
    const added = i * g;
    const now = kept + added;
    return { kept, added, c: now, h: o * Math.tanh(now), back: f };
  };

  /* What the old state h becomes, from the gates r, z and both parts of the candidate, u (input) and v (memory). */
  const gru = ({ h, r, z, u, v }) => {
    const n = Math.tanh(u + r * v);
    const kept = z * h;
    const added = (1 - z) * n;
    return { n, kept, added, h: kept + added, back: z };
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { lstm, gru };
    return;
  }

  const WIDTH = 360;
  const ZERO = 78;                             // height of the line that the bars stand on
  const REACH = 52;                            // of the largest bar
  const { add, begin, number, saying } = window.rnnbookFigure;

  /* For each cell: its sliders (letter, words, smallest, largest, start), its bars, and what it says. */
  const cells = {
    lstm: {
      title: "One LSTM unit",
      step: lstm,
      state: "c",
      sliders: [
        ["f", "forget gate f", 0, 1, 0.9],
        ["i", "input gate i", 0, 1, 0.5],
        ["g", "candidate g", -1, 1, 0.4],
        ["o", "output gate o", 0, 1, 0.5],
        ["c", "old carry c", -3, 3, 0.8],
      ],
      bars: (at, to) => [
        ["c", "old c", at.c], ["f", "f c", to.kept], ["i", "i g", to.added], ["c", "new c", to.c], ["h", "h", to.h],
      ],
      says: (at, to) => `It keeps ${number(at.f)} of ${number(at.c)}, which is ${number(to.kept)}, and adds `
        + `${number(at.i)} of ${number(at.g)}, which is ${number(to.added)}: the new carry is ${number(to.c)}. It shows `
        + `h = ${number(to.h)}. Along the belt, a gradient of 1 comes back as ${number(to.back)}.`,
    },
    gru: {
      title: "One GRU unit",
      step: gru,
      state: "h",
      sliders: [
        ["z", "update gate z", 0, 1, 0.9],
        ["r", "reset gate r", 0, 1, 0.5],
        ["u", "input's part of the candidate, u", -2, 2, -0.8, "n"],
        ["v", "memory's part of the candidate, v", -2, 2, 0.8, "n"],
        ["h", "old state h", -1, 1, 0.8],
      ],
      bars: (at, to) => [
        ["h", "old h", at.h], ["n", "n", to.n], ["z", "z h", to.kept], ["n", "(1−z) n", to.added], ["h", "new h", to.h],
      ],
      says: (at, to) => `The candidate is n = ${number(to.n)}. It keeps ${number(at.z)} of ${number(at.h)}, which is `
        + `${number(to.kept)}, and writes ${number(1 - at.z)} of the candidate, which is ${number(to.added)}: the new state `
        + `is ${number(to.h)}. Past the matrix, a gradient of 1 comes back as ${number(to.back)}.`,
    },
  };

  const draw = (svg, bars) => {
    svg.replaceChildren();
    const scale = REACH / Math.max(1, ...bars.map(([, , value]) => Math.abs(value)));
    const wide = WIDTH / bars.length;
    bars.forEach(([colour, name, value], k) => {
      const paint = `var(--rnnbook-${colour})`;
      const middle = (k + 0.5) * wide;
      const size = Math.abs(value) * scale;
      const bar = { x: middle - 16, y: value > 0 ? ZERO - size : ZERO, width: 32, height: size };
      add(svg, "rect", bar).style.fill = paint;
      for (const [y, text] of [[152, name], [170, number(value)]]) {
        add(svg, "text", { x: middle, y, "text-anchor": "middle" }, text).style.fill = paint;
      }
    });
    add(svg, "line", { x1: 4, y1: ZERO, x2: WIDTH - 4, y2: ZERO }).style.stroke = "var(--rnnbook-x)";
  };

  const build = (block) => {
    const cell = cells[block.classList.contains("gate-cell-gru") ? "gru" : "lstm"];
    begin(block, cell.title);
    const svg = add(block, "svg", { viewBox: `0 0 ${WIDTH} 176`, role: "img" });
    const says = saying(block);
    const controls = add(block, "div", { class: "animation-controls" });
    const inputs = {};
    const values = {};
    const at = Object.fromEntries(cell.sliders.map(([letter, , , , value]) => [letter, value]));
    const update = () => {
      const to = cell.step(at);
      draw(svg, cell.bars(at, to));
      says.textContent = cell.says(at, to);
      svg.setAttribute("aria-label", `${cell.title}. ${says.textContent}`);
      for (const letter of Object.keys(at)) values[letter].textContent = number(at[letter]);
      return to;
    };
    for (const [letter, words, min, max, value, colour] of cell.sliders) {
      const label = add(controls, "label");
      add(label, "span", {}, words);
      const input = add(label, "input", { type: "range", name: letter, min, max, step: 0.05, value });
      input.style.accentColor = `var(--rnnbook-${colour ?? letter})`;
      values[letter] = add(label, "span", { class: "gate-cell-value" });
      inputs[letter] = input;
      input.addEventListener("input", () => {
        at[letter] = Number(input.value);
        update();
      });
    }
    const next = add(controls, "button", { type: "button" }, "Next step");
    next.addEventListener("click", () => {      // what is new becomes old; the slider stops at its end, the value does not
      at[cell.state] = cell.step(at)[cell.state];
      inputs[cell.state].value = at[cell.state];
      update();
    });
    update();
  };

  document.querySelectorAll("div.animation-gate-cell").forEach(build);
})();

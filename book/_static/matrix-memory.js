/* A matrix that stores two pairs, which the reader moves: the block `:::{div} animation animation-matrix-memory`.
   animation.js loads this file. `memory` is the arithmetic, the same as in the chapter state_space; a test holds it to
   NumPy's numbers. Without this script the block shows its own text. */
(() => {
  const rules = ["add", "delta"];

  /* S = decay S + beta k (v - held)ᵀ, where held is Sᵀk of the decayed S with the delta rule and zero without. The keys
     are (1, 0) and one at the angle; the values (1, 0) and (0, 1); both pairs are written, `passes` times. */
  const memory = ({ angle, beta, decay, passes }) => {
    const radians = (angle * Math.PI) / 180;
    const keys = [[1, 0], [Math.cos(radians), Math.sin(radians)]];
    const values = [[1, 0], [0, 1]];
    const read = (S, k) => [0, 1].map((j) => k[0] * S[0][j] + k[1] * S[1][j]);
    const found = {};
    for (const rule of rules) {
      let S = [[0, 0], [0, 0]];
      for (let pass = 0; pass < passes; pass += 1) {
        keys.forEach((k, n) => {
          S = S.map((row) => row.map((s) => decay * s));
          const held = rule === "delta" ? read(S, k) : [0, 0];
          S = S.map((row, i) => row.map((s, j) => s + beta * k[i] * (values[n][j] - held[j])));
        });
      }
      found[rule] = { S, reads: keys.map((k) => read(S, k)) };
    }
    return found;
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { memory };
    return;
  }

  const { add, begin, number, saying } = window.rnnbookFigure;
  const names = { add: "sum only", delta: "delta rule" };
  const sliders = [
    ["angle", "angle between the keys, in degrees", 0, 90, 5, 60],
    ["beta", "strength β", 0, 2, 0.1, 1],
    ["decay", "decay α", 0, 1, 0.05, 1],
    ["passes", "times both are written", 1, 10, 1, 1],
  ];

  const build = (block) => {
    begin(block, "A matrix memory of two pairs");
    const table = add(block, "table", { class: "table" });
    const head = add(add(table, "thead"), "tr");
    for (const title of ["rule", "S, first row", "S, second row", "key 1 reads", "key 2 reads"]) {
      add(head, "th", { scope: "col" }, title);
    }
    const body = add(table, "tbody");
    const cells = {};
    for (const rule of rules) {
      const row = add(body, "tr");
      add(row, "th", { scope: "row" }, names[rule]);
      cells[rule] = [0, 1, 2, 3].map(() => add(row, "td"));
    }
    const want = add(body, "tr");
    add(want, "th", { scope: "row" }, "what was stored");
    for (const text of ["", "", "1.00, 0.00", "0.00, 1.00"]) add(want, "td", {}, text);
    const says = saying(block);
    const controls = add(block, "div", { class: "animation-controls" });
    const inputs = {};
    const update = () => {
      const at = Object.fromEntries(sliders.map(([name]) => [name, Number(inputs[name].value)]));
      const found = memory(at);
      for (const rule of rules) {
        const { S, reads } = found[rule];
        [...S, ...reads].forEach((pair, n) => { cells[rule][n].textContent = pair.map(number).join(", "); });
      }
      const off = (rule) => Math.max(...found[rule].reads.flatMap(([a, b], n) => [Math.abs(a - (n === 0)), Math.abs(b - n)]));
      says.textContent = `Angle ${at.angle}°, β ${at.beta}, decay ${at.decay}, written ${at.passes} times: `
        + `the largest error is ${number(off("add"))} with the sum only, ${number(off("delta"))} with the delta rule.`;
    };
    for (const [name, words, min, max, step, value] of sliders) {
      const label = add(controls, "label", {}, `${words} `);
      inputs[name] = add(label, "input", { type: "range", name, min, max, step, value });
      inputs[name].addEventListener("input", update);
    }
    update();
  };

  document.querySelectorAll("div.animation-matrix-memory").forEach(build);
})();

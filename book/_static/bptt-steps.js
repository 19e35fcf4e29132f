/* Backpropagation through time, one quantity at a press: the block `:::{div} animation animation-bptt-steps`.
   animation.js loads this file. `passes` is the arithmetic of the chapter bptt, equation by equation; a test holds it to
   the NumPy layers. Nothing moves by itself. Without this script the block shows its own text. */
(() => {
  const T = 3, H = 2;
  const W_ih = [0.5, -0.8], W_hh = [[0.6, -0.4], [0.3, 0.8]], b = [0.1, 0];
  const W_hy = [1, -0.5], b_y = 0.2;
  const h_0 = [0.2, -0.1], x = [1, -0.5, 0.8], wanted = [0.5, 0, 0.3];
  const units = [0, 1];
  const zeros = () => [0, 0];
  const plus = (u, v) => u.map((value, i) => value + v[i]);

  /* Both passes, with W_hh times `scale`; the loss is half the squared error at the last step, or at `every` step.
     Rows of the answer are indexed by the step t = 0 … T; `sums[t]` are the parameters' gradients once step t has
     added its part, so that sums[1] is the whole gradient. */
  const passes = ({ scale, every }) => {
    const W = W_hh.map((row) => row.map((w) => scale * w));
    const f = { a: [], h: [h_0], y: [], loss: [], dy: [], out: [], next: [], dh: [], da: [], dx: [], sums: [] };
    for (let t = 1; t <= T; t += 1) {
      const before = f.h[t - 1];
      f.a[t] = units.map((i) => W_ih[i] * x[t - 1] + b[i] + W[i][0] * before[0] + W[i][1] * before[1]);
      f.h[t] = f.a[t].map(Math.tanh);
      f.y[t] = W_hy[0] * f.h[t][0] + W_hy[1] * f.h[t][1] + b_y;
      f.loss[t] = every || t === T ? (f.y[t] - wanted[t - 1]) ** 2 / 2 : 0;
    }
    f.next[T] = zeros();
    let sum = { W_ih: zeros(), W_hh: [zeros(), zeros()], b: zeros(), W_hy: zeros(), b_y: 0 };
    for (let t = T; t >= 1; t -= 1) {
      f.dy[t] = every || t === T ? f.y[t] - wanted[t - 1] : 0;
      f.out[t] = W_hy.map((w) => w * f.dy[t]);
      f.dh[t] = plus(f.out[t], f.next[t]);
      f.da[t] = f.dh[t].map((dh, i) => (1 - f.h[t][i] ** 2) * dh);
      f.dx[t] = W_ih[0] * f.da[t][0] + W_ih[1] * f.da[t][1];
      sum = {
        W_ih: plus(sum.W_ih, f.da[t].map((da) => da * x[t - 1])),
        W_hh: sum.W_hh.map((row, i) => plus(row, f.h[t - 1].map((h) => f.da[t][i] * h))),
        b: plus(sum.b, f.da[t]),
        W_hy: plus(sum.W_hy, f.h[t].map((h) => f.dy[t] * h)),
        b_y: sum.b_y + f.dy[t],
      };
      f.sums[t] = sum;
      f.next[t - 1] = units.map((j) => W[0][j] * f.da[t][0] + W[1][j] * f.da[t][1]);
    }
    return f;
  };

  /* What every press shows: a cell of the table, the cells it is computed from, and its equation in words. */
  const presses = () => {
    const list = [];
    for (let t = 1; t <= T; t += 1) {
      list.push({ row: "a", t, from: [["x", t], ["h", t - 1]],
        say: `Forward: the pre-activation a${t} is the input x${t} and the state h${t - 1}, each through its weights.` });
      list.push({ row: "h", t, from: [["a", t]], say: `Forward: the state h${t} is tanh of a${t}. It is kept.` });
      list.push({ row: "y", t, from: [["h", t]],
        say: `Forward: the output y${t} is read from h${t}, and compared with what was wanted.` });
    }
    for (let t = T; t >= 1; t -= 1) {
      list.push({ row: "out", t, from: [["y", t]],
        say: `Backward: through the output layer, the loss of step ${t} sends this to h${t}.` });
      list.push({ row: "dh", t, from: [["out", t], ["next", t]],
        say: t === T
          ? `Backward: no step follows step ${t}, so dh${t} is what its own loss sent.`
          : `Backward: dh${t} is the sum of both, from its own loss and from step ${t + 1}.` });
      list.push({ row: "da", t, from: [["dh", t], ["h", t]],
        say: `Backward: through tanh. da${t} is dh${t} times the slope 1 − h${t}², unit by unit.` });
      list.push({ row: "sums", t, from: [["da", t], ["h", t - 1], ["x", t]],
        say: `Backward: step ${t} adds its part to every weight's gradient: da${t} times what came in along the weight.` });
      list.push({ row: "next", t: t - 1, from: [["da", t]],
        say: t > 1
          ? `Backward: W_hh, transposed, carries da${t} to the state before, h${t - 1}.`
          : "Backward: the same product after the first step is dh0, the gradient with respect to the initial state." });
    }
    return list;
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { passes, presses, network: { W_ih, W_hh, b, W_hy, b_y, h_0, x, wanted } };
    return;
  }

  const { add, begin, number: fixed, saying } = window.rnnbookFigure;
  const number = (value) => fixed(value, 3);
  const words = (value) => [value].flat(2).map(number);
  const ROWS = [["x", "input x"], ["a", "a"], ["h", "state h"], ["y", "output y"], ["out", "dh from its loss"],
    ["next", "dh from the next step"], ["dh", "dh, the sum"], ["da", "da"]];
  const SUMS = [["W_ih", "dW_ih"], ["W_hh", "dW_hh, row by row"], ["b", "db"], ["W_hy", "dW_hy"], ["b_y", "db_y"]];
  const GRADIENTS = ["out", "next", "dh", "da"];

  const tableOf = (block) => {
    const scroll = add(block, "div", { class: "bptt-steps-box", tabindex: 0, role: "region", "aria-label": "Both passes, step by step" });
    const table = add(scroll, "table", { class: "bptt-steps-table" });
    const head = add(add(table, "thead"), "tr");
    for (const title of ["", "t = 0", "t = 1", "t = 2", "t = 3"]) {
      add(head, title ? "th" : "td", title ? { scope: "col" } : {}, title);
    }
    const body = add(table, "tbody"), cells = {};
    for (const [row, name] of ROWS) {
      const line = add(body, "tr");
      add(line, "th", { scope: "row" }, name);
      cells[row] = [0, 1, 2, 3].map(() => add(line, "td"));
    }
    return cells;
  };

  const build = (block) => {
    begin(block, "Backpropagation through time, one quantity at a press");
    const list = presses();
    const cells = tableOf(block);
    const sums = add(block, "table", { class: "bptt-steps-table" });
    add(sums, "caption", {}, "The parameters' gradients so far");
    const totals = {};
    for (const [name, words_] of SUMS) {
      const line = add(sums, "tr");
      add(line, "th", { scope: "row" }, words_);
      totals[name] = add(line, "td");
    }
    const says = saying(block);
    const buttons = add(block, "div", { class: "animation-controls" });
    const previous = add(buttons, "button", { type: "button" }, "Previous");
    const next = add(buttons, "button", { type: "button" }, "Next");
    const place = add(add(buttons, "label", {}, "Press "), "input", { type: "range", min: 0, max: list.length, value: 0 });
    const controls = add(block, "div", { class: "animation-controls" });
    const label = add(controls, "label", {}, "W_hh times ");
    const scale = add(label, "input", { type: "range", min: 0, max: 2, step: 0.1, value: 1 });
    const shownScale = add(label, "span");
    const every = add(add(controls, "label", {}, "a loss at every step "), "input", { type: "checkbox", checked: "" });

    const show = () => {
      const at = Number(place.value);
      const f = passes({ scale: Number(scale.value), every: every.checked });
      const done = list.slice(0, at), now = done[at - 1];
      const seen = new Set(["h0", "x1", "x2", "x3", ...done.map(({ row, t }) => row + t)]);
      if (at > 3 * T) seen.add(`next${T}`);
      const values = { ...f, x: [undefined, ...x] };
      const most = Math.max(1e-12, ...GRADIENTS.flatMap((row) => f[row].flat().map(Math.abs)));
      for (const [row] of ROWS) {
        cells[row].forEach((cell, t) => {
          const value = seen.has(row + t) ? values[row][t] : undefined;
          cell.replaceChildren();
          if (value !== undefined) for (const word of words(value)) add(cell, "div", {}, word);
          cell.classList.toggle("now", now !== undefined && now.row === row && now.t === t);
          cell.classList.toggle("from", now !== undefined && now.from.some(([r, s]) => r === row && s === t));
          const heat = value !== undefined && GRADIENTS.includes(row) ? Math.max(...value.map(Math.abs)) / most : 0;
          cell.style.setProperty("--heat", heat.toFixed(3));
        });
      }
      const last = done.filter(({ row }) => row === "sums").at(-1);
      const total = last === undefined ? undefined : f.sums[last.t];
      for (const [name] of SUMS) totals[name].textContent = total === undefined ? "" : words(total[name]).join("  ");
      sums.classList.toggle("now", now !== undefined && now.row === "sums");
      previous.setAttribute("aria-disabled", at === 0);    // it keeps the keyboard's focus
      next.setAttribute("aria-disabled", at === list.length);
      shownScale.textContent = Number(scale.value).toFixed(1);
      place.setAttribute("aria-valuetext", `${at} of ${list.length}`);
      says.textContent = now === undefined
        ? "Given: the inputs x, the weights, and an initial state h0 that is not zero. Press Next."
        : `${now.say} ${said(now, f)}`;
    };
    const said = ({ row, t }, f) => {
      if (row === "sums") return "";
      const value = words(f[row][t]).join(", ");
      return row === "y" ? `It is ${value}, and the loss of this step ${number(f.loss[t])}.` : `It is ${value}.`;
    };
    const move = (by) => {
      place.value = Number(place.value) + by;
      show();
    };
    previous.addEventListener("click", () => move(-1));
    next.addEventListener("click", () => move(1));
    for (const input of [place, scale, every]) input.addEventListener("input", show);
    show();
  };

  document.querySelectorAll("div.animation-bptt-steps").forEach(build);
})();

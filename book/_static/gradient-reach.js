/* The gradient against the lag in two networks of six units, which the reader moves: the block
   `:::{div} animation animation-gradient-reach`. animation.js loads this file. `reach` is the arithmetic: both layers
   forward and backward, as in rnnbook.lessons.reach; a test holds it to NumPy's numbers. Without this script the block
   shows its own text. */
(() => {
  const H = 6;
  const D = 2;
  const range = (n) => [...Array(n).keys()];
  const sigmoid = (a) => 1 / (1 + Math.exp(-a));
  const norm = (v) => Math.sqrt(v.reduce((sum, a) => sum + a * a, 0));
  const times = (W, v) => W.map((row) => row.reduce((sum, w, j) => sum + w * v[j], 0));
  const transposed = (W, v) => W[0].map((_, j) => W.reduce((sum, row, i) => sum + row[j] * v[i], 0));

  /* Numbers from U(-1, 1): s ← 16807 s mod (2³¹ - 1). */
  const numbers = (seed, rows, columns) => {
    let s = seed;
    return range(rows).map(() => range(columns).map(() => {
      s = (s * 16807) % 2147483647;
      return (2 * s) / 2147483647 - 1;
    }));
  };
  const scaled = (W, by) => W.map((row) => row.map((w) => w * by));
  const root = 1 / Math.sqrt(H);
  const weights = (seed, blocks) => ({
    ih: scaled(numbers(seed, blocks * H, D), root),
    hh: scaled(numbers(seed + 1, blocks * H, H), root),
    bih: scaled(numbers(seed + 2, 1, blocks * H), root)[0],
    bhh: scaled(numbers(seed + 3, 1, blocks * H), root)[0],
  });
  const loss = range(H).map(() => root);       // L = w · h_T, w of length 1

  const rnnReach = (x, rho) => {
    const { ih, bih, bhh } = weights(11, 1);
    const W = range(H).map(() => range(H).map(() => 0));
    [0.7, 1.9, 3.1].forEach((angle, pair) => {
      const [c, s, i] = [rho * Math.cos(angle), rho * Math.sin(angle), 2 * pair];
      [W[i][i], W[i][i + 1], W[i + 1][i], W[i + 1][i + 1]] = [c, -s, s, c];
    });
    let h = range(H).map(() => 0);
    const hs = x.map((xt) => {
      const [u, v] = [times(ih, xt), times(W, h)];
      h = u.map((a, j) => Math.tanh(a + bih[j] + bhh[j] + v[j]));
      return h;
    });
    let dh = loss;
    return hs.reverse().map((state) => {
      const size = norm(dh);
      dh = transposed(W, dh.map((d, j) => d * (1 - state[j] * state[j])));
      return size;
    });
  };

  const lstmReach = (x, bias) => {
    const { ih, hh, bih, bhh } = weights(23, 4);
    for (const j of range(H)) [bih[H + j], bhh[H + j]] = [bias, 0];
    let [h, c] = [range(H).map(() => 0), range(H).map(() => 0)];
    const steps = x.map((xt) => {
      const [u, v] = [times(ih, xt), times(hh, h)];
      const a = u.map((value, j) => value + bih[j] + bhh[j] + v[j]);
      const before = c;
      const i = range(H).map((j) => sigmoid(a[j]));
      const f = range(H).map((j) => sigmoid(a[H + j]));
      const g = range(H).map((j) => Math.tanh(a[2 * H + j]));
      const o = range(H).map((j) => sigmoid(a[3 * H + j]));
      c = range(H).map((j) => f[j] * before[j] + i[j] * g[j]);
      h = range(H).map((j) => o[j] * Math.tanh(c[j]));
      return { i, f, g, o, before, t: c.map(Math.tanh) };
    });
    let [dh, dc] = [loss, range(H).map(() => 0)];
    return steps.reverse().map(({ i, f, g, o, before, t }) => {
      const size = norm([...dh, ...dc]);
      const all = range(H).map((j) => dc[j] + dh[j] * o[j] * (1 - t[j] * t[j]));
      const da = [
        ...range(H).map((j) => all[j] * g[j] * i[j] * (1 - i[j])),
        ...range(H).map((j) => all[j] * before[j] * f[j] * (1 - f[j])),
        ...range(H).map((j) => all[j] * i[j] * (1 - g[j] * g[j])),
        ...range(H).map((j) => dh[j] * t[j] * o[j] * (1 - o[j])),
      ];
      dh = transposed(hh, da);
      dc = all.map((d, j) => d * f[j]);
      return size;
    });
  };

  /* Norms of the gradient at the lags 0 … steps - 1: measured, and what the two formulas say. */
  const reach = ({ rho, bias, steps, noise }) => {
    const x = scaled(numbers(5, steps, D), noise * Math.sqrt(3));
    return {
      rnn: rnnReach(x, rho),
      bound: range(steps).map((k) => rho ** k),
      lstm: lstmReach(x, bias),
      belt: range(steps).map((k) => sigmoid(bias) ** k),
    };
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { reach };
    return;
  }

  const { add, begin, saying } = window.rnnbookFigure;
  const [LOW, HIGH] = [-20, 5];                // powers of ten on the axis
  const BOX = { left: 46, right: 352, top: 10, bottom: 216 };
  const down = (power) => BOX.bottom - ((power - LOW) / (HIGH - LOW)) * (BOX.bottom - BOX.top);
  const across = (lag) => BOX.left + (lag / 99) * (BOX.right - BOX.left);
  const path = (norms) => norms.map((value, k) => {
    const power = Math.min(Math.max(Math.log10(Math.max(value, 1e-300)), LOW), HIGH);
    return `${k ? "L" : "M"}${across(k).toFixed(2)} ${down(power).toFixed(2)}`;
  }).join("");
  const superscript = (n) => String(n).replace(/./g, (d) => (d === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]));
  const size = (value) => {
    if (value >= 0.1 && value < 1000) return value.toPrecision(2);
    const [digits, power] = value.toExponential(0).split("e");
    return `${digits} · 10${superscript(Number(power))}`;
  };
  const curves = [                             // name, colour, dashes, words
    ["bound", "h", "2 4", "bound ρᵏ"],
    ["rnn", "h", "", "basic RNN, measured"],
    ["belt", "f", "2 4", "forget gates alone, σ(b)ᵏ"],
    ["lstm", "f", "", "LSTM, measured"],
  ];
  const sliders = [
    ["rho", "ρ, the stretch of the RNN's matrix", 0.5, 1.6, 0.02, 1],
    ["bias", "b, the LSTM's forget bias", -2, 6, 0.25, 0],
    ["steps", "T, the steps that are read", 10, 100, 5, 100],
    ["noise", "standard deviation of the input", 0, 3, 0.1, 0.3],
  ];

  const build = (block) => {
    begin(block, "Gradient against lag in a basic RNN and an LSTM");
    const svg = add(block, "svg", { viewBox: "0 0 360 256", role: "img" });
    const line = (attributes) => add(svg, "line", { stroke: "var(--rnnbook-x)", "stroke-width": 1, ...attributes });
    for (const power of [0, -5, -10, -15, -20]) {
      line({ x1: BOX.left, x2: BOX.right, y1: down(power), y2: down(power), "stroke-opacity": 0.4 });
      add(svg, "text", { x: BOX.left - 6, y: down(power) + 4, "text-anchor": "end", fill: "currentColor" },
        power === 0 ? "1" : `10${superscript(power)}`);
    }
    for (const lag of [0, 25, 50, 75, 99]) {
      add(svg, "text", { x: across(lag), y: BOX.bottom + 16, "text-anchor": "middle", fill: "currentColor" }, lag);
    }
    add(svg, "text", { x: BOX.right, y: BOX.bottom + 34, "text-anchor": "end", fill: "currentColor" }, "lag k");
    add(svg, "text", { x: BOX.left, y: BOX.bottom + 34, fill: "currentColor" }, "norm of the gradient");
    const drawn = {};
    for (const [name, colour, dashes] of curves) {
      drawn[name] = add(svg, "path", {
        fill: "none", stroke: `var(--rnnbook-${colour})`, "stroke-width": dashes ? 1.6 : 2.6, "stroke-dasharray": dashes,
      });
    }
    const key = add(block, "ul", { class: "animation-key" });
    for (const [, colour, dashes, words] of curves) {
      const item = add(key, "li");
      const swatch = add(item, "svg", { viewBox: "0 0 28 8", "aria-hidden": "true" });
      add(swatch, "line", { x1: 0, y1: 4, x2: 28, y2: 4, stroke: `var(--rnnbook-${colour})`, "stroke-width": dashes ? 2 : 3,
        "stroke-dasharray": dashes });
      add(item, "span", {}, words);
    }
    const says = saying(block);
    const controls = add(block, "div", { class: "animation-controls" });
    const inputs = {};
    const update = () => {
      const at = Object.fromEntries(sliders.map(([name]) => [name, Number(inputs[name].value)]));
      const found = reach(at);
      for (const [name] of curves) drawn[name].setAttribute("d", path(found[name]));
      const last = at.steps - 1;
      says.textContent = `ρ ${at.rho}, b ${at.bias}, T ${at.steps}, input ${at.noise}. At lag ${last}: basic RNN `
        + `${size(found.rnn[last])}, its bound ${size(found.bound[last])}; LSTM ${size(found.lstm[last])}, the forget gates `
        + `alone ${size(found.belt[last])}.`;
      svg.setAttribute("aria-label", `Gradient against lag. ${says.textContent}`);
    };
    for (const [name, words, min, max, step, value] of sliders) {
      const label = add(controls, "label", {}, `${words} `);
      inputs[name] = add(label, "input", { type: "range", name, min, max, step, value });
      inputs[name].addEventListener("input", update);
    }
    update();
  };

  document.querySelectorAll("div.animation-gradient-reach").forEach(build);
})();

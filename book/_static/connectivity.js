/* Which earlier characters does a prediction depend on? An RNN, a GRU and an LSTM read what the reader types.

   animation.js loads this file where a page has the block `:::{div} animation animation-connectivity`, and this one loads
   connectivity-weights.js, a call of rnnbookConnectivity with the trained parameters, written by
   book/experiments/connectivity.py. The formulas are those of rnnbook.in_numpy: Embedding, RNN, GRU, LSTM, Linear, forward
   and backward; tests hold the numbers against it. Without this script the block shows its own text, and on paper the
   chapter's still figure remains. */
(() => {
  /* ---- the networks ---- */

  const half = (h) => {                                // a 16-bit float as a number, exactly
    const sign = h & 0x8000 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
    return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
  };
  const unpack = ({ shape, half: text }) => {          // rows of numbers, or one row
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const numbers = Float64Array.from({ length: bytes.length / 2 }, (_, k) => half(bytes[2 * k] | (bytes[2 * k + 1] << 8)));
    if (shape.length === 1) return numbers;
    return Array.from({ length: shape[0] }, (_, row) => numbers.subarray(row * shape[1], (row + 1) * shape[1]));
  };

  const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
  const affine = (W, x, b) => Float64Array.from(W, (row, k) => dot(row, x) + b[k]);
  const back = (W, da) => {                            // Wᵀ da
    const dx = new Float64Array(W[0].length);
    W.forEach((row, k) => row.forEach((w, j) => { dx[j] += w * da[k]; }));
    return dx;
  };
  const sigmoid = (a) => 0.5 * Math.tanh(0.5 * a) + 0.5;
  const zeros = (n) => new Float64Array(n);

  /* Each cell: step (u, v, before) -> {h, c?, …} from u = W_ih e + b_ih and v = W_hh h + b_hh, and
     back (trace, dh, dc) -> {du, dv, dh, dc}: the gradients of u and v, and what reaches h and c of the step before. */
  const cells = {
    RNN: {
      step: (u, v) => ({ h: u.map((value, k) => Math.tanh(value + v[k])) }),
      back: ({ h }, dh) => {
        const da = dh.map((d, k) => d * (1 - h[k] * h[k]));
        return { du: da, dv: da, dh: zeros(dh.length), dc: null };
      },
    },
    GRU: {
      step: (u, v, { h: before }) => {
        const H = before.length, r = zeros(H), z = zeros(H), n = zeros(H);
        const h = before.map((old, k) => {
          r[k] = sigmoid(u[k] + v[k]);
          z[k] = sigmoid(u[H + k] + v[H + k]);
          n[k] = Math.tanh(u[2 * H + k] + r[k] * v[2 * H + k]);
          return (1 - z[k]) * n[k] + z[k] * old;
        });
        return { h, r, z, n, v, before };
      },
      back: ({ r, z, n, v, before }, dh) => {
        const H = dh.length, du = zeros(3 * H), dv = zeros(3 * H);
        dh.forEach((d, k) => {
          const dn = d * (1 - z[k]) * (1 - n[k] * n[k]);
          du[k] = dn * v[2 * H + k] * r[k] * (1 - r[k]);
          du[H + k] = d * (before[k] - n[k]) * z[k] * (1 - z[k]);
          du[2 * H + k] = dn;
          dv[k] = du[k];
          dv[H + k] = du[H + k];
          dv[2 * H + k] = dn * r[k];
        });
        return { du, dv, dh: dh.map((d, k) => d * z[k]), dc: null };
      },
    },
    LSTM: {
      step: (u, v, { c: old }) => {
        const H = old.length, [i, f, g, o, c, t] = Array.from({ length: 6 }, () => zeros(H));
        const h = old.map((before, k) => {
          i[k] = sigmoid(u[k] + v[k]);
          f[k] = sigmoid(u[H + k] + v[H + k]);
          g[k] = Math.tanh(u[2 * H + k] + v[2 * H + k]);
          o[k] = sigmoid(u[3 * H + k] + v[3 * H + k]);
          c[k] = f[k] * before + i[k] * g[k];
          t[k] = Math.tanh(c[k]);
          return o[k] * t[k];
        });
        return { h, c, i, f, g, o, t, old };
      },
      back: ({ i, f, g, o, t, old }, dh, dcAfter) => {
        const H = dh.length, da = zeros(4 * H), dc = zeros(H);
        dh.forEach((d, k) => {
          const dcHere = (dcAfter ? dcAfter[k] : 0) + d * o[k] * (1 - t[k] * t[k]);
          da[k] = dcHere * g[k] * i[k] * (1 - i[k]);
          da[H + k] = dcHere * old[k] * f[k] * (1 - f[k]);
          da[2 * H + k] = dcHere * i[k] * (1 - g[k] * g[k]);
          da[3 * H + k] = d * t[k] * o[k] * (1 - o[k]);
          dc[k] = dcHere * f[k];
        });
        return { du: da, dv: da, dh: zeros(H), dc };
      },
    },
  };

  /* Read all but the last token: the trace of each step, and the probability of the token that came after it. */
  const read = (cell, p, tokens) => {
    const H = p["head.weight"][0].length, traces = [], probabilities = [];
    let before = { h: zeros(H), c: zeros(H) };
    for (let t = 0; t + 1 < tokens.length; t += 1) {
      const u = affine(p["layer.weight_ih_l0"], p["embedding.weight"][tokens[t]], p["layer.bias_ih_l0"]);
      const v = affine(p["layer.weight_hh_l0"], before.h, p["layer.bias_hh_l0"]);
      before = cells[cell].step(u, v, before);
      traces.push(before);
      const y = affine(p["head.weight"], before.h, p["head.bias"]);
      const most = Math.max(...y);
      probabilities.push(Math.exp(y[tokens[t + 1]] - most) / y.reduce((sum, value) => sum + Math.exp(value - most), 0));
    }
    return { traces, probabilities };
  };

  /* The norm of the gradient of the logit of the token that came after step t, for each character up to t. */
  const connectivity = (cell, p, traces, wanted, t) => {
    const norms = [];
    let dh = Float64Array.from(p["head.weight"][wanted]), dc = null;
    for (let s = t; s >= 0; s -= 1) {
      const found = cells[cell].back(traces[s], dh, dc);
      norms.unshift(Math.hypot(...back(p["layer.weight_ih_l0"], found.du)));
      const through = back(p["layer.weight_hh_l0"], found.dv);
      dh = found.dh.map((value, k) => value + through[k]);
      dc = found.dc;
    }
    return norms;
  };

  const open = ({ vocabulary, networks }) => ({
    vocabulary,
    networks: Object.fromEntries(Object.entries(networks).map(([cell, state]) => [
      cell, Object.fromEntries(Object.entries(state).map(([name, part]) => [name, unpack(part)])),
    ])),
  });

  if (typeof document === "undefined") {               // a test reads the arithmetic alone
    module.exports = { open, read, connectivity };
    return;
  }

  /* ---- the figure ---- */

  const here = document.currentScript?.src.replace(/[^/]*$/, "") ?? "";
  const START = "And the LORD spake unto Moses, saying", MOST = 80;

  const { add, begin, visible } = window.rnnbookFigure;

  const figure = (block, { vocabulary, networks }, number) => {
    begin(block, "Type a sentence and see what each prediction depends on");
    const controls = add(block, "div", { class: "animation-controls" });
    const field = add(add(controls, "label", {}, "A sentence "), "input", {
      type: "text", maxlength: MOST, autocomplete: "off", spellcheck: "false", id: `connectivity-${number}`,
    });
    const slider = add(add(controls, "label", {}, "predicted character "), "input", { type: "range", min: 2, step: 1 });
    const result = add(block, "p", { class: "connectivity-result", "aria-live": "polite" });
    const box = add(block, "div", { class: "connectivity-box" });
    let tokens = [], found = {}, squares = {};

    const select = () => {
      const at = Number(slider.value) - 1, parts = [];        // the place of the predicted character
      for (const [cell, p] of Object.entries(networks)) {
        const norms = connectivity(cell, p, found[cell].traces, tokens[at], at - 1);
        const most = Math.max(...norms), sum = norms.reduce((a, b) => a + b, 0);
        let held = 0, back = 0;
        while (held < 0.9 * sum && back < norms.length) { back += 1; held += norms[norms.length - back]; }
        squares[cell].forEach((square, s) => {
          square.className = s === at ? "predicted" : s > at ? "later" : "";
          square.style.setProperty("--weight", s < at ? (norms[s] / most).toFixed(3) : "0");
        });
        parts.push(`${cell} ${found[cell].probabilities[at - 1].toFixed(2)}, 90 % from the last ${back}`);
      }
      result.textContent = `Probability of “${visible(field.value[at])}”, and where it comes from: ${parts.join("; ")}.`;
      slider.setAttribute("aria-valuetext", `${at + 1}: ${visible(field.value[at])}`);
    };

    const show = () => {
      box.replaceChildren();
      const letters = Array.from(field.value), unknown = letters.find((letter) => !vocabulary.includes(letter));
      if (letters.length < 2 || unknown) {
        result.textContent = unknown ? `These networks never saw ${unknown}.` : "Type two characters or more.";
        slider.disabled = true;
        return;
      }
      slider.disabled = false;
      slider.max = letters.length;
      tokens = letters.map((letter) => vocabulary.indexOf(letter));
      found = {};
      squares = {};
      for (const [cell, p] of Object.entries(networks)) {
        found[cell] = read(cell, p, tokens);
        const row = add(box, "div", { class: "connectivity-row", "aria-hidden": "true" });
        add(row, "b", {}, cell);
        squares[cell] = letters.map((letter, s) => {
          const square = add(row, "span", {}, visible(letter));
          square.addEventListener("pointerenter", () => {
            if (s > 0) { slider.value = s + 1; select(); }
          });
          return square;
        });
      }
      select();
    };
    field.addEventListener("input", () => { slider.max = field.value.length; slider.value = field.value.length; show(); });
    slider.addEventListener("input", select);
    field.value = START;
    slider.max = START.length;
    slider.value = START.length;
    show();
  };

  window.rnnbookConnectivity = (stored) => {
    const all = open(stored);
    document.querySelectorAll("div.animation-connectivity").forEach((block, number) => figure(block, all, number));
  };
  const weights = document.createElement("script");
  weights.src = `${here}connectivity-weights.js`;
  if (here) document.head.appendChild(weights);
})();

/* Type a date, and see where the network looks: an encoder-decoder with attention, in the browser.

   animation.js loads this file where a page has the block `:::{div} animation animation-date-reader`, and this one loads
   date-reader-weights.js, a call of rnnbookDateReader with the trained parameters. The formulas are those of
   rnnbook.in_numpy: GRU, AdditiveAttention, EncoderDecoder; tests hold the numbers against it. Without this script
   the block shows its own text, and on paper the chapter's still figure remains. */
(() => {
  const here = document.currentScript?.src.replace(/[^/]*$/, "") ?? "";

  /* ---- the network ---- */

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
  const times = (W, x) => Float64Array.from(W, (row) => dot(row, x));
  const add = (...vectors) => vectors[0].map((_, k) => vectors.reduce((sum, v) => sum + v[k], 0));
  const sigmoid = (a) => 0.5 * Math.tanh(0.5 * a) + 0.5;
  const softmax = (scores) => {
    const most = Math.max(...scores), e = scores.map((score) => Math.exp(score - most)), sum = e.reduce((a, b) => a + b, 0);
    return e.map((value) => value / sum);
  };
  const largest = (values) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);

  const gru = (p, layer, x, h) => {                    // one step; blocks r, z, n
    const H = h.length;
    const u = add(times(p[`${layer}.weight_ih_l0`], x), p[`${layer}.bias_ih_l0`]);
    const v = add(times(p[`${layer}.weight_hh_l0`], h), p[`${layer}.bias_hh_l0`]);
    return h.map((before, k) => {
      const r = sigmoid(u[k] + v[k]);
      const z = sigmoid(u[H + k] + v[H + k]);
      const n = Math.tanh(u[2 * H + k] + r * v[2 * H + k]);
      return (1 - z) * n + z * before;
    });
  };

  const read = ({ source, target, steps, parameters: p }, line) => {
    const tokens = Array.from(line, (letter) => source.indexOf(letter));
    const memory = [];
    let state = new Float64Array(p["head.weight"][0].length);
    for (const token of tokens) {
      state = gru(p, "encoder", p["embedding_in.weight"][token], state);
      memory.push(state);
    }
    const keys = memory.map((m) => times(p["attention.weight_memory"], m));
    const v = p["attention.weight_score"];
    const weights = [], logits = [];
    let token = target.indexOf("^"), answer = "";
    for (let step = 0; step < steps; step++) {
      state = gru(p, "decoder", p["embedding_out.weight"][token], state);
      const asked = times(p["attention.weight_query"], state);
      const alpha = softmax(keys.map((key) => dot(v, add(asked, key).map(Math.tanh))));
      const context = state.map((_, k) => alpha.reduce((sum, a, t) => sum + a * memory[t][k], 0));
      const a = add(times(p["combine.weight"], [...context, ...state]), p["combine.bias"]);
      const scores = add(times(p["head.weight"], a.map(Math.tanh)), p["head.bias"]);
      token = largest(scores);
      answer += target[token];
      weights.push(alpha);
      logits.push([...scores]);
    }
    return { answer, weights, logits };
  };

  /* ---- the figure ---- */

  const EXAMPLES = ["tuesday, march 3, 1987", "3rd of march 1987", "we met on the 21st of septmber, 2004 again", "3/4/1987",
    "27 jun '05"];
  const MOST = 60;

  const { add: make, begin, visible } = window.rnnbookFigure;   // here, add is the sum of vectors

  const table = (box, line, { answer, weights }) => {
    box.replaceChildren();
    const grid = make(box, "table", { class: "date-reader-grid" });
    make(grid, "caption", {}, "One row for each character of the answer; the stronger its colour, the larger the weight; the largest is framed.");
    const head = make(make(grid, "thead"), "tr");
    make(head, "th", { scope: "col" }, "says");
    for (const letter of line) make(head, "th", { scope: "col" }, visible(letter));
    const body = make(grid, "tbody");
    weights.forEach((row, step) => {
      const tr = make(body, "tr");
      make(tr, "th", { scope: "row" }, answer[step]);
      const most = largest(row);
      row.forEach((alpha, t) => {
        const cell = make(tr, "td", { title: `${answer[step]} looks at ${visible(line[t])}: ${alpha.toFixed(2)}` });
        if (t === most) cell.className = "most";
        cell.style.setProperty("--weight", alpha.toFixed(3));
      });
    });
  };

  const said = (line, { answer, weights }) => {
    const looks = weights.map((row, step) => {
      const most = largest(row);
      return `${answer[step]} at letter ${most + 1} “${visible(line[most])}”, ${Math.round(100 * row[most])} percent`;
    });
    return `Largest weights: ${looks.join("; ")}.`;
  };

  const figure = (block, network, number) => {
    begin(block, "Type a date and see where the network looks");
    const controls = make(block, "div", { class: "animation-controls" });
    const label = make(controls, "label", {}, "A date among words ");
    const field = make(label, "input", { type: "text", maxlength: MOST, autocomplete: "off", spellcheck: "false" });
    const another = make(controls, "button", { type: "button" }, "Another");
    const result = make(block, "p", { class: "date-reader-result", "aria-live": "polite" });
    const box = make(block, "div", {
      class: "date-reader-box", tabindex: "0", role: "region", "aria-label": "Attention weights",
    });
    const details = make(block, "details");
    make(details, "summary", {}, "In words: where each character looks");
    const words = make(details, "p");
    let at = 0;

    const show = () => {
      const line = field.value.toLowerCase();
      const unknown = Array.from(line).find((letter) => !network.source.includes(letter));
      if (!line.trim() || unknown) {
        result.textContent = unknown ? `This network never saw ${unknown}: letters, digits and , . / ' only.` : "Type a date.";
        box.replaceChildren();
        words.textContent = "";
        return;
      }
      const found = read(network, line);
      result.textContent = `It reads ${found.answer}.`;
      table(box, line, found);
      words.textContent = said(line, found);
    };
    field.addEventListener("input", show);
    another.addEventListener("click", () => {
      at = (at + 1) % EXAMPLES.length;
      field.value = EXAMPLES[at];
      show();
    });
    field.id = `date-reader-${number}`;
    field.value = EXAMPLES[0];
    show();
  };

  window.rnnbookDateReader = (stored) => {
    const parameters = Object.fromEntries(Object.entries(stored.parameters).map(([name, part]) => [name, unpack(part)]));
    const network = { ...stored, parameters };
    window.rnnbookDateReader.read = (line) => read(network, line);
    document.querySelectorAll("div.animation-date-reader").forEach((block, number) => figure(block, network, number));
  };
  const weights = document.createElement("script");
  weights.src = `${here}date-reader-weights.js`;
  if (here) document.head.appendChild(weights);
})();

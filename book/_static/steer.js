/* A loop that the reader closes: in every block of the class animation-steer, sliders for the gains of a PID controller
   and for what befalls the plant. animation.js loads this file where such a block is. The numbers are those of
   rnnbook.data.plants and of the PID in book/experiments/control.py; a test compares them. */
(() => {
  const STEPS = 160, LOAD_FROM = 100, LARGEST_U = 10;
  const SLIDERS = [
    { name: "K_p", label: "K p, the error", min: 0, max: 2, step: 0.05, value: 0.1 },
    { name: "K_i", label: "K i, its sum", min: 0, max: 2, step: 0.05, value: 0 },
    { name: "K_d", label: "K d, its change", min: 0, max: 1, step: 0.05, value: 0 },
    { name: "load", label: "load from step 100 on", min: -1, max: 1, step: 0.1, value: 0.5 },
    { name: "gain", label: "gain of the plant", min: 0.6, max: 1.2, step: 0.05, value: 1 },
  ];

  /* The reference: up for 60 steps, down for 60, halfway up for the rest. */
  const reference = () => {
    const found = [];
    for (let t = 0, y = 0, before = 0; t < STEPS; t += 1) {
      const r = t < 60 ? 0.4 : t < 120 ? -0.3 : 0.2;
      [y, before] = [0.6 * y + 0.2 * before + r, y];
      found.push(y);
    }
    return found;
  };

  /* Outputs of the plant under u = K_f y_m + K_p e + K_i (sum of e) + K_d (change of e), with K_f = 0.6. */
  const steer = ({ K_p, K_i, K_d, load, gain }) => {
    const aims = reference(), outputs = [];
    let y = 0, before = 0, total = 0, last = 0;
    for (let t = 0; t < STEPS; t += 1) {
      const error = (t > 0 ? aims[t - 1] : 0) - y;
      total += error;
      const asked = 0.6 * aims[t] + K_p * error + K_i * total + K_d * (error - last);
      const u = Math.min(Math.max(asked, -LARGEST_U), LARGEST_U);
      last = error;
      const moved = y * before * (y + 2.5) / (1 + y * y + before * before) + gain * u + (t >= LOAD_FROM ? load : 0);
      [y, before] = [moved, y];
      outputs.push(y);
    }
    return { aims, outputs };
  };
  window.rnnbookSteer = steer;

  const { add, begin, number, saying } = window.rnnbookFigure;

  const points = (values) =>
    values.map((y, t) => `${(30 + (320 * t) / (STEPS - 1)).toFixed(1)},${(110 - 22 * Math.min(Math.max(y, -4.5), 4.5)).toFixed(1)}`).join(" ");

  const build = (block) => {
    begin(block, "A PID controller to tune");
    const svg = add(block, "svg", { viewBox: "0 0 360 220", role: "img" });
    for (const level of [-4, -2, 0, 2, 4]) {
      const height = 110 - 22 * level;
      add(svg, "line", { x1: 30, x2: 350, y1: height, y2: height, style: "stroke: var(--rnnbook-x); opacity: 0.25" });
      const label = { x: 24, y: height + 4, "text-anchor": "end", style: "fill: var(--rnnbook-h)" };
      add(svg, "text", label, String(level).replace("-", "−"));
    }
    const line = (colour, width) => add(svg, "polyline", {
      points: "", style: `fill: none; stroke: var(--rnnbook-${colour}); stroke-width: ${width}; stroke-linejoin: round` });
    const wanted = line("x", 4), got = line("c", 2);
    const says = saying(block);
    const values = {};
    const show = () => {
      const { aims, outputs } = steer(values);
      wanted.setAttribute("points", points(aims));
      got.setAttribute("points", points(outputs));
      const off = outputs.map((y, t) => y - aims[t]);
      const rms = Math.sqrt(off.reduce((sum, e) => sum + e * e, 0) / STEPS);
      const rest = off.slice(-10).reduce((sum, e) => sum + Math.abs(e), 0) / 10;
      const sentence = `Thick: the reference; thin: the plant. Over all steps the error is ${rms.toFixed(2)}; `
        + `in the last ten steps the output is ${rest.toFixed(2)} off.`;
      says.textContent = sentence;
      svg.setAttribute("aria-label", sentence);
    };
    for (const { name, label, ...range } of SLIDERS) {
      const controls = add(block, "div", { class: "animation-controls" });
      const text = add(controls, "label", {}, `${label} `);
      const slider = add(text, "input", { type: "range", ...range });
      const shown = add(text, "span");
      const take = () => {
        values[name] = Number(slider.value);
        shown.textContent = number(values[name]);
      };
      slider.addEventListener("input", () => { take(); show(); });
      take();
    }
    show();
  };

  document.querySelectorAll("div.animation-steer").forEach(build);
})();

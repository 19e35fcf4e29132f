/* A Hopfield network that the reader spoils and watches settle: the block `:::{div} animation animation-hopfield-descent`.
   animation.js loads this file. Storage, energy and visits are those of the chapter feedback_networks; a test holds them
   to rnnbook.in_numpy.hopfield. Nothing moves until the reader presses Play; who asks for less motion gets single
   visits and sweeps. Without this script the block shows its own text. */
(() => {
  const SIDE = 8, N = 64;
  /* The first digit of each kind in the book's data, # for ink: ten patterns of 64 units. */
  const digits = [
    "...##.....####....#..##...#..##...#..##...#..#....#.##.....##...",
    "...##......###.....##.....###......##......##......##......###..",
    "....##.....###....####......##....###....###......####......###.",
    "...##....##.#......##......##.......##.......##...#..##....###..",
    "....#.......#......#.......#.##...##.#....####......##......#...",
    "..##......####....####....###........#.......##.....##....####..",
    "...##......##.....##......##......##......####.....####....###..",
    "...####......##.....##....####....###......#......##......#.....",
    "..###.....####....##.#.....###.....##.....####....#..##...####..",
    "..##......####....####....#.##....####.......##.....##....###...",
  ].map((text) => [...text].map((pixel) => (pixel === "#" ? 1 : -1)));

  const square = (entry) => [...Array(N)].map((_, i) => [...Array(N)].map((__, j) => (i === j ? 0 : entry(i, j))));
  const put = (s, i, value) => s.map((old, k) => (k === i ? value : old));
  const dot = (u, v) => u.reduce((sum, value, k) => sum + value * v[k], 0);

  const hebbian = (patterns) => square((i, j) => patterns.reduce((sum, xi) => sum + xi[i] * xi[j], 0));

  /* Xᵀ (X Xᵀ)⁻¹ X without its diagonal: the small matrix is inverted by Gauss and Jordan's elimination. */
  const pseudoInverse = (patterns) => {
    const M = patterns.length;
    const rows = patterns.map((u, m) => [...patterns.map((v) => dot(u, v)), ...patterns.map((_, k) => (k === m ? 1 : 0))]);
    for (let m = 0; m < M; m += 1) {
      const best = rows.slice(m).reduce((at, row, k) => (Math.abs(row[m]) > Math.abs(rows[at][m]) ? m + k : at), m);
      [rows[m], rows[best]] = [rows[best], rows[m]];
      rows[m] = rows[m].map((value) => value / rows[m][m]);
      rows.forEach((row, k) => {
        if (k !== m) rows[k] = row.map((value, c) => value - row[m] * rows[m][c]);
      });
    }
    const inverse = rows.map((row) => row.slice(M));
    const mixed = inverse.map((row) => [...Array(N)].map((_, j) => dot(row, patterns.map((xi) => xi[j]))));
    const W = square((i, j) => patterns.reduce((sum, xi, m) => sum + xi[i] * mixed[m][j], 0));
    return square((i, j) => (W[i][j] + W[j][i]) / 2);
  };

  const rules = { hebbian, "pseudo-inverse": pseudoInverse };
  const TIE = 1e-9;                            // what rounding may leave of a field that is zero
  const field = (W, s, i) => dot(W[i], s);
  const energy = (W, s) => -0.5 * s.reduce((sum, value, i) => sum + value * field(W, s, i), 0);
  const visit = (W, s, i) => {
    const a = field(W, s, i);
    return Math.abs(a) < TIE ? s : put(s, i, Math.sign(a));
  };
  const atRest = (W, s) => s.every((value, i) => value * field(W, s, i) > -TIE);

  /* Numbers from 0 to 1 that are the same on every visit of the page (mulberry32), and a permutation drawn with them. */
  const generator = (seed) => {
    let at = seed;
    return () => {
      at = (at + 0x6d2b79f5) | 0;
      let t = Math.imul(at ^ (at >>> 15), 1 | at);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  };
  const permutation = (random) => {
    const order = [...Array(N).keys()];
    for (let k = N - 1; k > 0; k -= 1) {
      const other = Math.floor(random() * (k + 1));
      [order[k], order[other]] = [order[other], order[k]];
    }
    return order;
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { digits, rules, field, energy, visit, atRest, generator, permutation };
    return;
  }

  const WIDTH = 320, HEIGHT = 232, LEFT = 58, BOTTOM = 190, TOP = 26;
  const SPOILT = 12, PAUSE = 45;
  const { add, begin, follow, played, saying } = window.rnnbookFigure;
  const number = (value, rule) => {
    const text = rule === "hebbian" ? String(Math.abs(Math.round(value))) : Math.abs(value).toFixed(2);
    return Number(text) !== 0 && value < 0 ? `−${text}` : text;
  };
  const place = (i) => `row ${Math.floor(i / SIDE) + 1}, column ${(i % SIDE) + 1}`;
  const agreeing = (u, v) => u.filter((value, i) => value === v[i]).length;

  /* The energies after each change as a staircase, with a dot for each pixel that the reader turned. */
  const plot = (svg, { energies, turned, goal, digit, rule }) => {
    svg.replaceChildren();
    const low = Math.min(goal, ...energies), high = Math.max(goal + 1, ...energies);
    const steps = Math.max(2 * N, energies.length - 1);
    const x = (k) => LEFT + ((WIDTH - LEFT - 8) * k) / steps;
    const y = (E) => TOP + ((BOTTOM - TOP - 20) * (high - E)) / (high - low);
    const line = (x1, y1, x2, y2, colour, dash) => {
      const drawn = add(svg, "line", { x1, y1, x2, y2, ...(dash ? { "stroke-dasharray": dash } : {}) });
      drawn.style.stroke = `var(--rnnbook-${colour})`;
    };
    const word = (wx, wy, text, anchor = "middle") => {
      add(svg, "text", { x: wx, y: wy, "text-anchor": anchor }, text).style.fill = "var(--pst-color-text-base)";
    };
    line(LEFT, TOP, LEFT, BOTTOM, "x");
    line(LEFT, BOTTOM, WIDTH - 8, BOTTOM, "x");
    line(LEFT, y(goal), WIDTH - 8, y(goal), "h", "5 4");
    word(WIDTH - 8, y(goal) + 15, `the digit ${digit}`, "end");
    for (const E of new Set([low, high])) word(LEFT - 6, y(E) + 4, number(E, rule), "end");
    word(LEFT, 14, "energy E");
    for (const k of [0, steps]) word(x(k) - (k ? 10 : 0), BOTTOM + 18, k);
    word((LEFT + WIDTH) / 2, HEIGHT - 8, "visits and turned pixels");
    const path = energies.map((E, k) => (k ? `H${x(k).toFixed(2)}V${y(E).toFixed(2)}` : `M${x(0).toFixed(2)} ${y(E).toFixed(2)}`));
    const stairs = add(svg, "path", { d: path.join(""), fill: "none", "stroke-width": 2 });
    stairs.style.stroke = "var(--rnnbook-o)";
    for (const k of turned) add(svg, "circle", { cx: x(k), cy: y(energies[k]), r: 3.5 }).style.fill = "var(--rnnbook-f)";
  };

  const build = (block) => {
    begin(block, "A Hopfield network that settles");
    const stage = add(block, "div", { class: "hopfield-stage" });
    const grid = add(stage, "div", { class: "hopfield-grid", role: "group", "aria-label": "The state, 8 by 8 pixels; arrow keys move, Enter turns a pixel" });
    const svg = add(stage, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    const says = saying(block);
    const buttons = add(block, "div", { class: "animation-controls" });
    const button = (words, action) => {
      const made = add(buttons, "button", { type: "button" }, words);
      made.addEventListener("click", action);
      return made;
    };
    const controls = add(block, "div", { class: "animation-controls" });
    const select = (words, options, chosen) => {
      const made = add(add(controls, "label", {}, `${words} `), "select");
      for (const [value, text] of options) add(made, "option", { value }, text);
      made.value = chosen;
      return made;
    };

    const now = { rule: "pseudo-inverse", stored: 10, digit: 2, seed: 1 };
    let run = 0;                               // counts the presses: a timer of an earlier one does nothing
    let playing = false, last;
    const pixels = [...Array(N).keys()].map((i) => {
      const pixel = add(grid, "button", { type: "button", tabindex: i ? -1 : 0 });
      pixel.addEventListener("click", () => turn(i));
      pixel.addEventListener("focus", () => pixels.forEach((other, k) => { other.tabIndex = k === i ? 0 : -1; }));
      return pixel;
    });
    grid.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE }[event.key];
      const at = pixels.indexOf(document.activeElement);
      if (by === undefined || at < 0) return;
      event.preventDefault();
      const sideways = Math.abs(by) === 1 && Math.floor((at + by) / SIDE) !== Math.floor(at / SIDE);
      if (!sideways && at + by >= 0 && at + by < N) pixels[at + by].focus();
    });

    const show = (words) => {
      now.s.forEach((value, i) => {
        pixels[i].setAttribute("aria-pressed", value > 0);
        pixels[i].setAttribute("aria-label", place(i));
        pixels[i].classList.toggle("now", i === last);
      });
      plot(svg, { ...now, goal: now.goal });
      says.textContent = words;
      const E = number(now.energies.at(-1), now.rule);
      svg.setAttribute("aria-label", `The energy after each change: from ${number(now.energies[0], now.rule)} to ${E}.`);
    };
    const rest = () => {
      const same = digits.findIndex((xi) => agreeing(xi, now.s) === N);
      const negative = digits.findIndex((xi) => agreeing(xi, now.s) === 0);
      const stored = digits.slice(0, now.stored).map((xi) => agreeing(xi, now.s));
      const nearest = stored.indexOf(Math.max(...stored));
      const what = same >= 0 ? `It is the digit ${same}.`
        : negative >= 0 ? `It is the negative of the digit ${negative}.`
          : `It is no stored digit: ${stored[nearest]} of 64 pixels agree with the nearest, ${nearest}.`;
      return `At rest at E = ${number(now.energies.at(-1), now.rule)}: no unit wants to turn. ${what}`;
    };
    const note = () => now.energies.push(energy(now.W, now.s));
    const one = () => {                        // visit the next unit; its sentence
      if (!now.queue.length) now.queue = permutation(now.random);
      last = now.queue.shift();
      const a = field(now.W, now.s, last), before = now.s;
      now.s = visit(now.W, now.s, last);
      note();
      const does = now.s === before || now.s[last] === before[last] ? "stays as it is"
        : `turns to ${now.s[last] > 0 ? "ink" : "paper"}, and the energy falls by ${number(2 * Math.abs(a), now.rule)}`;
      return `The unit in ${place(last)} has the field ${number(a, now.rule)}: it ${does}. E = ${number(now.energies.at(-1), now.rule)}.`;
    };
    const stop = () => {
      run += 1;
      playing = false;
      played(play, says, false);
    };
    const turn = (i) => {
      stop();
      now.s = put(now.s, i, -now.s[i]);
      note();
      now.turned.push(now.energies.length - 1);
      last = undefined;
      const [before, E] = now.energies.slice(-2);
      show(`You turned the unit in ${place(i)} to ${now.s[i] > 0 ? "ink" : "paper"}: the energy `
        + `${E > before ? "rises" : "falls"} by ${number(Math.abs(E - before), now.rule)}. E = ${number(E, now.rule)}.`);
    };
    const restart = (spoilt) => {                // the digit, some of its pixels turned
      stop();
      now.random = generator(now.seed);
      now.s = digits[now.digit];
      for (const i of permutation(now.random).slice(0, spoilt)) now.s = put(now.s, i, -now.s[i]);
      Object.assign(now, { queue: [], turned: [], energies: [] });
      last = undefined;
      note();
      show(spoilt
        ? `${spoilt} of the 64 pixels of the digit ${now.digit} are wrong. E = ${number(now.energies[0], now.rule)}. Press Play, or turn more pixels.`
        : `The digit ${now.digit}. E = ${number(now.energies[0], now.rule)}. Turn some of its pixels.`);
    };
    const store = () => {
      now.W = rules[now.rule](digits.slice(0, now.stored));
      now.goal = energy(now.W, digits[now.digit]);
    };

    const play = button("Play", () => {
      if (playing) {
        stop();
        return;
      }
      stop();
      playing = true;
      played(play, says, true);
      const mine = run;
      const tick = () => {
        if (run !== mine) return;
        if (atRest(now.W, now.s)) {
          stop();
          last = undefined;
          show(rest());
          return;
        }
        show(one());
        setTimeout(tick, PAUSE);
      };
      tick();
    });
    button("One visit", () => {
      stop();
      show(one());
    });
    button("One sweep", () => {
      stop();
      do one(); while (now.queue.length);
      last = undefined;
      show(atRest(now.W, now.s) ? rest() : `Every unit was visited. E = ${number(now.energies.at(-1), now.rule)}; some still want to turn.`);
    });
    button(`Spoil ${SPOILT}`, () => {
      now.seed += 1;
      restart(SPOILT);
    });
    button("Restore", () => restart(0));
    const digit = select("Digit", digits.map((_, d) => [d, d]), now.digit);
    const stored = select("Stored", digits.map((_, d) => [d + 1, d ? `0 to ${d}` : "0 alone"]), now.stored);
    const rule = select("Rule", [["hebbian", "Hebbian"], ["pseudo-inverse", "pseudo-inverse"]], now.rule);
    const change = () => {
      now.stored = Number(stored.value);
      [...digit.options].forEach((option, d) => { option.disabled = d >= now.stored; });
      if (Number(digit.value) >= now.stored) digit.value = 0;
      Object.assign(now, { digit: Number(digit.value), rule: rule.value });
      store();
      restart(SPOILT);
    };
    for (const input of [digit, stored, rule]) input.addEventListener("change", change);
    follow(play, stop);
    change();
  };

  document.querySelectorAll("div.animation-hopfield-descent").forEach(build);
})();

/* A scan of eight pairs (a, b), row by row, beside the loop: the block `:::{div} animation animation-scan-tree`.
   animation.js loads this file. `scan` is the arithmetic of the chapter parallel; a test holds it to NumPy's numbers and
   to the loop. Nothing moves until the reader presses Play. Without this script the block shows its own text. */
(() => {
  const T = 8;
  const A = [0.5, -1, 2, 0.5, 1, -0.5, 2, 0.5], B = [1, 0, -1, 2, 1, 1, 0, -1];

  /* First one pair or state, then another pair: the chapter's equation of the merge. A state is a pair with a = 0. */
  const then = (first, second) => ({ a: second.a * first.a, b: second.a * first.b + second.b });

  /* The rows of a scan. A row is a list of nodes {id, t, from, a, b, of}: the steps from … t as one pair, or h_t where
     `from` is 0, combined of the two nodes `of`. All nodes of a row can be computed at once from the rows before. */
  const scan = ({ way, a, b, h }) => {
    const n = a.length;
    const start = { id: "start", t: 0, from: 0, a: 0, b: h };
    const items = a.map((_, k) => ({ id: `0.${k + 1}`, t: k + 1, from: k + 1, a: a[k], b: b[k] }));
    const rows = [[start, ...items]];
    const combine = (row, x, y) => {
      while (rows.length <= row) rows.push([]);
      const node = { id: `${row}.${y.t}`, t: y.t, from: x.from, ...then(x, y), of: [x.id, y.id] };
      rows[row].push(node);
      return node;
    };
    if (way === "rounds") {
      let now = [combine(1, start, items[0]), ...items.slice(1)];
      for (let reach = 1, row = 2; reach < n; reach *= 2, row += 1) {
        const before = now, at = row, by = reach;
        now = before.map((node, k) => (k < by ? node : combine(at, before[k - by], node)));
      }
    } else {
      const levels = [items];
      while (levels.at(-1).length > 1) {       // up: neighbours become one
        const below = levels.at(-1);
        levels.push(below.filter((_, k) => k % 2).map((node, k) => combine(levels.length, below[2 * k], node)));
      }
      const top = levels.length - 1;           // down: what is known before a node leads to the middle of it
      const whole = levels[top][0];
      let known = [start];
      for (let level = top - 1, row = top; level >= 0; level -= 1, row += 1) {
        const between = known.map((state, k) => combine(row, state, levels[level][2 * k]));
        if (level === top - 1) combine(top + 1, start, whole);
        known = known.flatMap((state, k) => [state, between[k]]);
      }
    }
    return rows;
  };

  /* The loop in the same form: a row for each step. */
  const loop = ({ a, b, h }) => {
    const states = [h];
    a.forEach((factor, k) => states.push(factor * states[k] + b[k]));
    return states;
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { scan, loop, then, A, B };
    return;
  }

  const { add, begin, follow, played, saying } = window.rnnbookFigure;
  const number = (value) => String(Math.round(1000 * value) / 1000).replace("-", "−");
  const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
  const WAYS = { tree: "up and down a tree", rounds: "in rounds" };
  const PITCH = 40, WIDE = 36, HIGH = 42, ROW = 58, LOOP = 6;
  const place = (row, t) => [PITCH * t + PITCH / 2, ROW * row + 26 + (row === LOOP ? 16 : 0)];

  const said = (way, row, rows) => {
    if (row === 0) return "Given: the state h0 and eight pairs, a above b. Press Next: everything in a row is computed at once.";
    if (row >= rows.length) return `The scan has all eight states; ${row < T ? "the loop goes on" : "now the loop has them, too"}.`;
    const count = many(rows[row].length, "combination");
    if (way === "rounds") {
      return row === 1
        ? `${count}: h0 enters the first pair, which becomes h1.`
        : `Round ${row - 1}, ${count}: every box takes in the one ${many(2 ** (row - 2), "place")} before it.`;
    }
    return {
      1: `Up, ${count}: neighbours become one pair.`,
      2: `Up, ${count}: pairs of pairs, four steps each.`,
      3: `The top, ${count}: all eight steps become one pair, and 1–4 leads from h0 to h4.`,
      4: `Down, ${count}: 1–8 leads from h0 to h8, 1–2 from h0 to h2, 5–6 from h4 to h6.`,
      5: `Down, ${count}: one step each leads to the four states that are left.`,
    }[row];
  };

  const drawNode = (svg, node, row, now) => {
    const [x, y] = place(row, node.t);
    const paint = node.from === 0 ? "o" : "x";
    const group = add(svg, "g", { class: `scan-tree-node${now ? " now" : ""}` });
    add(group, "rect", { x: x - WIDE / 2, y: y - HIGH / 2, width: WIDE, height: HIGH, rx: 4, style: `stroke: var(--rnnbook-${paint})` });
    const name = node.from === 0 ? `h${node.t}` : node.from === node.t ? `${node.t}` : `${node.from}–${node.t}`;
    const lines = node.from === 0 ? [name, number(node.b)] : [name, number(node.a), number(node.b)];
    lines.forEach((line, k) => {
      const style = `fill: var(--rnnbook-${paint}); font-weight: ${k === 0 ? 700 : 400}`;
      add(group, "text", { x, y: y + 12.5 * (k - (lines.length - 1) / 2) + 3.5, "text-anchor": "middle", style }, line);
    });
  };

  const build = (block) => {
    begin(block, "A scan of eight pairs, row by row, beside the loop");
    const svg = add(block, "svg", { role: "img", viewBox: `0 0 ${PITCH * (T + 1)} ${ROW * 7 + 10}` });
    const says = saying(block);
    const box = add(block, "table", { class: "scan-tree-counts" });
    const head = add(add(box, "thead"), "tr");
    for (const title of ["so far", "depth", "work", "states known"]) add(head, "th", { scope: "col" }, title);
    const body = add(box, "tbody"), counts = {};
    for (const name of ["scan", "loop"]) {
      const line = add(body, "tr");
      add(line, "th", { scope: "row" }, name);
      counts[name] = [0, 1, 2].map(() => add(line, "td"));
    }
    const buttons = add(block, "div", { class: "animation-controls" });
    const [previous, next, play] = ["Previous", "Next", "Play"].map((words) => add(buttons, "button", { type: "button" }, words));
    const at = add(add(buttons, "label", {}, "Row "), "input", { type: "range", name: "row", min: 0, max: T, value: 0 });
    const controls = add(block, "div", { class: "animation-controls" });
    const way = add(add(controls, "label", {}, "the scan goes "), "select", { name: "way" });
    for (const [value, words] of Object.entries(WAYS)) add(way, "option", { value }, words);
    const label = add(controls, "label", {}, "h0 ");
    const first = add(label, "input", { type: "range", name: "h0", min: -2, max: 2, step: 0.5, value: 1 });
    const shownFirst = add(label, "span");

    const show = () => {
      const row = Number(at.value), h = Number(first.value);
      const rows = scan({ way: way.value, a: A, b: B, h }), states = loop({ a: A, b: B, h });
      const done = rows.slice(0, row + 1), where = {};
      rows.forEach((nodes, r) => nodes.forEach((node) => { where[node.id] = place(r, node.t); }));
      svg.replaceChildren();
      done.forEach((nodes, r) => nodes.forEach((node) => {
        for (const id of node.of ?? []) {
          const [[x1, y1], [x2, y2]] = [where[id], where[node.id]];
          add(svg, "line", { x1, y1: y1 + HIGH / 2, x2, y2: y2 - HIGH / 2, class: r === row ? "now" : "" });
        }
      }));
      done.forEach((nodes, r) => nodes.forEach((node) => drawNode(svg, node, r, r === row && r > 0)));
      add(svg, "text", { x: 2, y: ROW * LOOP + 9, class: "scan-tree-title" }, "the loop, one step a row:");
      states.slice(0, row + 1).forEach((b, t) => drawNode(svg, { t, from: 0, b }, LOOP, t === row && t > 0));
      const nodes = done.slice(1).flat();
      const known = nodes.filter(({ from }) => from === 0).length;
      [done.length - 1, nodes.length, `${known} of ${T}`].forEach((value, k) => { counts.scan[k].textContent = value; });
      [row, row, `${row} of ${T}`].forEach((value, k) => { counts.loop[k].textContent = value; });
      shownFirst.textContent = number(h);
      at.setAttribute("aria-valuetext", `${row} of ${T}`);
      previous.setAttribute("aria-disabled", row === 0);     // they keep the keyboard's focus
      next.setAttribute("aria-disabled", row === T);
      says.textContent = said(way.value, row, rows);
      svg.setAttribute("aria-label", `${says.textContent} Depth ${done.length - 1}, work ${nodes.length}; the loop has ${many(row, "state")}.`);
    };

    let timer;
    const pause = () => {
      clearInterval(timer);
      timer = undefined;
      played(play, says, false);
    };
    const move = (by) => {
      at.value = Number(at.value) + by;
      show();
    };
    play.addEventListener("click", () => {
      if (timer !== undefined) {
        pause();
        return;
      }
      if (Number(at.value) === T) move(-T);
      played(play, says, true);
      timer = setInterval(() => {
        move(1);
        if (Number(at.value) === T) pause();
      }, 1600);
    });
    previous.addEventListener("click", () => { pause(); move(-1); });
    next.addEventListener("click", () => { pause(); move(1); });
    for (const input of [at, way, first]) input.addEventListener("input", () => { if (input === at) pause(); show(); });
    follow(play, pause);
    show();
  };

  document.querySelectorAll("div.animation-scan-tree").forEach(build);
})();

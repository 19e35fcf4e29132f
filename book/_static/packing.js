/* A ragged batch, packed step by step: the block `:::{div} animation animation-packing`.
   animation.js loads this file. `pack` and `presses` are the arithmetic; a test holds them to torch's
   pack_padded_sequence. Nothing moves until the reader presses; whoever asks for less motion gets no Play button.
   Without this script the block shows its own text. */
(() => {
  const NAMES = "abcd";
  const LONGEST = 8;
  const START = [3, 6, 2, 4];

  /* The order by falling length, how many sequences each step has, and the packed rows as pairs [sequence, step],
     both counted from 0. Equal lengths keep their order. */
  const pack = (lengths) => {
    const order = [...lengths.keys()].sort((i, j) => lengths[j] - lengths[i]);
    const sizes = Array.from({ length: Math.max(...lengths) }, (_, t) => lengths.filter((n) => n > t).length);
    const rows = sizes.flatMap((size, t) => order.slice(0, size).map((b) => [b, t]));
    return { order, sizes, rows };
  };

  const listed = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

  /* What each press shows: whether the batch is sorted, how many steps are packed, how many rows that makes, and the
     sequences that end with the newest step. */
  const presses = (lengths) => {
    const { order, sizes, rows } = pack(lengths);
    const named = (sequences) => listed(sequences.map((b) => NAMES[b]));
    const padding = lengths.length * sizes.length - rows.length;
    const list = [
      { sorted: false, steps: 0, rows: 0, ended: [],
        say: `As they come, padded to ${sizes.length} steps: ${rows.length} real steps and ${padding} of padding.` },
      { sorted: true, steps: 0, rows: 0, ended: [],
        say: `Sorted by falling length: ${order.map((b) => NAMES[b]).join(", ")}. At every step the sequences that still run are now the first ones.` },
    ];
    let done = 0;
    sizes.forEach((size, t) => {
      done += size;
      const ended = order.filter((b) => lengths[b] === t + 1);
      const ends = ended.length === 0 ? "None ends here."
        : ended.length > 1 ? `${named(ended)} end here: these are their last states.` : `${named(ended)} ends here: this is its last state.`;
      const where = size > 1 ? `rows ${done - size} to ${done - 1}` : `row ${done - 1}`;
      list.push({ sorted: true, steps: t + 1, rows: done, ended,
        say: `Step ${t + 1}: batch size ${size}, ${where}. ${ends}` });
    });
    return list;
  };

  if (typeof document === "undefined") {       // a test reads the arithmetic alone
    module.exports = { pack, presses };
    return;
  }

  const { add, begin, follow, played, saying } = window.rnnbookFigure;
  const REST = 1400;

  /* The padded batch: a row a sequence, a column a step, and the batch sizes below. */
  const drawBatch = (table, lengths, now) => {
    const { order, sizes } = pack(lengths);
    table.replaceChildren();
    add(table, "caption", {}, `The batch, ${now.sorted ? "sorted" : "as it comes"}; a dot is padding`);
    const head = add(add(table, "thead"), "tr");
    add(head, "th", { scope: "col" }, "step");
    sizes.forEach((_, t) => add(head, "th", { scope: "col" }, t + 1));
    const body = add(table, "tbody");
    for (const b of now.sorted ? order : lengths.keys()) {
      const line = add(body, "tr");
      add(line, "th", { scope: "row" }, NAMES[b]);
      sizes.forEach((_, t) => {
        const real = t < lengths[b];
        const cell = add(line, "td", { class: real ? `packing-${NAMES[b]}` : "packing-padding" }, real ? `${NAMES[b]}${t + 1}` : "·");
        cell.classList.toggle("now", real && t === now.steps - 1);
      });
    }
    const last = add(body, "tr");
    add(last, "th", { scope: "row" }, "size");
    sizes.forEach((size, t) => add(last, "td", { class: "packing-size" }, t < now.steps ? size : ""));
  };

  /* The packed rows: a group for each step. */
  const drawPacked = (list, lengths, now) => {
    const { sizes, rows } = pack(lengths);
    list.replaceChildren();
    let done = 0;
    sizes.slice(0, now.steps).forEach((size, t) => {
      const group = add(list, "li", t === now.steps - 1 ? { class: "now" } : {});
      for (const [b] of rows.slice(done, done + size)) add(group, "span", { class: `packing-${NAMES[b]}` }, `${NAMES[b]}${t + 1}`);
      done += size;
    });
    if (now.steps === 0) add(list, "li", {}, "nothing yet");
  };

  const build = (block) => {
    begin(block, "Packing a ragged batch, step by step");
    const lengths = [...START];
    const box = add(block, "div", { class: "packing-box", tabindex: 0, role: "region", "aria-label": "The padded batch" });
    const table = add(box, "table", { class: "packing-batch" });
    const title = add(block, "p", { class: "packing-title" });
    const packed = add(block, "ol", { class: "packing-rows", "aria-label": "The packed rows, one group for each step" });
    const says = saying(block);
    const buttons = add(block, "div", { class: "animation-controls" });
    const play = add(buttons, "button", { type: "button" }, "Play");
    const previous = add(buttons, "button", { type: "button" }, "Previous");
    const next = add(buttons, "button", { type: "button" }, "Next");
    const place = add(add(buttons, "label", {}, "Press "), "input", { type: "range", min: 0, value: 0 });
    const controls = add(block, "div", { class: "animation-controls" });
    const fields = lengths.map((n, b) => {
      const label = add(controls, "label", {}, `length of ${NAMES[b]} `);
      const input = add(label, "input", { type: "range", min: 1, max: LONGEST, value: n });
      return [input, add(label, "span", {}, n)];
    });

    let timer;
    const show = () => {
      const list = presses(lengths);
      place.max = list.length - 1;
      const at = Number(place.value), now = list[at];
      drawBatch(table, lengths, now);
      drawPacked(packed, lengths, now);
      title.textContent = `Packed: ${now.rows} of ${list.at(-1).rows} rows`;
      says.textContent = now.say;
      place.setAttribute("aria-valuetext", `${at} of ${list.length - 1}`);
      previous.setAttribute("aria-disabled", at === 0);    // it keeps the keyboard's focus
      next.setAttribute("aria-disabled", at === list.length - 1);
    };
    const pause = () => {
      clearTimeout(timer);
      timer = undefined;
      played(play, says, false);
    };
    const move = (by) => {
      place.value = Number(place.value) + by;
      show();
    };
    const advance = () => {
      move(1);
      if (place.value === place.max) pause();
      else timer = setTimeout(advance, REST);
    };
    play.addEventListener("click", () => {
      if (timer !== undefined) {
        pause();
        return;
      }
      if (place.value === place.max) {
        place.value = 0;
        show();
      }
      played(play, says, true);
      timer = setTimeout(advance, REST / 2);
    });
    for (const [button, by] of [[previous, -1], [next, 1]]) {
      button.addEventListener("click", () => {
        pause();
        move(by);
      });
    }
    place.addEventListener("input", () => {
      pause();
      show();
    });
    fields.forEach(([input, shown], b) => {
      input.addEventListener("input", () => {
        pause();
        lengths[b] = Number(input.value);
        shown.textContent = input.value;
        show();
      });
    });
    follow(play, pause);
    show();
  };

  document.querySelectorAll("div.animation-packing").forEach(build);
})();

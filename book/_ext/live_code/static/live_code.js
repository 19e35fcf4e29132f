// The page's side of live_code: makes an editor of each cell that can run. Nothing is loaded, and nothing that was typed
// earlier is run, before a button is pressed.
(() => {
  const HERE = document.currentScript.src;
  const ASK_AFTER = 20; // seconds without an answer
  const BUSY = "another cell is still running";
  const cells = new Map();
  let worker = null;
  let ready = false;
  let running = null; // the cell that waits for an answer

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const key = (id) => `live-code ${location.pathname} ${id}`;
  const stored = (id) => {
    try {
      return JSON.parse(localStorage.getItem(key(id))) || {};
    } catch {
      return {}; // no storage, or not ours: the page works without it
    }
  };
  const store = (id, entry) => {
    try {
      if (entry) localStorage.setItem(key(id), JSON.stringify(entry));
      else localStorage.removeItem(key(id));
    } catch {
      /* no storage */
    }
  };

  class Cell {
    constructor(container, { id, title, setup, hints, exercise = false }) {
      Object.assign(this, { id, title, setup, hints, exercise });
      const input = container.querySelector(".cell_input");
      this.given = input.querySelector("pre").textContent.trimEnd();
      this.asks = exercise && this.given.split("\n").at(-1);
      this.storedOutput = container.querySelector(".cell_output");
      const entry = stored(id);
      this.text = make("textarea", {
        className: "live-text",
        value: entry.text ?? this.given,
        spellcheck: false,
        autocapitalize: "off",
        autocomplete: "off",
      });
      this.text.setAttribute("aria-label", title ? `Your code for: ${title}` : "Your code");
      this.toWrite();
      const keys = make("p", { className: "live-keys", id: `live-keys-${id}` });
      keys.textContent = `Ctrl+Enter ${exercise ? "checks" : "runs"}, Tab leaves the field`;
      this.text.setAttribute("aria-describedby", keys.id);
      this.check = make("button", { type: "button", className: "live-button live-check", textContent: exercise ? "Check" : "Run" });
      this.hint = make("button", { type: "button", className: "live-button", textContent: "Hint", hidden: !hints.length });
      this.hinted = new Set();
      this.told = make("ol", { className: "live-hints" });
      this.told.setAttribute("aria-live", "polite");
      this.told.setAttribute("aria-label", "Hints");
      this.stop = make("button", { type: "button", className: "live-button", textContent: "Stop", hidden: true });
      this.reset = make("button", { type: "button", className: "live-button", textContent: "Reset" });
      this.bar = make("progress", { max: 1, value: 0, hidden: true });
      this.bar.setAttribute("aria-label", "Python is being loaded");
      this.state = make("span", { className: "live-state" });
      this.state.setAttribute("role", "status");
      this.amount = make("span", { className: "live-amount" }); // changes too often to be read out
      this.count = make("span", { className: "live-count" });
      this.answer = make("pre", { className: "live-answer", hidden: true });
      // what is read out has to be on the page before it is filled
      const said = make("div", { className: "live-said" }, this.answer);
      said.setAttribute("role", "status");
      const first = this.runsFirst();
      const lines = first.reduce((sum, text) => sum + text.split("\n").length, 0);
      this.first = make(
        "details",
        { className: "live-first", hidden: lines === 0 },
        make("summary", { textContent: `Runs first, by itself: ${lines} line${lines === 1 ? "" : "s"} of earlier cells` }),
        make("pre", { textContent: first.join("\n") }),
      );
      this.first.addEventListener("toggle", () => (this.first.querySelector("pre").textContent = this.runsFirst().join("\n")));
      const buttons = make("div", { className: "live-bar" }, this.check, this.stop, this.hint, this.reset, this.bar, this.state, this.amount, this.count);
      this.editor = make("div", { className: "live-editor" }, this.first, this.text, keys, buttons, this.told, said);
      input.hidden = true;
      if (exercise && this.storedOutput) this.storedOutput.hidden = true; // it answers the empty body
      input.after(this.editor);
      this.fit();
      this.text.addEventListener("input", () => this.edited());
      this.text.addEventListener("keydown", (event) => this.keyed(event));
      this.check.addEventListener("click", () => this.press());
      this.stop.addEventListener("click", () => this.halt());
      this.reset.addEventListener("click", () => this.begin());
      this.hint.addEventListener("click", () => this.help());
    }

    // what earlier cells give; of an earlier exercise, what the reader has written there and what that needs
    runsFirst() {
      const texts = ({ of, code }) => (cells.has(of) ? [...cells.get(of).runsFirst(), cells.get(of).unasked()] : [code]);
      return [...new Set(this.setup.flatMap(texts))];
    }

    // what is written here, without the line that checks it
    unasked() {
      return this.text.value.split("\n").filter((line) => line !== this.asks).join("\n").trimEnd();
    }

    fit() {
      this.text.rows = Math.max(3, this.text.value.split("\n").length + 1);
    }

    // the cursor waits where the first line is to be written, and what stands there for it is selected
    toWrite() {
      if (this.text.value !== this.given) return;
      const place = /return None.*|\bNone\b/.exec(this.text.value);
      this.text.setSelectionRange(place?.index ?? 0, place ? place.index + place[0].length : 0);
    }

    edited() {
      this.fit();
      store(this.id, { ...stored(this.id), text: this.text.value });
    }

    // Tab is the reader's way out of the field; Enter keeps the indentation, Backspace takes a level of it back
    keyed(event) {
      const { selectionStart: at, selectionEnd: end, value } = this.text;
      const line = value.slice(value.lastIndexOf("\n", at - 1) + 1, at);
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        this.press();
      } else if (event.key === "Enter" && at === end) {
        event.preventDefault();
        this.type("\n" + /^ */.exec(line)[0] + (line.trimEnd().endsWith(":") ? "    " : ""));
      } else if (event.key === "Backspace" && at === end && /^ +$/.test(line) && line.length % 4 === 0) {
        event.preventDefault();
        this.text.setSelectionRange(at - 4, at);
        this.type("");
      }
    }

    // as if typed, so that undo knows it
    type(text) {
      const command = text ? ["insertText", false, text] : ["delete"];
      if (!document.execCommand(...command)) {
        this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
        this.edited();
      }
    }

    // one undo brings back what was written; what was solved stays solved
    begin() {
      this.text.focus();
      this.text.select();
      this.type(this.given);
      this.toWrite();
      const { tried, passed } = stored(this.id);
      store(this.id, tried || passed ? { tried, passed } : null);
      this.fit();
      this.answer.hidden = true;
      this.offer();
      if (this.storedOutput) this.storedOutput.hidden = this.exercise;
      if (running !== this) this.state.textContent = "as it was given; undo brings your code back";
      counted();
    }

    press() {
      if (location.protocol === "file:") {
        this.show("This page was opened as a file, and from a file a browser does not start Python. Run  make serve  (in the archive of the site:  python3 serve.py)  and open the address that it prints.");
        return;
      }
      if (running) {
        if (running !== this) this.state.textContent = BUSY;
        return;
      }
      running = this;
      for (const cell of cells.values()) cell.check.setAttribute("aria-disabled", "true"); // and keeps the focus
      this.editor.classList.add("live-running");
      this.stop.hidden = false;
      this.state.textContent = ready ? "running" : "loading Python (once)";
      this.bar.hidden = ready;
      if (!worker) start();
      if (ready) this.watch();
      worker.postMessage({ setup: this.runsFirst(), code: this.text.value });
    }

    watch() {
      this.timer = setTimeout(() => {
        this.state.textContent = `no answer for ${ASK_AFTER} seconds: an endless loop? Stop ends it`;
      }, ASK_AFTER * 1000);
    }

    // one hint more with each press, but none that the answer has given; the button keeps the focus, and it is read out
    help() {
      const at = this.nextHint();
      if (at < 0) return;
      this.hinted.add(at);
      const [words, ...program] = this.hints[at].split("\n");
      const item = make("li", { textContent: words });
      if (program.length) item.append(make("pre", { textContent: program.join("\n") }));
      this.told.append(item);
      item.scrollIntoView({ block: "nearest" });
      this.offer();
    }

    nextHint() {
      const said = this.answer.hidden ? "" : this.answer.textContent;
      return this.hints.findIndex((hint, k) => !this.hinted.has(k) && !said.includes(hint.split("\n")[0]));
    }

    // what the button for hints says of those that are left
    offer() {
      const isLast = this.nextHint() < 0;
      this.hint.textContent = isLast ? "No more hints" : this.hinted.size ? "Next hint" : "Hint";
      if (isLast) this.hint.setAttribute("aria-disabled", "true");
      else this.hint.removeAttribute("aria-disabled");
    }

    halt() {
      worker.terminate();
      worker = null;
      ready = false;
      this.answer.hidden = true;
      this.done("stopped; the next press starts Python again");
    }

    done(text) {
      clearTimeout(this.timer);
      running = null;
      for (const cell of cells.values()) {
        cell.check.removeAttribute("aria-disabled");
        if (cell.state.textContent === BUSY) cell.state.textContent = "";
      }
      this.editor.classList.remove("live-running");
      if (document.activeElement === this.stop) this.check.focus();
      this.stop.hidden = true;
      this.bar.hidden = true;
      this.amount.textContent = "";
      this.state.textContent = text;
    }

    show(text, passed) {
      if (this.storedOutput) this.storedOutput.hidden = true;
      this.answer.hidden = false;
      this.answer.textContent = text || "No output.";
      this.offer();
      this.answer.dataset.passed = passed === true ? "yes" : passed === false ? "no" : "";
      if (this.editor.contains(document.activeElement)) this.answer.scrollIntoView({ block: "nearest" });
    }

    answered({ output, passed, error }) {
      const isLost = this.exercise && passed == null && !error;
      this.done(isLost ? `Nothing was checked: the line ${this.asks} is missing.` : "");
      this.show([output.trimEnd(), error].filter(Boolean).join("\n"), error ? false : passed);
      store(this.id, { text: this.text.value, tried: true, passed: passed === true || stored(this.id).passed === true });
      counted();
    }
  }

  function start() {
    // a module worker, started from the page's own files
    worker = new Worker(new URL("live_code_worker.mjs", HERE), { type: "module" });
    worker.onmessage = ({ data }) => {
      if ("loaded" in data && running) {
        running.bar.value = data.loaded / data.total;
        const [loaded, total] = [data.loaded, data.total].map((bytes) => (bytes / 1e6).toFixed(1));
        running.amount.textContent = data.loaded < data.total ? `${loaded} of ${total} MB` : "";
        if (data.loaded >= data.total) running.state.textContent = "starting Python";
      } else if (data.ready) {
        ready = true;
        if (running) {
          running.bar.hidden = true;
          running.state.textContent = "running";
          running.watch();
        }
      } else if (data.failed) {
        failed(data.failed);
      } else if (data.result && running) running.answered(data.result);
    };
    worker.onerror = (event) => failed(event.message || "the browser did not start the worker");
  }

  function failed(why) {
    worker?.terminate();
    worker = null;
    ready = false;
    if (!running) return;
    const cell = running;
    cell.done("");
    cell.show(`Python could not be loaded (${why}). The notebook of this page runs on Binder, Colab or your machine.`);
  }

  // "3 of 5", beside every editor of the page
  function counted() {
    const exercises = [...cells.values()].filter((cell) => cell.exercise);
    const solved = exercises.filter((cell) => stored(cell.id).passed).length;
    for (const cell of exercises) {
      cell.count.textContent = `${solved} of ${exercises.length} solved`;
      cell.editor.classList.toggle("live-solved", Boolean(stored(cell.id).passed));
    }
  }

  // a solution is shown after an attempt, or at the second press
  function keepShut(solution, cell) {
    let asked = false;
    addEventListener("load", () => solution.querySelector(".toggle-button")?.setAttribute("aria-label", `Solution: ${cell.title}`));
    const place = make("div"); // on the page before it is filled: then it is read out
    place.setAttribute("role", "status");
    solution.after(place);
    const listen = (event) => {
      if (asked || stored(cell.id).tried || !event.target.closest("button, .admonition-title")) return;
      asked = true;
      event.stopPropagation();
      event.preventDefault();
      const note = make("p", { className: "live-shut", textContent: "No attempt yet. Press again to see the solution all the same." });
      place.append(note);
      solution.addEventListener("click", () => note.remove(), { once: true }); // the next press: this one goes no further
    };
    solution.addEventListener("click", listen, true);
  }

  function tryIt(container, described) {
    const button = make("button", { type: "button", className: "live-button live-try", textContent: "Try it" });
    button.setAttribute("aria-label", "Try it: change this code and run it here");
    const bar = make("div", { className: "live-try-bar" }, button);
    container.querySelector(".cell_input").after(bar);
    button.addEventListener("click", () => {
      bar.remove();
      const cell = new Cell(container, described);
      cells.set(described.id, cell);
      cell.text.focus();
      cell.press();
    });
  }

  function begin() {
    for (const container of document.querySelectorAll(".live-code")) {
      const data = container.querySelector(':scope > script[type="application/json"]');
      if (!data) continue;
      const described = JSON.parse(data.textContent);
      if (!described.exercise) {
        tryIt(container, described);
        continue;
      }
      const cell = new Cell(container, described);
      cells.set(described.id, cell);
      const next = container.nextElementSibling;
      if (next?.classList.contains("solution")) keepShut(next, cell);
    }
    counted();
    skip();
    list();
  }

  // beside the theme's link past the menu, one past the text: to the statement of the first exercise
  function skip() {
    const first = [...cells.values()].find((cell) => cell.exercise && document.getElementById(cell.id));
    const place = document.querySelector(".skip-link");
    if (!first || !place) return;
    place.append(make("a", { className: "live-skip", href: `#${first.id}`, textContent: "Skip to the exercises" }));
  }

  // the page that lists all exercises: what has been solved, filters, an order, and the attempts as one file
  function list() {
    const table = document.querySelector("table.live-list");
    if (!table) return;
    const rows = [...table.tBodies[0].rows];
    const link = (row) => row.querySelector(".live-title a");
    const keyOf = (row) => `live-code ${new URL(link(row).href).pathname} ${decodeURIComponent(link(row).hash.slice(1))}`;
    const mine = new Map(rows.map((row) => [keyOf(row), row]));
    const read = (name) => JSON.parse(localStorage.getItem(name) ?? "null");
    const says = make("p", { className: "live-state" });
    says.setAttribute("role", "status");
    const last = make("th", { className: "head", scope: "col" }, make("p", { textContent: "State" }));
    table.tHead.rows[0].append(last);
    for (const row of rows) row.append(make("td", { className: "live-mark" }));
    const attempts = (count) => `${count} attempt${count === 1 ? "" : "s"}`;
    const refresh = (more = "") => {
      let solved = 0;
      for (const [name, row] of mine) {
        const entry = read(name);
        if (entry?.passed) solved += 1;
        row.querySelector(".live-mark").textContent = entry?.passed ? "solved" : entry?.tried ? "tried" : "";
      }
      const shown = rows.filter((row) => !row.hidden).length;
      says.textContent = `${solved} of ${mine.size} solved. ${shown < rows.length ? `${shown} shown. ` : ""}${more}`;
    };
    const save = make("button", { type: "button", className: "live-button", textContent: "Export attempts" });
    save.addEventListener("click", () => {
      const kept = Object.fromEntries([...mine.keys()].filter((name) => read(name)).map((name) => [name.split("/").pop(), read(name)]));
      const count = Object.keys(kept).length;
      if (!count) {
        refresh("There is no attempt to export yet.");
        return;
      }
      const blob = new Blob([JSON.stringify(kept, null, 1)], { type: "application/json" });
      make("a", { href: URL.createObjectURL(blob), download: "attempts.json" }).click();
      refresh(`${attempts(count)} exported, as the file attempts.json.`);
    });
    // a button of its own, since a keyboard does not open every browser's field for a file
    const file = make("input", { type: "file", accept: "application/json", className: "live-file", hidden: true });
    const open = make("button", { type: "button", className: "live-button", textContent: "Import attempts" });
    open.addEventListener("click", () => file.click());
    file.addEventListener("change", async () => {
      try {
        const given = JSON.parse(await file.files[0].text());
        let count = 0;
        for (const name of mine.keys()) {
          const entry = given[name.split("/").pop()]; // text and marks: nothing of a file is run
          const text = typeof entry?.text === "string" ? entry.text : undefined;
          if (text === undefined && !entry?.tried && !entry?.passed) continue;
          localStorage.setItem(name, JSON.stringify({ text, tried: !!entry.tried, passed: !!entry.passed }));
          count += 1;
        }
        refresh(`${attempts(count)} imported.`);
      } catch {
        refresh("This file holds no attempts.");
      }
      file.value = ""; // the same file can be chosen again
    });
    const place = table.parentElement.closest("[class*=scrollable]") ?? table; // the box that a theme puts around it
    place.before(filters(table, rows, refresh), make("div", { className: "live-bar" }, save, open, file), says);
    sortable(table, rows);
    refresh();
  }

  const text = (row, column) => row.cells[column].textContent.trim();

  // a choice above the table for each column that has few values
  function filters(table, rows, refresh) {
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const bar = make("div", { className: "live-bar" });
    const chosen = new Map();
    for (const name of ["Chapter", "Concept", "Kind", "Level", "State"]) {
      const column = heads.indexOf(name);
      const values = name === "State" ? ["", "tried", "solved"] : [...new Set(rows.map((row) => text(row, column)))];
      if (!["Chapter", "State"].includes(name)) values.sort();
      const options = values.map((value) => make("option", { value: `=${value}`, textContent: value || "open" }));
      const select = make("select", {}, make("option", { value: "", textContent: "all" }), ...options);
      select.addEventListener("change", () => {
        chosen.set(column, select.value);
        for (const row of rows) row.hidden = [...chosen].some(([at, value]) => value && `=${text(row, at)}` !== value);
        refresh();
      });
      bar.append(make("label", { className: "live-filter" }, `${name} `, select));
    }
    return bar;
  }

  // a press on a column's head puts the rows in its order, and one more in the opposite one
  function sortable(table, rows) {
    for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
      const button = make("button", { type: "button", className: "live-sort", textContent: head.textContent.trim() });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const order = (a, b) => text(a, column).localeCompare(text(b, column), "en", { numeric: true });
        table.tBodies[0].append(...[...rows].sort((a, b) => (up ? order(a, b) : order(b, a))));
      });
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();

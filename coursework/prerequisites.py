"""Which chapter builds on which, as a drawing: book/_static/prerequisites.svg.

python -m coursework.prerequisites    draws it again
"""

from html import escape

from coursework.statements import ROOT

PATH = ROOT / "book" / "_static" / "prerequisites.svg"
CHAPTERS: dict[str, tuple[str, str]] = {  # file: its name in the drawing, what has to be read before
    "why_recurrence": ("Why recurrence", ""),
    "rnn": ("The basic RNN", "why_recurrence"),
    "bptt": ("Backpropagation through time", "rnn"),
    "truncation": ("Long sequences", "bptt"),
    "language_model": ("A language model", "truncation"),
    "limits": ("Advantages and drawbacks", "language_model"),
    "gru": ("The GRU", "bptt"),
    "lstm": ("The LSTM", "gru"),
    "gradient_reach": ("Reach of the gradient", "lstm"),
    "memory": ("Who remembers?", "gradient_reach"),
    "variable_length": ("Ragged batches", "gru"),
    "time_series": ("Forecasts", "lstm"),
    "seq2seq": ("Sequence to sequence", "lstm"),
    "pronunciation": ("Spelling to sound", "seq2seq"),
    "applications": ("DNA, health, speech", "pronunciation"),
    "control": ("Control", "gru"),
    "feedback_networks": ("What came before", "rnn"),
    "speed": ("Speed", "lstm"),
    "parallel": ("Scans", "gru"),
    "state_space": ("State spaces", "parallel"),
    "frameworks": ("Other programs", "lstm"),
}
WIDTH, HEIGHT, INDENT, DOWN, EDGE = 200, 26, 34, 33, 12
INK, FILL, LINE = "#1f2933", "#eef4f8", "#0067a8"


def places() -> dict[str, tuple[int, int]]:
    """Return the indent and the row of each chapter: one further in than the chapter it builds on, and below it."""
    after: dict[str, list[str]] = {name: [] for name in CHAPTERS}
    for name, (_, before) in CHAPTERS.items():
        if before:
            after[before].append(name)
    found: dict[str, tuple[int, int]] = {}
    waiting = [(name, 0) for name, (_, before) in CHAPTERS.items() if not before]
    while waiting:
        name, indent = waiting.pop()
        found[name] = indent, len(found)
        waiting += [(successor, indent + 1) for successor in sorted(after[name], key=lambda s: bool(after[s]))]
    return found


def drawing() -> str:
    """Return the graph as SVG."""
    at = {name: (EDGE + indent * INDENT, EDGE + row * DOWN) for name, (indent, row) in places().items()}
    width = EDGE + WIDTH + max(x for x, _ in at.values())
    height = EDGE + HEIGHT + max(y for _, y in at.values())
    parts = [f'<rect width="{width}" height="{height}" rx="8" fill="white"/>']
    for name, (title, before) in CHAPTERS.items():
        x, y = at[name]
        if before:
            u, v = at[before]
            path = f"M{u + INDENT / 2:g},{v + HEIGHT} V{y + HEIGHT / 2:g} H{x - 4}"
            parts.append(f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.5" marker-end="url(#tip)"/>')
        parts.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="{FILL}" stroke="{LINE}"/>')
        parts.append(f'<text x="{x + 10}" y="{y + HEIGHT / 2 + 4.5:g}">{escape(title)}</text>')
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" fill="{INK}">'
    tip = '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
    tip += f'<path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/></marker></defs>'
    return "\n".join([head, "<title>Which chapter builds on which</title>", tip, *parts, "</svg>", ""])


if __name__ == "__main__":
    PATH.write_text(drawing(), encoding="utf-8")

"""Figures of spelling and sound: which letter belongs to which phoneme, the paths of CTC, and a beam as a tree."""

import numpy as np

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.sheet import PALE, Sheet
from rnnbook.lessons.figures.style import PALETTE, WIDTH, panels, styled

ON, OFF = PALETTE[0], PALE  # kept and dropped; on a path and off it
LINE = 0.34  # from sequence to sequence, inches


@styled
def spelling_alignments(word, shares):
    """Which letter each phoneme belongs to: {title: (phonemes, shares (U, T))}, one panel each, letters along x.

    Every row sums to one at most; the darker a cell, the larger its share.
    """
    most = max(len(sounds) for sounds, _ in shares.values())
    figure, row = panels(1, len(shares), height=1.1 + 0.3 * most, squeeze=False)
    for axes, (title, (sounds, values)) in zip(row[0], shares.items(), strict=True):
        values = np.asarray(values, dtype=float)
        check_shape(f"shares[{title!r}]", values, (len(sounds), len(word)))
        axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(word)), list(word))
        axes.set_yticks(range(len(sounds)), list(sounds))
        axes.set_title(title)
        axes.tick_params(length=0)
        axes.grid(visible=False)
    return figure


@styled
def ctc_lattice(symbols, share, alpha=None):
    """The states of CTC against the steps: symbols (S,) from the top, share (T, S) of the paths, alpha (T, S) within.

    A disc is a state in a step, darker the more of the paths pass it; arrows are the moves that a path may make from
    there. States that no path reaches, or from which none can finish, are left out.
    """
    share = np.asarray(share, dtype=float)
    T, S = share.shape
    check_shape("share", share, ("T", len(symbols)))
    numbers = share if alpha is None else np.asarray(alpha, dtype=float)
    check_shape("alpha", numbers, (T, S))
    wide, high, left = min(1.4, (WIDTH - 1.5) / max(T - 1, 1)), 0.72, 1.0
    sheet = Sheet(left + wide * (T - 1) + 0.55, high * S + 0.55)
    place = {(t, s): (left + wide * t, high * (S - s) - 0.05) for t in range(T) for s in range(S)}
    for s, symbol in enumerate(symbols):
        sheet.text(0.38, place[0, s][1], symbol or "blank", size=12 if symbol else 10)
    for t in range(T):
        sheet.text(place[t, 0][0], 0.2, f"t = {t + 1}", size=10)
        for s in range(S):
            if share[t, s] <= 0:
                continue
            x, y = place[t, s]
            sheet.disc(x, y, 0.25, "", ON, gid=f"state-{t}-{s}", fill=0.06 + 0.55 * share[t, s])
            sheet.text(x, y, f"{numbers[t, s]:.3f}".removeprefix("0"), size=9)
            skips = s + 2 < S and symbols[s] and symbols[s] != symbols[s + 2]
            for after in [s, s + 1, *([s + 2] if skips else [])]:
                if t + 1 < T and after < S and share[t + 1, after] > 0:
                    move(sheet, place[t, s], place[t + 1, after], f"move-{t}-{s}-{after}")
    return sheet.figure


def move(sheet, start, end, gid):
    """An arrow between the rims of two discs."""
    start, end = np.array(start), np.array(end)
    way = (end - start) / np.hypot(*(end - start))
    sheet.line(start + 0.27 * way, end - 0.29 * way, gid=gid, zorder=1)


@styled
def beam_tree(rounds):
    """A beam as a tree: for each round, its continuations as {"written": symbols, "p": ..., "kept": ...}.

    Each is drawn beside the one it continues, with its last symbol and the probability of the whole; those that the
    beam keeps are blue, the best of the others grey. ``"end"`` as the last symbol finishes a sequence.
    """
    high = max(len(continuations) for continuations in rounds)
    column = min(1.3, (WIDTH - 0.9) / len(rounds))
    sheet = Sheet(0.9 + column * len(rounds), LINE * high + 0.75)
    before = {(): (0.4, LINE * (high - 1) / 2 + 0.35)}
    sheet.text(*before[()], "start", size=10)
    for r, continuations in enumerate(rounds):
        here, x = {}, 0.9 + column * (r + 0.5)
        sheet.text(x, LINE * high + 0.45, f"round {r + 1}", size=10)
        ordered = sorted(continuations, key=lambda one: (-before[tuple(one["written"][:-1])][1], -one["p"]))
        for k, one in enumerate(ordered):
            written, colour = tuple(one["written"]), ON if one["kept"] else "#767676"
            y = LINE * (high - 1 - k) - LINE * (high - len(ordered)) / 2 + 0.35
            start = before[written[:-1]]
            sheet.line(
                (start[0] + (0.27 if r == 0 else 0.4), start[1]),
                (x - 0.4, y),
                colour=colour if one["kept"] else PALE,
                head=False,
                gid=f"{'keep' if one['kept'] else 'drop'}-{r}-{k}",
            )
            weight = "bold" if one["kept"] else "normal"
            text = f"{written[-1]} {one['p']:.3f}".replace(" 0.", " .")
            sheet.text(x, y, text, colour, size=9.5, fontweight=weight)
            if one["kept"]:
                here[written] = (x, y)
        before = here
    return sheet.figure

"""Figures of labels along a stream: genes in their frames, answers as the seconds pass, speakers and CTC's spikes."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.charts import named
from rnnbook.lessons.figures.sheet import tint
from rnnbook.lessons.figures.style import MARKERS, PALETTE, STYLES, canvas, panels, styled

LANES = ["frame + 1", "frame + 2", "frame + 3", "no gene", "frame − 1", "frame − 2", "frame − 3"]
STRAND = [PALETTE[0]] * 3 + ["#555555"] + [PALETTE[1]] * 3
BLANK_COLOUR = "#9A9A9A"


@styled
def genome_lanes(first, opinions, genes, width=9):
    """What models say about a stretch of a genome, above the genes that are annotated there.

    ``opinions``: {name: probabilities (N, 7)} of the three frames of the given strand, no gene, the three frames of the
    other strand, one row for each ``width`` bases from base ``first`` on. ``genes`` (G, 3): first base, end, strand.
    """
    opinions = named("opinions", opinions, "name: probabilities")
    figure, rows = panels(len(opinions) + 1, 1, height=0.9 + 1.55 * (len(opinions) + 1), sharex=True, squeeze=False)
    for axes, (name, p) in zip(rows[:, 0], opinions.items()):
        check_shape(f"opinions[{name!r}]", p, ("N", 7))
        edges = (first + width * np.arange(len(p) + 1)) / 1000
        for lane, colour in enumerate(STRAND):
            shades = LinearSegmentedColormap.from_list(f"lane {lane}", ["white", colour])
            axes.pcolormesh(edges, [lane, lane + 1], p[:, lane][None], cmap=shades, vmin=0, vmax=1, gid=f"lane-{lane}")
        axes.set_title(name, loc="left")
        _lanes(axes)
    axes = rows[-1, 0]
    for gene, end, strand in genes:
        lane = int(gene % 3) if strand > 0 else 4 + int((end - 1) % 3)
        axes.broken_barh(
            [(gene / 1000, (end - gene) / 1000)],
            (lane + 0.15, 0.7),
            facecolor=tint(STRAND[lane], 0.45),
            edgecolor=STRAND[lane],
            linewidth=1,
            gid=f"gene-{lane}-{gene}-{end}",
        )
    axes.set_title("annotation (Prodigal)", loc="left")
    _lanes(axes)
    axes.set(xlabel="position in the genome (thousand bases)", xlim=(edges[0], edges[-1]))
    return figure


def _lanes(axes):
    axes.set(ylim=(7, 0))
    axes.set_yticks(np.arange(7) + 0.5, LANES, fontsize=9)
    axes.grid(False)


@styled
def right_against_seconds(seconds, shares, out_of, on=None):
    """The share of right answers against the seconds seen, on a logarithmic axis: {name: (S, N)}, S seeds or one row.

    A line joins the means; a band runs from the worst seed to the best. ``out_of``: how many were judged.
    """
    seconds = np.asarray(seconds, dtype=float)
    axes = canvas(on, height=3.6)
    for place, (name, values) in enumerate(named("shares", shares).items()):
        values = np.atleast_2d(values)
        check_shape(f"shares[{name!r}]", values, ("S", len(seconds)))
        axes.plot(
            seconds,
            values.mean(axis=0),
            MARKERS[place],
            linestyle=STYLES[place],
            color=PALETTE[place],
            markersize=5,
            linewidth=1.5,
            label=name,
        )
        if len(values) > 1:
            axes.fill_between(
                seconds, values.min(axis=0), values.max(axis=0), color=PALETTE[place], alpha=0.15, linewidth=0
            )
    axes.set(xscale="log", xlabel="seconds of the recording seen", ylabel=f"right, of {out_of}", ylim=(0, 1.04))
    shown = [0.2, 0.5, 1, 2, 3, 5, 10]
    axes.set_xticks(shown, [f"{value:g}" for value in shown])
    axes.minorticks_off()
    axes.legend(loc="lower right")
    return axes.figure


@styled
def spoken_labels(streams):
    """Who is speaking, and what CTC says, one panel per stream: (ends, speakers, p) with p (T, K + 1), the blank last.

    ``ends`` (U,): the frame after each of the U utterances; ``speakers`` (U,) from 0 to K - 1, written from 1.
    """
    figure, rows = panels(len(streams), 1, height=0.7 + 1.55 * len(streams), sharex=True, squeeze=False)
    for axes, (ends, speakers, p) in zip(rows[:, 0], streams):
        p = np.asarray(p, dtype=float)
        check_shape("p", p, ("T", p.shape[1]))
        starts = [0, *ends[:-1]]
        for start, end, speaker in zip(starts, ends, speakers, strict=True):
            colour = PALETTE[int(speaker) % len(PALETTE)]
            axes.axvspan(start, end, color=tint(colour, 0.18), linewidth=0, gid=f"segment-{start}-{end}-{speaker}")
            axes.text((start + end) / 2, 1.1, f"{speaker + 1}", ha="center", va="center", fontsize=10)
        frames = np.arange(len(p)) + 0.5
        axes.plot(frames, p[:, -1], linestyle=":", color=BLANK_COLOUR, linewidth=1.2, label="blank")
        for speaker in range(p.shape[1] - 1):
            if p[:, speaker].max() > 0.3:
                colour, style = PALETTE[speaker % len(PALETTE)], "-" if speaker < len(PALETTE) else "--"
                axes.plot(frames, p[:, speaker], linestyle=style, color=colour, linewidth=1.6, gid=f"says-{speaker}")
        axes.set(ylim=(0, 1.22), ylabel="probability")
        axes.set_yticks([0, 0.5, 1])
        axes.grid(False)
    axes.set(xlabel="frame (6.4 ms each)", xlim=(0, max(ends[-1] for ends, _, _ in streams)))
    rows[0, 0].legend(loc="center right", fontsize=9)
    return figure

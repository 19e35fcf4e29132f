"""The figures of labels along a stream show the frames, the shares and the speakers that they were given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from rnnbook.data.genomes import base_labels, by_frame
from rnnbook.lessons import figures
from rnnbook.lessons.figures.applications import STRAND
from rnnbook.lessons.figures.style import PALETTE

GENES = np.array([[903, 963, 1], [961, 1012, -1], [1040, 1070, 1]])
ONE_HOT = np.eye(7)[np.maximum(base_labels(GENES - [900, 900, 0], 180), 0)]
OPINION = by_frame(ONE_HOT, 900).reshape(-1, 9, 7).mean(axis=1)
SECONDS = [0.2, 1, 10]
SHARES = {"network": [[0.3, 0.7, 1], [0.4, 0.6, 0.9]], "rival": [0.5, 0.6, 0.9]}
P = np.random.default_rng(0).dirichlet(np.full(4, 0.2), 12)
STREAMS = [([5, 12], [2, 0], P), ([4, 8, 10], [1, 2, 1], P[:10])]
FIGURES = {
    "genome_lanes": lambda: figures.genome_lanes(900, {"a network": OPINION, "counts": 0.5 * OPINION}, GENES),
    "right_against_seconds": lambda: figures.right_against_seconds(SECONDS, SHARES, 40),
    "spoken_labels": lambda: figures.spoken_labels(STREAMS),
}


def test_a_gene_lies_in_the_lane_in_which_a_right_opinion_has_its_colour():
    figure = FIGURES["genome_lanes"]()
    above, annotation = figure.axes[0], figure.axes[-1]
    lanes = {int(mesh.get_gid()[5:]): mesh for mesh in above.collections}
    assert sorted(lanes) == list(range(7))
    for lane, mesh in lanes.items():
        np.testing.assert_allclose(mesh.get_array().ravel(), OPINION[:, lane])
        assert to_hex(mesh.get_cmap()(1.0)) == to_hex(STRAND[lane])
    for gene, end, strand in GENES:
        (found,) = [
            c.get_gid() for c in annotation.collections if c.get_gid().endswith(f"-{gene}-{end}")
        ]  # gene-lane-first-end
        lane = int(found.split("-")[1])
        assert (lane < 3) == (strand > 0)
        inside = OPINION[-(-(gene - 900) // 9) + 1 : (end - 900) // 9 - 1]  # whole rows, off the overlap
        np.testing.assert_allclose(inside[:, lane], 1)


def test_a_share_is_a_point_of_its_mean_in_the_band_of_all_seeds():
    (axes,) = FIGURES["right_against_seconds"]().axes
    for line, (name, values) in zip(axes.lines, SHARES.items(), strict=True):
        assert line.get_label() == name
        np.testing.assert_allclose(line.get_xydata(), np.c_[SECONDS, np.atleast_2d(values).mean(axis=0)])
    (band,) = axes.collections  # one row has none
    for x, low, high in zip(SECONDS, np.min(SHARES["network"], axis=0), np.max(SHARES["network"], axis=0), strict=True):
        assert {(x, low), (x, high)} <= {tuple(point) for point in band.get_paths()[0].vertices}
    assert "40" in axes.get_ylabel() and axes.get_xscale() == "log"
    with pytest.raises(ValueError, match=r"shares\['rival'\] should have shape"):
        figures.right_against_seconds([1, 2], {"rival": [0.5, 0.6, 0.9]}, 40)


def test_a_segment_has_its_speaker_and_a_curve_its_probability():
    figure = FIGURES["spoken_labels"]()
    for axes, (ends, speakers, p) in zip(figure.axes, STREAMS, strict=True):
        starts = [0, *ends[:-1]]
        segments = {patch.get_gid() for patch in axes.patches}
        assert segments == {f"segment-{a}-{b}-{s}" for a, b, s in zip(starts, ends, speakers)}
        assert [text.get_text() for text in axes.texts] == [str(s + 1) for s in speakers]
        assert [text.get_position()[0] for text in axes.texts] == [(a + b) / 2 for a, b in zip(starts, ends)]
        curves = {line.get_gid(): line for line in axes.lines if line.get_gid()}
        assert set(curves) == {f"says-{k}" for k in range(3) if p[:, k].max() > 0.3}
        for name, line in curves.items():
            speaker = int(name[5:])
            np.testing.assert_allclose(line.get_xydata(), np.c_[np.arange(len(p)) + 0.5, p[:, speaker]])
            assert line.get_color() == PALETTE[speaker]
        np.testing.assert_allclose(axes.lines[0].get_ydata(), p[:, -1])

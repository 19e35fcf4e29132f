"""The drawings of ragged batches and of two directions hold what PyTorch computes."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from torch.nn.utils.rnn import pack_padded_sequence

from rnnbook.in_numpy import RNN, Bidirectional
from rnnbook.lessons import figures
from rnnbook.lessons.figures.style import PALETTE


def squares(figure, start):
    """{gid: patch} of the squares whose gid begins with ``start``."""
    patches = figure.axes[0].patches
    return {patch.get_gid(): patch for patch in patches if str(patch.get_gid()).startswith(start)}


def sequence_of(patch):
    """The number of the sequence that a square belongs to by its colour; None for padding."""
    colours = [to_rgb(colour) for colour in PALETTE]
    return colours.index(patch.get_edgecolor()[:3]) if patch.get_edgecolor()[:3] in colours else None


@pytest.mark.parametrize("lengths", [(3, 6, 2, 4), (1, 5), (4, 1, 3, 2, 2, 4)])
def test_the_packed_row_is_the_one_of_torch(lengths):
    figure = figures.ragged_batch(lengths)
    T, B = max(lengths), len(lengths)
    names = torch.tensor([[10 * b + t for b in range(B)] for t in range(T)])
    packed = pack_padded_sequence(names, torch.tensor(lengths), enforce_sorted=False)
    drawn = sorted(squares(figure, "packed-").values(), key=lambda patch: patch.get_x())
    row = [sequence_of(patch) for patch in drawn]
    assert len(row) == sum(lengths)
    start = 0
    for t, size in enumerate(packed.batch_sizes.tolist()):  # the order of equally long ones is free
        assert sorted(row[start : start + size]) == sorted(n // 10 for n in packed.data[start : start + size].tolist())
        start += size
        assert f"size-{t}" in {text.get_gid() for text in figure.axes[0].texts}
    sizes = [text.get_text() for text in figure.axes[0].texts if str(text.get_gid()).startswith("size-")]
    assert sizes == [str(size) for size in packed.batch_sizes.tolist()]


def test_each_panel_holds_every_step_once_and_the_padding_behind_it():
    lengths = (3, 6, 2, 4)
    figure = figures.ragged_batch(lengths)
    assert len(squares(figure, "as they come-")) == 15
    for title, order in [("padded", [0, 1, 2, 3]), ("sorted", [1, 3, 0, 2])]:
        drawn = squares(figure, f"{title}-")
        assert len(drawn) == 24
        for row, b in enumerate(order):
            cells = [sequence_of(drawn[f"{title}-{row}-{t}"]) for t in range(6)]
            assert cells == [b] * lengths[b] + [None] * (6 - lengths[b])
    with pytest.raises(ValueError, match="at most 6 with a sum of at most 16, but are 2 with a sum of 18"):
        figures.ragged_batch((9, 9))


@pytest.mark.parametrize("T", [1, 2, 5])
def test_the_bars_are_the_inputs_that_a_state_depends_on(T):
    H = 3
    rng = np.random.default_rng(0)
    layer = Bidirectional(*(RNN(2, H, dtype=np.float64, rng=rng) for _ in range(2)))
    outputs, _, trace = layer.forward(rng.normal(size=(T, 1, 2)))
    figure = figures.both_directions(T)
    for half, name in enumerate(["forward", "backward"]):
        for t in range(T):
            question = np.zeros_like(outputs)
            question[t, :, half * H : (half + 1) * H] = rng.normal(size=H)
            dx, _, _ = layer.backward(question, trace)
            seen = {f"{name}-{t}-saw-{k}" for k in np.flatnonzero(np.abs(dx[:, 0]).sum(axis=1))}
            assert set(squares(figure, f"{name}-{t}-saw-")) == seen
            thick = squares(figure, f"{name}-{t}")[f"{name}-{t}"].get_linewidth() > 2
            assert thick == (len(seen) == T)
    frame = squares(figure, "outputs-last")["outputs-last"]
    for name in ["forward", "backward"]:
        for t in range(T):
            box = squares(figure, f"{name}-{t}")[f"{name}-{t}"]
            assert (frame.get_x() < box.get_x() < frame.get_x() + frame.get_width()) == (t == T - 1)


def test_shares_are_drawn_with_the_range_of_their_seeds():
    shares = {
        "packed": [0.9, 0.8, 0.7],
        "padded": [[0.1, 0.2, 0.3], [0.5, 0.2, 0.1], [0.1, 0.9, 0.8]],
        "equal": [[0.1, 0.7, 0.39]] * 20,
    }
    axes = figures.share_against([1, 4, 16], shares, "size", "share").axes[0]
    for drawn, (name, values) in zip(axes.containers, shares.items(), strict=True):
        line, _, (bars,) = drawn
        values = np.atleast_2d(values)
        assert drawn.get_label() == name
        np.testing.assert_allclose(line.get_xydata(), np.c_[[1, 4, 16], values.mean(axis=0)])
        for segment, seeds in zip(bars.get_segments(), values.T, strict=True):
            np.testing.assert_allclose(segment[:, 1], [seeds.min(), seeds.max()], atol=1e-12)
    assert axes.get_ylim()[0] == 0
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "4", "16"]
    with pytest.raises(ValueError, match=r"shares\['packed'\] should have shape"):
        figures.share_against([1, 4], shares, "size", "share")

"""CTC: its loss is the sum over all paths, and PyTorch's; its gradient is autograd's, and the finite difference."""

from itertools import product

import numpy as np
import pytest
import torch

from rnnbook.in_numpy.ctc import collapse, ctc_alpha, ctc_beta, ctc_greedy, ctc_loss, ctc_posterior, extend
from rnnbook.in_numpy.functions import log_softmax

T, B, V = 7, 4, 5
CLOSE = {"rtol": 0, "atol": 1e-12}
LENGTHS, ENDS = np.array([7, 5, 6, 7]), np.array([3, 2, 0, 1])


def batch(seed=0, blank=0, T=T):
    """Logits, and targets with a repeated symbol in the first row and rubbish behind each end."""
    rng = np.random.default_rng(seed)
    symbols = [k for k in range(V) if k != blank]
    targets = rng.choice(symbols, size=(B, 3))
    targets[0, :2] = symbols[1]
    targets[np.arange(3) >= ENDS[:, None]] = -7
    return 2 * rng.normal(size=(T, B, V)), targets


def by_torch(logits, targets, lengths, ends, blank, reduction="none"):
    """PyTorch's losses, and the gradient of their sum with respect to the logits."""
    logits = torch.tensor(logits, requires_grad=True)
    targets = torch.tensor(np.where(targets < 0, (blank + 1) % V, targets))
    ends = [torch.tensor(part) for part in (lengths, ends)]
    losses = torch.nn.CTCLoss(blank=blank, reduction=reduction)(logits.log_softmax(2), targets, *ends)
    losses.sum().backward()
    return losses.detach().numpy(), logits.grad.numpy()


def paths_that_write(target, T):
    """All paths of T symbols that become the target when repeats are merged and then blanks dropped, by definition."""
    for path in product(range(V), repeat=T):
        merged = [k for place, k in enumerate(path) if place == 0 or path[place - 1] != k]
        if [k for k in merged if k] == list(target):
            yield path


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("blank", [0, V - 1])
def test_losses_and_gradients_are_those_of_torch(seed, blank):
    logits, targets = batch(seed, blank)
    losses, dlogits = ctc_loss(logits, targets, LENGTHS, ENDS, blank=blank)
    expected, gradient = by_torch(logits, targets, LENGTHS, ENDS, blank)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    np.testing.assert_allclose(dlogits, gradient, **CLOSE)
    assert not dlogits[5:, 1].any() and not dlogits[6:, 2].any() and np.abs(dlogits[:5]).min() > 0


@pytest.mark.parametrize("target", [(), (2,), (1, 2), (3, 3), (1, 2, 1), (4, 4, 4)])
def test_the_probability_is_the_sum_over_all_paths(target):
    log_y = log_softmax(np.random.default_rng(1).normal(size=(5, V)))
    total = sum(np.exp(sum(log_y[t, k] for t, k in enumerate(path))) for path in paths_that_write(target, 5))
    log_y = log_y[:, None]
    losses, _ = ctc_loss(log_y, np.array([target], int).reshape(1, -1))
    np.testing.assert_allclose(np.exp(-losses[0]), total, rtol=1e-12)


def test_the_probabilities_of_all_targets_sum_to_one():
    log_y = np.random.default_rng(2).normal(size=(3, 1, V))
    targets = [target for U in range(4) for target in product(range(1, V), repeat=U)]
    losses = [ctc_loss(log_y, np.array([target], int).reshape(1, -1))[0][0] for target in targets]
    assert np.exp(-np.array(losses)).sum() == pytest.approx(1, abs=1e-12)


def test_the_posterior_is_the_share_of_the_paths_that_are_in_a_state():
    """States of the same symbol are told apart by what the path has written so far."""
    target, T = (2, 2), 5
    log_y = log_softmax(np.random.default_rng(3).normal(size=(T, V)))
    expected = np.zeros((T, 5))
    for path in paths_that_write(target, T):
        p = np.exp(sum(log_y[t, k] for t, k in enumerate(path)))
        for t, k in enumerate(path):
            written = len(collapse(path[: t + 1]))
            expected[t, 2 * written - (k != 0)] += p
    share, log_p = ctc_posterior(log_y, extend(target))
    np.testing.assert_allclose(share, expected / np.exp(log_p), **CLOSE)
    np.testing.assert_allclose(share.sum(axis=1), 1, **CLOSE)


def test_alpha_and_beta_give_the_probability_at_every_step():
    extended = extend([3, 1, 1])
    log_y = log_softmax(np.random.default_rng(4).normal(size=(6, V)))
    alpha, beta = ctc_alpha(log_y, extended), ctc_beta(log_y, extended)
    total = np.logaddexp.reduce(alpha + beta - log_y[:, extended], axis=1)
    np.testing.assert_allclose(total, total[0], **CLOSE)
    assert total[0] == pytest.approx(np.logaddexp(alpha[-1, -1], alpha[-1, -2]), abs=1e-12)


def test_the_gradient_is_the_finite_difference():
    logits, targets = batch(5)
    _, dlogits = ctc_loss(logits, targets, LENGTHS, ENDS)
    for place in [(0, 0, 0), (3, 0, 2), (4, 1, 4), (6, 3, 1), (2, 2, 3)]:
        moved = [logits.copy(), logits.copy()]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        up, down = (ctc_loss(m, targets, LENGTHS, ENDS)[0].sum() for m in moved)
        assert dlogits[place] == pytest.approx((up - down) / 2e-6, abs=1e-8)


def test_a_symbol_that_cannot_be_has_no_gradient_and_leaves_the_others_theirs():
    logits, targets = batch(9)
    for logit in (-np.inf, -1e3):  # exp(-1000) is 0 in float64, too
        logits[2, :, 3] = logits[4, 0, 0] = logits[4, 2, targets[0, 2]] = logit
        found = ctc_loss(logits, targets, LENGTHS, ENDS)
        if logit == -np.inf:
            losses, dlogits = found
    assert np.isfinite(losses).all() and (dlogits[2, :, 3] == 0).all() and dlogits[4, 0, 0] == 0
    np.testing.assert_allclose(losses, found[0], rtol=1e-12)
    np.testing.assert_allclose(dlogits, found[1], **CLOSE)


def test_a_target_that_does_not_fit_has_an_infinite_loss_as_in_torch():
    logits, targets = batch(6, T=3)
    targets[:] = [[1, 1, 2], [1, 2, 3], [3, 3, 0], [4, 4, 4]]  # they need 4, 3, 3 and 5 steps
    ends = np.array([3, 3, 2, 3])
    losses, dlogits = ctc_loss(logits, targets, None, ends)
    expected, _ = by_torch(logits, targets, np.full(B, 3), ends, 0)
    np.testing.assert_array_equal(np.isinf(losses), [True, False, False, True])
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    assert np.isnan(dlogits[:, [0, 3]]).all() and np.isfinite(dlogits[:, [1, 2]]).all()


def test_a_thousand_steps_do_not_underflow():
    logits, targets = 3 * np.random.default_rng(7).normal(size=(1000, 1, V)), np.array([[1, 2, 2, 4]])
    losses, dlogits = ctc_loss(logits, targets)
    expected, gradient = by_torch(logits, targets, [1000], [4], 0)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    np.testing.assert_allclose(dlogits, gradient, rtol=0, atol=1e-10)


def test_float32_stays_float32():
    logits, targets = batch(8)
    losses, dlogits = ctc_loss(logits.astype(np.float32), targets, LENGTHS, ENDS)
    assert losses.dtype == dlogits.dtype == np.float32
    np.testing.assert_allclose(losses, ctc_loss(logits, targets, LENGTHS, ENDS)[0], rtol=1e-5)


@pytest.mark.parametrize("path", [(0, 0), (1, 1, 1), (1, 0, 1, 1), (0, 3, 3, 0, 3, 5), (2, 1, 2)])
def test_collapsing_merges_repeats_and_then_drops_blanks(path):
    text = "".join(map(str, path))
    while any(k + k in text for k in "012345"):
        for k in "012345":
            text = text.replace(k + k, k)
    assert collapse(path) == [int(k) for k in text.replace("0", "")]
    swapped = [9 if k == 0 else k for k in path]
    assert collapse(swapped, blank=9) == collapse(path)


def test_greedy_collapses_the_likeliest_path_of_each_length():
    logits = np.full((6, 2, V), -1.0)
    for t, k in enumerate([1, 1, 0, 1, 3, 3]):
        logits[t, :, k] = 1
    assert ctc_greedy(logits, np.array([6, 3])) == [[1, 1, 3], [1]]
    assert ctc_greedy(logits, blank=1) == [[0, 3], [0, 3]]


def test_the_likeliest_path_need_not_write_the_likeliest_target():
    log_y = np.log(np.array([[[0.6, 0.4]], [[0.6, 0.4]]]))  # blank blank .36; the three paths of "1" together .64
    assert ctc_greedy(log_y) == [[]]
    assert np.exp(-ctc_loss(log_y, np.array([[1]]))[0][0]) == pytest.approx(0.64, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"logits": np.zeros((T, V))}, ValueError, "logits should have shape"),
        ({"logits": np.zeros((T, B, V), int)}, TypeError, "logits should hold floating-point numbers"),
        ({"targets": np.ones(B, int)}, ValueError, "targets should have shape"),
        ({"targets": np.ones((B, 3))}, TypeError, "targets should hold whole numbers"),
        ({"targets": np.full((B, 3), V)}, ValueError, "targets should lie between 0 and 4, but holds 5"),
        ({"targets": np.zeros((B, 3), int)}, ValueError, "targets should not hold the blank, 0"),
        ({"lengths": np.full(B, T + 1)}, ValueError, "lengths should lie between 1 and 7, but are 8 to 8"),
        ({"lengths": np.full(T, 3)}, ValueError, r"lengths should have shape \(4,\)"),
        ({"target_lengths": np.full(B, 4)}, ValueError, "target_lengths should lie between 0 and 3"),
        ({"blank": V}, ValueError, "blank should lie between 0"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(change, error, sentence):
    logits, _ = batch()
    arguments = {"logits": logits, "targets": np.ones((B, 3), int)} | change
    with pytest.raises(error, match=sentence):
        ctc_loss(**arguments)

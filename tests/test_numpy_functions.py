"""Activation functions and losses, and the layers without memory, are those of PyTorch."""

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from rnnbook.in_numpy import Dropout, Embedding, Linear
from rnnbook.in_numpy.functions import (
    cross_entropy,
    gaussian_mixture,
    log_softmax,
    mean_squared_error,
    relu,
    sigmoid,
    softmax,
)

CLOSE = {"rtol": 0, "atol": 1e-12}
EXTREMES = np.array([-1e4, -700.0, -30.0, -1.0, 0.0, 1e-3, 2.0, 40.0, 800.0, 1e4])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ours, theirs", [(sigmoid, torch.sigmoid), (relu, torch.relu)])
def test_activations_equal_torch_without_overflow(ours, theirs, dtype):
    a = EXTREMES.astype(dtype)
    assert ours(a).dtype == dtype
    np.testing.assert_allclose(ours(a), theirs(torch.from_numpy(a)), rtol=0, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    "ours, theirs", [(log_softmax, torch.log_softmax), (softmax, torch.softmax)], ids=["log_softmax", "softmax"]
)
def test_softmax_equals_torch_without_overflow(ours, theirs):
    a = np.stack([EXTREMES, EXTREMES / 1e4, EXTREMES + 1e5])
    np.testing.assert_allclose(ours(a), theirs(torch.from_numpy(a), -1), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("function", [relu, sigmoid, softmax, log_softmax])
def test_nan_is_never_hidden(function):
    assert np.isnan(function(np.array([0.0, np.nan]))[1])


def logits_and_target(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(5, 3, 7)), rng.integers(7, size=(5, 3)), rng.random((5, 3)) < 0.6


@pytest.mark.parametrize("masked", [False, True])
def test_cross_entropy_equals_torch(masked):
    logits, target, mask = logits_and_target()
    if masked:
        target[~mask] = -100  # whatever stands there does not count
    theirs = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(theirs.flatten(0, 1), torch.tensor(target).flatten())
    expected.backward()
    loss, dlogits = cross_entropy(logits, target, mask if masked else None)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(dlogits, theirs.grad, **CLOSE)


def test_cross_entropy_is_in_nats_per_token():
    loss, _ = cross_entropy(np.zeros((4, 2, 8)), np.zeros((4, 2), int))
    assert loss == pytest.approx(np.log(8), abs=1e-15)


def test_cross_entropy_ignores_nan_under_the_mask_and_shows_it_elsewhere():
    logits, target, mask = logits_and_target()
    mask[2, 1] = False
    expected, dexpected = cross_entropy(logits, target, mask)
    logits[2, 1] = np.nan
    loss, dlogits = cross_entropy(logits, target, mask)
    assert loss == expected
    np.testing.assert_array_equal(dlogits, dexpected)
    mask[2, 1] = True
    assert np.isnan(cross_entropy(logits, target, mask)[0])


def test_cross_entropy_stays_finite_for_large_logits():
    loss, dlogits = cross_entropy(np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([0, 0]))
    assert loss == 5e3 and np.isfinite(dlogits).all()


def test_mean_squared_error_equals_torch():
    rng = np.random.default_rng(1)
    y, target = rng.normal(size=(2, 5, 3))
    theirs = torch.tensor(y, requires_grad=True)
    expected = torch.nn.functional.mse_loss(theirs, torch.tensor(target))
    expected.backward()
    loss, dy = mean_squared_error(y, target)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(dy, theirs.grad, **CLOSE)


@pytest.mark.parametrize("K", [1, 4])
def test_gaussian_mixture_equals_torch_distributions(K):
    rng = np.random.default_rng(2)
    y, target = rng.normal(size=(5, 3, 3 * K)), rng.normal(size=(5, 3))
    theirs = torch.tensor(y, requires_grad=True)
    logits, mu, log_sigma = theirs.chunk(3, -1)
    density = MixtureSameFamily(Categorical(logits=logits), Normal(mu, log_sigma.exp()))
    expected = -density.log_prob(torch.tensor(target)).mean()
    expected.backward()
    loss, dy = gaussian_mixture(y, target)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(dy, theirs.grad, **CLOSE)


def test_gaussian_mixture_stays_finite_far_from_every_mean():
    loss, dy = gaussian_mixture(np.array([[0.0, 0.0, 0.0, 1.0, -3.0, -3.0]]), np.array([50.0]))
    assert np.isfinite(loss) and np.isfinite(dy).all()


@pytest.mark.parametrize("bias", [True, False])
def test_linear_equals_torch(bias):
    rng = np.random.default_rng(3)
    ours = Linear(7, 4, bias=bias, dtype=np.float64, rng=rng)
    theirs = torch.nn.Linear(7, 4, bias=bias).double()
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in ours.state_dict().items()})
    x, dy = rng.normal(size=(5, 3, 7)), rng.normal(size=(5, 3, 4))
    tx = torch.tensor(x, requires_grad=True)
    expected = theirs(tx)
    expected.backward(torch.from_numpy(dy))
    y, trace = ours.forward(x)
    dx, grads = ours.backward(dy, trace)
    np.testing.assert_allclose(y, expected.detach(), **CLOSE)
    np.testing.assert_allclose(dx, tx.grad, **CLOSE)
    for name, parameter in theirs.named_parameters():
        np.testing.assert_allclose(grads[name], parameter.grad, **CLOSE)


def test_embedding_equals_torch():
    rng = np.random.default_rng(4)
    ours, tokens, dy = (
        Embedding(6, 4, dtype=np.float64, rng=rng),
        rng.integers(6, size=(5, 3)),
        rng.normal(size=(5, 3, 4)),
    )
    theirs = torch.nn.Embedding(6, 4).double()
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in ours.state_dict().items()})
    expected = theirs(torch.from_numpy(tokens))
    expected.backward(torch.from_numpy(dy))
    y, trace = ours.forward(tokens)
    dtokens, grads = ours.backward(dy, trace)
    np.testing.assert_array_equal(y, expected.detach())
    assert dtokens is None
    np.testing.assert_allclose(grads["weight"], theirs.weight.grad, **CLOSE)


def test_dropout_keeps_the_mean_and_hands_the_same_mask_back():
    dropout = Dropout(0.3, rng=np.random.default_rng(5))
    x = np.ones((100, 1000))
    y, trace = dropout.forward(x)
    assert np.unique(y).tolist() == [0, 1 / 0.7]
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.005)
    dx, grads = dropout.backward(np.full_like(x, 2.0), trace)
    np.testing.assert_array_equal(dx, 2 * y)
    assert grads == {}


def test_dropout_does_nothing_outside_training_and_all_at_one():
    x = np.ones((4, 5), np.float32)
    y, trace = Dropout(0.5).forward(x, training=False)
    assert y is x and Dropout(0.5).backward(x, trace)[0] is x
    assert not Dropout(1, rng=np.random.default_rng(0)).forward(x)[0].any()
    assert Dropout(0.5, rng=np.random.default_rng(0)).forward(x)[0].dtype == np.float32


@pytest.mark.parametrize(
    "call, error, sentence",
    [
        (
            lambda: cross_entropy(np.zeros((5, 3, 7)), np.zeros((5, 2), int)),
            ValueError,
            "target should have shape (5, 3), but has shape (5, 2)",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 7)), np.array([0, 7])),
            ValueError,
            "target should lie between 0 and 6, but holds 7",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 7)), np.array([0, -1])),
            ValueError,
            "target should lie between 0 and 6, but holds -1",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 7)), np.zeros(2)),
            TypeError,
            "target should hold whole numbers, but has dtype float64",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 7), int), np.array([0, 1])),
            TypeError,
            "logits should hold floating-point numbers (float32, float64), but has dtype int64",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 7)), np.array([0, 1]), [False, False]),
            ValueError,
            "mask should be True for at least one token, but is False for all",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 7)), np.array([0, 1]), [True]),
            ValueError,
            "mask should have shape (2,), but has shape (1,)",
        ),
        (
            lambda: mean_squared_error(np.zeros(3), np.zeros(4)),
            ValueError,
            "target should have shape (3,), but has shape (4,)",
        ),
        (
            lambda: gaussian_mixture(np.zeros((5, 7)), np.zeros(5)),
            ValueError,
            "y should have shape (5, 6), but has shape (5, 7)",
        ),
        (
            lambda: gaussian_mixture(np.zeros((5, 6)), np.zeros(4)),
            ValueError,
            "target should have shape (5,), but has shape (4,)",
        ),
        (
            lambda: Linear(7, 4).forward(np.zeros((5, 6))),
            ValueError,
            "x should have shape (5, 7), but has shape (5, 6)",
        ),
        (lambda: Linear(0, 4), ValueError, "in_features should be at least 1, but is 0"),
        (lambda: Linear(4, 0), ValueError, "out_features should be at least 1, but is 0"),
        (lambda: Embedding(6, 4).forward(np.array([6])), ValueError, "tokens should lie between 0 and 5, but holds 6"),
        (
            lambda: Embedding(6, 4).forward(np.array([1.0])),
            TypeError,
            "tokens should hold whole numbers, but has dtype float64",
        ),
        (
            lambda: Embedding(6, 4).backward(np.zeros((2, 3)), np.array([1, 2])),
            ValueError,
            "dy should have shape (2, 4), but has shape (2, 3)",
        ),
        (lambda: Embedding(0, 4), ValueError, "num_embeddings should be at least 1, but is 0"),
        (lambda: Embedding(6, 4.0), TypeError, "embedding_dim should be a whole number, but is 4.0"),
        (lambda: Dropout(1.5), ValueError, "p should lie between 0 and 1, but is 1.5"),
    ],
)
def test_mistakes_are_named(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == sentence

"""The mixture density head: its densities are torch.distributions', its quantiles invert its distribution function."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Categorical, MixtureSameFamily, Normal

from rnnbook.in_numpy import Linear, MixtureHead
from rnnbook.in_numpy.functions import gaussian_mixture
from rnnbook.in_numpy.mixture import mixture_cdf, mixture_moments, mixture_parts, mixture_quantile

T, B, H, K = 5, 3, 7, 4
CLOSE = {"rtol": 0, "atol": 1e-12}


def mixtures(K=K, seed=0):
    return np.random.default_rng(seed).normal(size=(T, B, 3 * K))


def oracle(y):
    logits, mu, log_sigma = torch.tensor(y).chunk(3, -1)
    return MixtureSameFamily(Categorical(logits=logits), Normal(mu, log_sigma.exp()))


def test_the_parts_are_weights_means_and_deviations():
    pi, mu, sigma = mixture_parts(mixtures())
    theirs = oracle(mixtures())
    np.testing.assert_allclose(pi, theirs.mixture_distribution.probs, **CLOSE)
    np.testing.assert_allclose(mu, theirs.component_distribution.mean, **CLOSE)
    np.testing.assert_allclose(sigma, theirs.component_distribution.stddev, **CLOSE)


@pytest.mark.parametrize("K", [1, 4])
def test_moments_and_distribution_function_equal_torch(K):
    y, x = mixtures(K), 2 * np.random.default_rng(1).normal(size=(T, B))
    theirs = oracle(y)
    mean, std = mixture_moments(y)
    np.testing.assert_allclose(mean, theirs.mean, **CLOSE)
    np.testing.assert_allclose(std, theirs.stddev, **CLOSE)
    np.testing.assert_allclose(mixture_cdf(y, x), theirs.cdf(torch.tensor(x)), **CLOSE)


@pytest.mark.parametrize("p", [1e-6, 0.05, 0.5, 0.9, 1 - 1e-6])
def test_the_quantile_inverts_the_distribution_function(p):
    y = mixtures()
    np.testing.assert_allclose(mixture_cdf(y, mixture_quantile(y, p)), p, **CLOSE)


def test_the_quantiles_of_one_component_are_those_of_the_normal_density():
    y = np.array([[0.3, 2.0, math.log(3)]])  # one weight is 1, whatever its logit
    assert mixture_quantile(y, 0.975)[0] == pytest.approx(2 + 3 * 1.959963984540054, abs=1e-12)
    assert mixture_quantile(y, 0.5)[0] == pytest.approx(2, abs=1e-12)


def test_the_tails_keep_their_digits():
    x = np.array([-37.0, -20, -9, -1, 0, 3])
    normal = np.zeros((len(x), 3))
    np.testing.assert_allclose(mixture_cdf(normal, x), stats.norm.cdf(x), rtol=1e-12)
    two = np.tile([0.0, 0, 1, -1, 0, 0.5], (len(x), 1))
    expected = (stats.norm.cdf(x, 1) + stats.norm.cdf(x, -1, math.exp(0.5))) / 2
    np.testing.assert_allclose(mixture_cdf(two, x), expected, rtol=1e-12)


@pytest.mark.parametrize("p", [1e-300, 1e-17, 1e-9, 0.3, 0.5, 0.7, 1 - 1e-9, 1 - 2**-53])
def test_far_quantiles_are_those_of_the_normal_density(p):
    y = np.array([[0.3, 2.0, math.log(3)]])
    expected = stats.norm.ppf(p, 2, 3) if p <= 0.5 else stats.norm.isf(1 - p, 2, 3)
    assert mixture_quantile(y, p)[0] == pytest.approx(expected, rel=1e-12)
    assert mixture_quantile(y.astype(np.float32), p)[0] == pytest.approx(expected, rel=1e-6)


def test_a_quantile_mirrors_the_one_of_the_mirrored_mixture():
    y = mixtures()
    mirrored = y * np.repeat([1, -1, 1], K)
    for tail in (2.0**-50, 0.125):  # 1 - tail is exact
        np.testing.assert_array_equal(mixture_quantile(y, 1 - tail), -mixture_quantile(mirrored, tail))


def test_a_head_learns_through_its_weights_as_autograd_says():
    rng = np.random.default_rng(3)
    head, x, target = MixtureHead(H, K, dtype=np.float64, rng=rng), rng.normal(size=(T, B, H)), rng.normal(size=(T, B))
    y, trace = head.forward(x)
    loss, dy = gaussian_mixture(y, target)
    dx, grads = head.backward(dy, trace)
    tx, W, b = (torch.tensor(a, requires_grad=True) for a in (x, head.params["weight"], head.params["bias"]))
    logits, mu, log_sigma = (tx @ W.T + b).chunk(3, -1)
    theirs = -MixtureSameFamily(Categorical(logits=logits), Normal(mu, log_sigma.exp())).log_prob(torch.tensor(target))
    theirs.mean().backward()
    assert loss == pytest.approx(theirs.mean().item(), abs=1e-12)
    for ours, leaf in [(dx, tx), (grads["weight"], W), (grads["bias"], b)]:
        np.testing.assert_allclose(ours, leaf.grad, **CLOSE)


def test_the_head_is_a_dense_layer_with_three_numbers_a_component():
    head = MixtureHead(H, K)
    assert isinstance(head, Linear)
    assert {name: p.shape for name, p in head.params.items()} == {"weight": (3 * K, H), "bias": (3 * K,)}
    assert head.components == K and head.params["weight"].dtype == np.float32
    y, _ = head.forward(np.zeros((T, B, H)))
    assert mixture_quantile(y, 0.5).dtype == mixture_cdf(y, np.zeros((T, B))).dtype == np.float32


def test_the_same_seed_draws_the_same_head():
    first, second = (MixtureHead(H, K, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.params["weight"], second.params["weight"])


def test_wrong_arguments_are_told_in_a_sentence():
    with pytest.raises(ValueError, match="components should be at least 1, but is 0"):
        MixtureHead(H, 0)
    with pytest.raises(ValueError, match=r"y should have shape \(5, 3, 3\), but has shape \(5, 3, 4\)"):
        mixture_parts(np.zeros((T, B, 4)))
    with pytest.raises(ValueError, match=r"x should have shape \(5, 3\), but has shape \(5,\)"):
        mixture_cdf(mixtures(), np.zeros(T))
    for p in (0, 1, 1.5):
        with pytest.raises(ValueError, match="p should lie between 0 and 1, but is"):
            mixture_quantile(mixtures(), p)
    with pytest.raises(TypeError, match="y should hold floating-point numbers"):
        mixture_moments(np.zeros((T, B, 3), int))

"""The linear discriminant is scikit-learn's, and with a shared covariance the log odds are linear."""

import numpy as np
import pytest

from rnnbook.rivals import LinearDiscriminant

N, D, K = 60, 5, 3


def draw(seed):
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(K), rng.choice(K, N - K, p=[0.6, 0.3, 0.1]))
    mixed = np.eye(D) + 0.3 * rng.normal(size=(D, D))
    return rng.normal(size=(N, D)) @ mixed + rng.normal(size=(K, D))[labels], labels, rng


@pytest.mark.parametrize("seed", range(3))
def test_the_probabilities_are_those_of_scikit_learn(seed):
    # not earlier: it would take every process a second
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    x, labels, rng = draw(seed)
    new = rng.normal(size=(7, D))
    oracle = LinearDiscriminantAnalysis(solver="lsqr").fit(x, labels)
    found = LinearDiscriminant(x, labels).log_posterior(new)
    np.testing.assert_allclose(found, oracle.predict_log_proba(new), atol=1e-9)
    together = LinearDiscriminant(x, labels).log_posterior(new[None])
    np.testing.assert_array_equal(together[0], found)


def test_shrinkage_is_towards_the_identity_with_the_same_trace():
    x, labels, rng = draw(3)
    new = rng.normal(size=(7, D))
    spread = np.concatenate([x[labels == k] - x[labels == k].mean(axis=0) for k in range(K)])
    covariance = 0.7 * spread.T @ spread / N + 0.3 * np.mean(np.sum(spread**2, axis=1)) / D * np.eye(D)
    scores = [
        np.log(np.mean(labels == k)) - 0.5 * np.sum((new - m) @ np.linalg.inv(covariance) * (new - m), axis=1)
        for k in range(K)
        for m in [x[labels == k].mean(axis=0)]
    ]
    expected = np.transpose(scores) - np.log(np.exp(scores).sum(axis=0))[:, None]
    np.testing.assert_allclose(LinearDiscriminant(x, labels, 0.3).log_posterior(new), expected, atol=1e-10)


def test_full_shrinkage_needs_fewer_rows_than_features():
    x, labels, _ = draw(4)
    few = LinearDiscriminant(x[:4], labels[:4] % 2, shrinkage=0.5)
    assert np.isfinite(few.log_posterior(x)).all()


def test_what_does_not_fit_is_named():
    x, labels, _ = draw(5)
    with pytest.raises(ValueError, match="labels should have shape"):
        LinearDiscriminant(x, labels[1:])
    with pytest.raises(ValueError, match="shrinkage should be"):
        LinearDiscriminant(x, labels, 1.5)
    with pytest.raises(ValueError, match="1 is missing"):
        LinearDiscriminant(x, 2 * (labels > 0))

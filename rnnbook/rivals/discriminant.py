"""A linear discriminant: one Gaussian for each class, with a covariance that all of them share."""

import numpy as np

from rnnbook.errors import check_number, check_shape


class LinearDiscriminant:
    """Fit on x (N, D) and labels (N,) from 0 to K - 1; each class has at least one row.

    ``shrinkage`` in [0, 1] moves the shared covariance towards a multiple of the identity with the same trace, which is
    needed when there are few rows for D features.
    Source: Fisher (1936), for K classes Rao (1948); shrinkage towards the identity: Ledoit & Wolf (2004), here fixed.
    """

    def __init__(self, x, labels, shrinkage=0.0):
        x, labels = np.asarray(x, dtype=np.float64), np.asarray(labels)
        check_shape("x", x, ("N", "D"))
        check_shape("labels", labels, (len(x),))
        shrinkage = check_number("shrinkage", shrinkage, "be from 0 to 1", lambda s: 0 <= s <= 1)
        D, counts = x.shape[1], np.bincount(labels)
        if not counts.all():
            raise ValueError(
                f"labels should have each class from 0 to {len(counts) - 1}, but {counts.argmin()} is missing"
            )
        self.means = np.stack([x[labels == k].mean(axis=0) for k in range(len(counts))])
        spread = x - self.means[labels]
        covariance = spread.T @ spread / len(x)
        covariance = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / D * np.eye(D)
        self.log_prior = np.log(counts / len(x))
        self.weights = np.linalg.solve(covariance, self.means.T).T
        self.bias = self.log_prior - 0.5 * np.sum(self.weights * self.means, axis=1)

    def log_posterior(self, x):
        """Return the log probability of each class (..., K) for rows x (..., D)."""
        scores = np.asarray(x) @ self.weights.T + self.bias
        top = scores.max(axis=-1, keepdims=True)
        return scores - top - np.log(np.exp(scores - top).sum(axis=-1, keepdims=True))

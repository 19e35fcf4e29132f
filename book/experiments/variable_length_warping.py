"""Who says the vowel? Ask the most similar training utterance, with dynamic time warping as the distance.

    python book/experiments/variable_length_warping.py    under a minute on one core; writes the JSON beside it

A rival of the networks of ``variable_length.py`` that has no parameters. Whether frames are standardised is decided
on the training part, each utterance compared with the others.
"""

import numpy as np
from harness import recording

from rnnbook import data


def warping_distances(query, others):
    """Return the distance (N,) of a query (T, D) to N sequences, each (T_n, D): the cheapest way to align the two.

    An alignment starts at both first frames, ends at both last ones, and goes one frame on in one sequence or in
    both; it costs the squared differences of all pairs of frames on its way.
    """
    T, N = max(len(other) for other in others), len(others)
    x = np.zeros((N, T, query.shape[1]))
    for other, row in zip(others, x, strict=True):
        row[: len(other)] = other
    least = np.full((N, T + 1), np.inf)
    least[:, 0] = 0  # before both first frames
    for frame in query:
        cost = np.sum((x - frame) ** 2, axis=2)
        now = np.full((N, T + 1), np.inf)
        for t in range(T):
            now[:, t + 1] = cost[:, t] + np.minimum(np.minimum(least[:, t], least[:, t + 1]), now[:, t])
        least = now
    return least[np.arange(N), [len(other) for other in others]]


def nearest(queries, others, labels, leave_out=False):
    """Return the label of the nearest of the others for each query; with leave_out a query is not its own neighbour."""
    found = []
    for q, query in enumerate(queries):
        distance = warping_distances(query, others)
        if leave_out:
            distance[q] = np.inf
        found.append(labels[np.argmin(distance)])
    return np.array(found)


def main():
    vowels = data.japanese_vowels()
    frames = np.concatenate(vowels.train)
    scales = {"frames as they are": (0, 1), "standardised frames": (frames.mean(axis=0), frames.std(axis=0))}
    what = "the speaker of a Japanese vowel by the nearest training utterance, dynamic time warping as the distance"
    with recording(__file__, what, settings={"distance": "squared, no window"}, seeds=[]) as record:
        record["results"] = {}
        for name, (mean, scale) in scales.items():
            known, new = ([(u - mean) / scale for u in part] for part in (vowels.train, vowels.test))
            valid = nearest(known, known, vowels.train_labels, leave_out=True) == vowels.train_labels
            right = nearest(new, known, vowels.train_labels) == vowels.test_labels
            record["results"][name] = {
                "valid": round(valid.mean(), 4),
                "test": round(right.mean(), 4),
                "right": "".join(str(int(answer)) for answer in right),
            }
            print(f"{name:20} {valid.mean():.3f}  {right.mean():.3f}", flush=True)


if __name__ == "__main__":
    main()

"""What the update gates of the chapter *The GRU* do at the end of a name: four seeds of the network trained there.

    python book/experiments/names_gates.py      about one minute on one core; writes names_gates.json beside it

Finnish names of seven letters or more that end in -nen, and the names of the other languages of that length, both from
the validation and the test part: the share of units whose gate is below 0.1 or above 0.9 at the last letter. For the
name Hirvonen the units that write, keep and mix are counted at every letter.
"""

import names as experiment
import numpy as np
from harness import recording

from rnnbook.in_numpy import Adam, clip_grad_norm
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.in_numpy.models import SequenceClassifier

SETTINGS = {"budget": "short", "layer": "GRU", "name": "hirvonen", "ending": "nen", "shortest": 7, "write": 0.1,
            "keep": 0.9}  # fmt: skip
SEEDS = [0, 1, 2, 3]


def trained(seed):
    """Train the GRU of the short budget, as ``names.run`` does."""
    settings, rng = experiment.SETTINGS[SETTINGS["budget"]], np.random.default_rng(seed)
    layer = experiment.GRU(len(experiment.letters), settings["hidden_size"], dtype=np.float64, rng=rng)
    model = SequenceClassifier(12, layer, rng=rng)
    optimizer = Adam(model.params, lr=experiment.SETTINGS["lr"])
    train = np.flatnonzero(experiment.names.part == "train")
    for _ in range(settings["epochs"]):
        for rows in np.array_split(rng.permutation(train), len(train) // experiment.SETTINGS["batch"]):
            x, ends, labels = experiment.batch(rows)
            logits, trace = model.forward(x, ends)
            grads = model.backward(cross_entropy(logits, labels)[1], trace)
            clip_grad_norm(grads, experiment.SETTINGS["clip"])
            optimizer.step(grads)
    return model.layer


def groups():
    """The rows of the Finnish names with the ending, and of the other languages' names, none of them trained on."""
    names = experiment.names
    finnish = names.labels == names.languages.index("Finnish")
    ending = np.array([name.lower().endswith(SETTINGS["ending"]) for name in names.names])
    held_out = (names.part != "train") & (experiment.lengths >= SETTINGS["shortest"])
    return {"-nen": np.flatnonzero(held_out & finnish & ending), "others": np.flatnonzero(held_out & ~finnish)}


def sort_units(z):
    """Return how many of the gates z write, keep and mix."""
    write, keep = z < SETTINGS["write"], z > SETTINGS["keep"]
    return [int(write.sum()), int(keep.sum()), int((~write & ~keep).sum())]


def run(seed):
    """Return the counts for the one name, letter by letter, and the shares at the last letter of both groups."""
    layer = trained(seed)
    code = [experiment.letters.index(letter) for letter in SETTINGS["name"]]
    z = layer.forward(np.eye(len(experiment.letters))[code][:, None])[2].gates[1, :, 0]
    found = {"write, keep, mix": [sort_units(at) for at in z]}
    for group, rows in groups().items():
        x, ends, _ = experiment.batch(rows)
        z = layer.forward(x, lengths=ends)[2].gates[1][ends - 1, np.arange(len(rows))]
        found[group] = [round(count / z.size, 4) for count in sort_units(z)]
    return found


def main():
    settings = SETTINGS | {"names": {group: len(rows) for group, rows in groups().items()}}
    with recording(__file__, "open and closed update gates at the end of a name", settings=settings, seeds=SEEDS) as r:
        r["runs"] = [run(seed) for seed in SEEDS]


if __name__ == "__main__":
    main()

"""Can a network keep its answer through eighty steps of noise? It depends on how its gates start.

    python book/experiments/variable_length_starts.py    six minutes on one core; writes the JSON beside it

The task and the networks of ``variable_length.py``, about 15,500 parameters each, but behind every utterance of 7 to
29 frames comes noise up to step 100, and nothing says where it begins. ``+3`` and ``chrono`` change the start of the
gate that keeps and nothing else. A network that did not learn with its default start gets twice the epochs.
"""

import numpy as np
import torch
from harness import recording
from variable_length import FOLLOWED, SEEDS, SETTINGS, test, train

from rnnbook import data

DOUBLED = 2 * SETTINGS["epochs"]
RUNS = {  # the network, and the epochs
    "RNN": (("RNN", 1, False, 113, "ends"), SETTINGS["epochs"]),
    "GRU": (("GRU", 1, False, 64, "ends"), SETTINGS["epochs"]),
    "GRU, twice the epochs": (("GRU", 1, False, 64, "ends"), DOUBLED),
    "GRU, +3": (("GRU", 1, False, 64, "ends", "+3"), SETTINGS["epochs"]),
    "GRU, chrono": (("GRU", 1, False, 64, "ends", "chrono"), SETTINGS["epochs"]),
    "LSTM": (("LSTM", 1, False, 55, "ends"), SETTINGS["epochs"]),
    "LSTM, +3": (("LSTM", 1, False, 55, "ends", "+3"), SETTINGS["epochs"]),
    "BiGRU": (("GRU", 1, True, 43, "ends"), SETTINGS["epochs"]),
    "BiGRU, +3": (("GRU", 1, True, 43, "ends", "+3"), SETTINGS["epochs"]),
    "BiGRU, last step": (("GRU", 1, True, 43, "last step"), SETTINGS["epochs"]),
    "BiGRU, last step, +3": (("GRU", 1, True, 43, "last step", "+3"), SETTINGS["epochs"]),
}


def main():
    torch.set_num_threads(1)
    vowels = data.japanese_vowels()
    what = "the speaker of a Japanese vowel that is followed by noise: share of right answers on the test part"
    settings = SETTINGS | {"followed by noise": FOLLOWED}
    with recording(__file__, what, settings=settings, seeds=SEEDS) as record:
        record["runs"], record["parameters"], record["followed by noise"] = RUNS, {}, {}
        for name, (network, epochs) in RUNS.items():
            answers = record["followed by noise"][name] = []
            for seed in SEEDS:
                model, _, scale = train(vowels, network, seed, **FOLLOWED, epochs=epochs)
                record["parameters"][name] = sum(p.numel() for p in model.parameters())
                answers.append(test(model, vowels, scale, **FOLLOWED))
            print(f"{name:24} {np.mean(answers):.3f}  {answers}", flush=True)


if __name__ == "__main__":
    main()

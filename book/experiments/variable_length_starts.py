"""Can a GRU keep its answer through eighty steps of noise? It depends on how its update gate starts.

    python book/experiments/variable_length_starts.py    three minutes on one core; writes the JSON beside it

The task and two networks of ``variable_length.py``, followed by noise, with another start of the gate that keeps and
nothing else changed; and the default start with twice the epochs. What the default start gives in 60 epochs is in
``variable_length.json``.
"""

import torch
from harness import recording
from variable_length import FOLLOWED, NETWORKS, SEEDS, SETTINGS, test, train

from rnnbook import data


def plus_three(layer):
    """Add 3 to the bias of the update gate, rows z of r, z, n, in every layer and direction."""
    H = layer.hidden_size
    with torch.no_grad():
        for name, bias in layer.named_parameters():
            if name.startswith("bias_ih"):
                bias[H : 2 * H] += 3


def chrono(layer):
    """Draw that bias as ln u, with u uniform from 1 to T - 1 (Tallec & Ollivier 2018)."""
    H = layer.hidden_size
    with torch.no_grad():
        for name, bias in layer.named_parameters():
            if name.startswith("bias_ih"):
                bias[H : 2 * H] = torch.empty(H).uniform_(1, FOLLOWED["T"] - 1).log()
            elif name.startswith("bias_hh"):
                bias[H : 2 * H] = 0


RUNS = {  # the network of variable_length.py, the start, the epochs
    "GRU, +3": ("GRU", plus_three, SETTINGS["epochs"]),
    "GRU, chrono": ("GRU", chrono, SETTINGS["epochs"]),
    "BiGRU, last step, +3": ("BiGRU, last step", plus_three, SETTINGS["epochs"]),
    "GRU, twice the epochs": ("GRU", None, 2 * SETTINGS["epochs"]),
}


def main():
    torch.set_num_threads(1)
    vowels = data.japanese_vowels()
    what = "the speaker of a Japanese vowel that is followed by noise: share of right answers on the test part"
    settings = SETTINGS | {"followed by noise": FOLLOWED}
    with recording(__file__, what, settings=settings, seeds=SEEDS) as record:
        record["runs"] = {name: [network, epochs] for name, (network, _, epochs) in RUNS.items()}
        record["followed by noise"] = {}
        for name, (network, start, epochs) in RUNS.items():
            answers = record["followed by noise"][name] = []
            for seed in SEEDS:
                model, _, scale = train(vowels, NETWORKS[network], seed, **FOLLOWED, start=start, epochs=epochs)
                answers.append(test(model, vowels, scale, **FOLLOWED))
                print(f"{name:24} {answers}", flush=True)


if __name__ == "__main__":
    main()

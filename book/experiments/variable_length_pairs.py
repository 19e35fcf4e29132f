"""The networks of ``variable_length.py`` answer the test utterances again, so that they can be compared in pairs.

    python book/experiments/variable_length_pairs.py    a minute and a half on one core; writes the JSON beside it

``right`` has a digit for each of the 370 utterances: how many of the five seeds name its speaker. A GRU, with the
default start and with +3 on its update gate, also answers for utterances that are padded on either side and read to
the end of the array.
"""

import numpy as np
import torch
from harness import recording
from variable_length import NETWORKS, PADDED_TO, SEEDS, SETTINGS, right, test, train
from variable_length_starts import plus_three

from rnnbook import data

RUNS = {  # cell, layers, both directions, hidden units, which state is classified; and the start
    **{name: (NETWORKS[name], None) for name in ("GRU", "BiGRU", "RNN")},
    "GRU, +3": (NETWORKS["GRU"], plus_three),
    "LSTM": (("LSTM", 1, False, 55, "ends"), None),
    "GRU, 2 layers": (NETWORKS["GRU, 2 layers"], None),
}
PADDED = ["GRU", "GRU, +3"]


def main():
    torch.set_num_threads(1)
    vowels = data.japanese_vowels()
    what = "the speaker of a Japanese vowel: share of right answers on the test part, utterance by utterance"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["parameters"], record["results"], record["read with padding"] = {}, {}, {}
        for name, (network, start) in RUNS.items():
            answers = []
            for seed in SEEDS:
                model, _, scale = train(vowels, network, seed, start=start)
                answers.append(right(model, vowels, scale))
                for side in ("right", "left") if name in PADDED else ():
                    shares = record["read with padding"].setdefault(name, {}).setdefault(side, {})
                    for T in PADDED_TO:
                        shares.setdefault(str(T), []).append(test(model, vowels, scale, T, "padding", side=side))
            record["parameters"][name] = sum(p.numel() for p in model.parameters())
            record["results"][name] = {
                "test": [round(seed.mean().item(), 4) for seed in answers],
                "right": "".join(str(count) for count in np.sum(answers, axis=0)),
            }
            print(f"{name:16} {record['results'][name]['test']}", flush=True)


if __name__ == "__main__":
    main()

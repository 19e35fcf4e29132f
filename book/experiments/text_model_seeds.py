"""Train the large network of text_model_training.py from more seeds, and score it as text_model.py scores the first.

    OMP_NUM_THREADS=1 python book/experiments/text_model_seeds.py FOLDER

Each run is kept in FOLDER as it learns; a run that was cut off goes on from there. Weights are rounded to 16 bits, as
the stored ones are. The learning rate of a network that learns while it reads is the one chosen with the first seed,
so no choice but the weights of the mixtures, made on the validation part, is made again. Forty minutes a seed.
"""

import json
import sys
from pathlib import Path

import torch
from harness import recording
from text_model import SETTINGS as SCORING
from text_model import counters_of, networks_of, systems
from text_model_training import SETTINGS as TRAINING
from text_model_training import parts, rounded, source, train

WHAT = "bits of each block of the test part from networks of other seeds, alone and with the counter"
SEEDS = [1, 2]
SETTINGS = {"run": {k: v for k, v in TRAINING["runs"]["large"].items() if k != "seed"}, "scoring": SCORING}
FIRST = Path(__file__).with_name("text_model.json")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    torch.set_num_threads(1)
    vocabulary, past, valid, test = parts()
    rate, runs = json.loads(FIRST.read_text())["rate"], []
    with recording(__file__, WHAT, settings=SETTINGS, seeds=SEEDS, pieces=True) as record:
        counters = counters_of(past, valid, test, len(vocabulary))
        for seed in SEEDS:
            model, found = train(SETTINGS["run"] | {"seed": seed}, folder / f"large_{seed}.pt")
            model.load_state_dict(rounded(model.state_dict(), "float16"))
            rows = systems(networks_of(model.eval(), past, valid, test, rate), counters)
            rows = {name: row for name, row in rows.items() if "network" in name}
            runs.append(SETTINGS["run"] | {"seed": seed, "cpu_seconds": round(found["cpu_seconds"]),
                                           "learning": found["learning"], "systems": rows})  # fmt: skip
            print(seed, {name: row["test"] for name, row in rows.items()}, flush=True)
        record |= {"data": source(), "rate": rate, "runs": runs}


if __name__ == "__main__":
    main()

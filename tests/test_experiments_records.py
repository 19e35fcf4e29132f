"""Each long run writes the record that lies beside it, where its pieces return what the record says they returned."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from searches import LIBRARY

# all together
pytestmark = [pytest.mark.slow, pytest.mark.search("experiments computed again", "book/experiments/*", *LIBRARY)]
FOLDER = Path(__file__).parents[1] / "book/experiments"
ABOUT = {"what", "command", "commit", "date", "seeds", "versions", "hardware", "seconds"}  # test_experiments_harness
PIECES = {"pieces"}  # that the record was put together from several stretches
BEFORE = {"provenance"}  # where some records from before the harness say it


@pytest.fixture
def rewrite(monkeypatch, tmp_path):
    """Return a function that runs an experiment's ``main`` on pieces made from its record, and what it writes."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)

    def run(name, pieces):
        stored = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        program = importlib.import_module(name)
        for piece, stand_in in pieces(program, stored).items():
            monkeypatch.setattr(program, piece, stand_in)
        target = tmp_path / f"{name}.json"
        monkeypatch.setattr(program, "__file__", str(target.with_suffix(".py")))
        monkeypatch.setattr(sys, "argv", [name])
        program.main()
        return json.loads(target.read_text(encoding="utf-8")), stored

    yield run
    for name in {path.stem for path in FOLDER.glob("*.py")} & (set(sys.modules) - before):
        del sys.modules[name]


def results(record):
    """What was found and with which settings: all but what the harness says about the run."""
    return {key: value for key, value in record.items() if key not in ABOUT | BEFORE | PIECES}


class Pool:
    """A pool of processes that is this process."""

    def __init__(self, *arguments, **options):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def map(self, function, jobs, chunksize):
        return [function(job) for job in jobs]

    def submit(self, function, *arguments):
        return SimpleNamespace(result=lambda: function(*arguments))


def ablations(program, stored):
    def run(job):
        task, kind, seed = job
        if task == "adding":
            return stored["adding"][kind][seed]
        return {part: stored["speech"][part][kind][seed] for part in ("valid", "test")}

    return {"Pool": Pool, "run": run}


def adding_lstm(program, stored):
    return {"run_form": lambda form, seeds: stored["forms"][form]}


def control(program, stored):
    def laws(seed, model):
        makers = [name for name in stored["errors"] if name not in stored["parameters"]]
        return {name: (name, seed) for name in makers}, stored["tuned"][program.SEEDS.index(seed)]

    def judge(make):
        if isinstance(make, tuple):
            name, seed = make
            return {key: found[program.SEEDS.index(seed)] for key, found in stored["errors"][name].items()}
        return stored["errors"][make(None)]

    return {"identify": lambda: None, "OneSeed": lambda model, s: None, "laws": laws, "judge": judge,
            "train": lambda name, model: name, "count": lambda name: stored["parameters"][name],
            "Trained": lambda network, summed: network}  # fmt: skip


def identification(program, stored):
    def case(example, noise, hold):
        (name,) = [name for name, values in program.CASES.items() if values[:3] == (example, noise, hold)]
        return stored[name]

    return {"rival": lambda kind, example, seed, noise, hold: case(example, noise, hold)[kind][seed],
            "network": lambda kind, example, noise, hold: case(example, noise, hold)[kind],
            "longer": lambda example: stored[f"example {example}, longer"]}  # fmt: skip


def applications_dna(program, stored):
    def run(genome, labels, name, seed, folder, times=1):
        runs = stored["runs"] if times == 1 else stored["twice the updates"]
        (found,) = [r for r in runs if (r["network"], r["seed"]) == (name, seed)]
        return found

    return {"run": run, "rivals": lambda genome, labels: stored["rivals"], "trained": lambda *arguments: (None, 0),
            "context": lambda genome, labels, model: stored["context"],
            "opinion": lambda genome, model: stored["shown"]["percent"]}  # fmt: skip


def applications_health(program, stored):
    def network(motions, seed):
        steps = np.array(stored["tenths"]) - 1
        answers = np.zeros((100, 40), int)
        if seed == 0:
            answers = np.array([[int(k) for k in row] for row in stored["answers"]]).T
        np.testing.assert_array_equal(answers[steps], stored["GRU"][0] if seed == 0 else 0)
        answers[steps] = stored["GRU"][seed]
        p = np.eye(4)[answers]
        return p * np.array([row.split() for row in stored["sure"]], float).T[:, :, None] / 100 if seed == 0 else p

    return {"network": network,
            "rivals": lambda motions, steps: {name: np.array(found[stored["tenths"].index(steps)])
                                              for name, found in stored["rivals"].items()}}  # fmt: skip


def applications_speech(program, stored):
    shown = [np.array([frame.split() for frame in stream], float) / 100 for stream in stored["percent"]]
    log_ps = [np.log(np.maximum(p, 1e-9)) for p in shown]
    return {"discriminants": lambda vowels, rows, held: stored["discriminant"],
            "run": lambda vowels, rows, held, how, seed: (stored[how][seed], log_ps)}  # fmt: skip


def language_model(program, stored):
    def train(cell, seed, epochs):
        (found,) = [r for r in stored["runs"] if (r["cell"], r["seed"], r["epochs"]) == (cell, seed, epochs)]
        return found

    return {"ProcessPoolExecutor": Pool, "as_completed": lambda jobs: jobs[::-1], "train": train}


def connectivity(program, stored):
    now = {}

    def one(*keys):
        (found,) = [run for run in stored["runs"] if (run["cell"], run["seed"]) == now["run"]]
        return {key: found[key] for key in keys} if len(keys) > 1 else found[keys[0]]

    def train(cell, seed, past, V):
        now["run"] = cell, seed
        return program.SmallModel(cell, V)

    return {
        "train": train,
        "bits": lambda model, test, B: one("test"),
        "measure": lambda model, test: one("median", "mean", "profile"),
        "time": SimpleNamespace(process_time=clock(run["cpu_seconds"] for run in stored["runs"])),
        "SCRIPT": SimpleNamespace(write_text=lambda text, encoding: None),
    }


def clock(seconds):
    """A clock that is asked before and after each of several runs, which took these seconds."""
    times = iter([time for took in seconds for time in (0, took)])
    return lambda: next(times)


def text_model(program, stored):
    def learning_network(model, before, text, rate):
        return np.array([2.0 ** -stored["by rate"][str(rate)]])

    def systems(networks, counters):
        assert networks.keys() == counters.keys() == {"fixed", "learning"}
        return {name: row for name, row in stored["systems"].items() if "PPMd" not in name}

    return {
        "WittenBell": lambda tokens, V, order: None,
        "counter": lambda ngrams, before, text, learning: None,
        "fixed_network": lambda model, before, text: np.array([0.5]),
        "learning_network": learning_network,
        "systems": systems,
        "measure": lambda model, test: stored["reach"],
    }


def text_model_seeds(program, stored):
    runs, rows = iter(stored["runs"]), iter(stored["runs"])

    def train(run, path):
        assert run["seed"] == (now := next(runs))["seed"] and path.name == f"large_{run['seed']}.pt"
        return torch.nn.Linear(1, 1), now

    return {
        "train": train,
        "counters_of": lambda past, valid, test, V: None,
        "networks_of": lambda model, past, valid, test, rate: None,
        "systems": lambda networks, counters: next(rows)["systems"] | {"counter, fixed": None},
    }


def text_model_training(program, stored):
    runs = iter(stored["runs"])

    def train(run, path):
        now = next(runs)
        losses = iter(now["rounded"].values())
        program.bits = lambda model, tokens, B: next(losses)
        return program.CharacterModel(len(program.parts()[0]), run["hidden"]), now

    written = SimpleNamespace(storage=SimpleNamespace(write=lambda path, arrays: None))
    return {"train": train, "bits": None, "weights": written}


def text_model_ppmd(program, stored):
    def one(order):
        (found,) = [run for run in stored["runs"] if run["order"] == order]
        return found

    def read(past, order):
        size = round(one(order)["valid, learning"] * len(program.parts()[1]) / 8)
        return SimpleNamespace(encode=lambda text: bytes(size)), 0

    return {
        "read": read,
        "score": lambda past, before, text, order: (one(order)["learning_blocks"], one(order)["fixed_blocks"]),
        "version": lambda package: stored["pyppmd"],
    }


def gradient_reach(program, stored):
    def run(name, seed, T):
        (found,) = [r for r in stored["runs"] if (r["cell"], r["seed"], r["T"]) == (name, seed, T)]
        return found

    return {"run": run}


def limits(program, stored):
    return {name: lambda name=name: stored[name] for name in ("history", "gap", "shift")}


def ablations_more(program, stored):
    def run(kind, seed):
        (found,) = [r for r in stored["runs"] if (r["network"], r["seed"]) == (kind, seed)]
        return found["skill"], found["skill of twice"]

    return {"run": run}


def memory_more(program, stored):
    def run(task, T, kind, seed):
        (found,) = [r for r in stored["runs"] if (r["task"], r["T"], r["network"]) == (task, T, kind)]
        return found["skill"][seed], found["skill of twice"][seed]

    return {"run": run}


def memory(program, stored):
    def run(job):
        task, kind, T, seed = job
        return stored["skill"][task][kind][stored["settings"]["lengths"].index(T)][seed]

    return {"Pool": Pool, "run": run, "run_counting": lambda job: stored["counted"][job[0]][job[1]]}


def feedback_networks(program, stored):
    def of(part, model, key="found"):
        def run(*which):
            name, seed = which if model is None else (model, *which)
            (found,) = [r for r in stored[part] if (r.get("model", r.get("decay")), r["seed"]) == (name, seed)]
            return found[key]

        return run

    counted, placed = of("xor", "n-gram"), of("xor", "table by place")
    return {
        "network_xor": of("xor", None),
        "counted_xor": lambda seed: counted(seed)[0],
        "placed_xor": lambda seed: placed(seed)[0],
        "network_letters": of("letters", "Elman, through time"),
        "counted_letters": lambda seed: of("letters", "n-gram")(seed)[0],
        "network_plans": of("plans", None, "right"),
    }


def hopfield_capacity(program, stored):
    def overlap(N, load, seed):
        (run,) = [r for r in stored["capacity"] if (r["N"], r["seed"]) == (N, seed)]
        return run["overlaps"][stored["settings"]["capacity"]["loads"].index(load)]

    def exact(N, divisor, seed):
        (run,) = [r for r in stored["exact"] if (r["N"], r["divisor"], r["seed"]) == (N, divisor, seed)]
        return run["M"], run["kept"]

    return {"overlap": overlap, "exact": exact}


def museum(program, stored):
    def train(bug, task, seed):
        which = {"task": "month" if task.months else "recall", "bug": bug, "seed": seed}
        (run,) = [run for run in stored["runs"] if which.items() <= run.items()]
        return run["error"]

    return {"train": train}


def names(program, stored):
    return {"run": lambda name, budget, seed: stored["results"][budget][name][program.SEEDS[budget].index(seed)]}


def names_gates(program, stored):
    return {"run": lambda seed: stored["runs"][program.SEEDS.index(seed)]}


def parallel(program, stored):
    return {"track": lambda task, kind, seed: stored["tracking"][task][kind][seed],
            "add": lambda kind, seed: stored["adding"][kind][seed],
            "name_languages": lambda kind, seed: stored["names"][kind][seed]}  # fmt: skip


def parallel_longer(program, stored):
    twice = stored["settings"]["parity"]["updates"]

    def track(task, kind, seed, updates):
        assert (task, updates) == ("parity", twice)
        return stored["parity"][kind][seed]

    return {"run": lambda kind, seed: stored["names"][kind][seed], "track": track}


def rnn(program, stored):
    import torch

    def train(H, seed, codes):
        (run,) = [r for r in stored["runs"] if (r["H"], r["seed"]) == (H, seed)]
        weights = {name: torch.tensor(value, dtype=torch.float64) for name, value in stored["weights"].items()}
        return run["start"], SimpleNamespace(found=run["trained"], state_dict=lambda: weights), None, run["bits"] + 1e-6

    def measure(layer, codes, other):
        assert codes.shape == (64, 200) and (codes[16] != other).all()
        return getattr(layer, "found", layer)

    return {"train": train, "measure": measure}


def seq2seq(program, stored):
    drawn, now = program.dates.written_dates, {}

    def few(rng, B, **options):  # the lines to train on are read by nobody here
        return drawn(rng, min(B, 1000), **options)

    def train(name, lines, seed, rate, updates, own=0.0):
        if seed == stored["settings"]["choosing"]["seed"]:
            now["share"] = stored["rates tried"][name][str(rate)]
        else:
            assert rate == stored["rates"][name]
            which = {"network": name, "seed": seed, "updates": updates, "own": own}
            (now["run"],) = [run for run in stored["runs"] if which.items() <= run.items()]
            now["words"] = iter([*now["run"]["by words"].values(), *now["run"]["characters by words"].values()])
        return program.network(name), now["run"]["loss"] + 1e-6 if "run" in now else 0.0

    def share(right):
        return next(now["words"]) if "words" in now else now["share"]

    return {
        "dates": SimpleNamespace(**(vars(program.dates) | {"written_dates": few})),
        "train": train,
        "free_running": lambda model, lines, **options: lines[2][1:],
        "share": share,
        "both_regimes": lambda model, lines: {part: now["run"][part] for part in ("forced", "free")},
        "alignment": lambda model, drawn, lines: now["run"]["alignment"],
    }


def state_space(program, stored):
    def recall(name, layer, multiple, seed, size=None, rounds=2, lr=None):
        runs = [run for part in ("recall", "heads", "open", "longer") for run in stored[part]]
        (run,) = [r for r in runs if (r["layer"], r["seed"]) == (name, seed)]
        return run

    def track(name, layer, multiple, task, seed):
        (run,) = [r for r in stored["tracking"] if (r["layer"], r["task"], r["seed"]) == (name, task, seed)]
        return run

    return {"recall": recall, "track": track}


def time_series(program, stored):
    def found(part, **which):
        (run,) = [r for r in stored[part] if which.items() <= r.items()]
        return run

    return {"point": lambda name, form, seed: found("point", series=name, form=form, seed=seed),
            "sure": lambda name, kind, seed: found("sure", series=name, kind=kind, seed=seed)}  # fmt: skip


def only(runs, **which):
    """The runs of which all of this is true."""
    return [run for run in runs if which.items() <= run.items()]


def time_series_contests(program, stored):
    return {
        "point": lambda name, kind, seed, updates: only(stored["point"], series=name, seed=seed, layer=kind),
        "direct": lambda name, n, inputs, seed, updates: only(
            stored["direct"], series=name, ahead=n, inputs=inputs, seed=seed
        )[0],
    }


def time_series_densities(program, stored):
    return {
        "sure": lambda name, form, kind, seed, updates: only(stored["sure"], form=form, kind=kind, seed=seed)[0],
        "futures": lambda seed, updates: only(stored["futures"], seed=seed)[0],
        "rolling": lambda seed, updates: only(stored["rolling"], seed=seed)[0],
    }


def time_series_smoothing(program, stored):
    return {
        "run": lambda name, ahead, network, seed, updates: only(
            stored["runs"], series=name, ahead=ahead, network=network, seed=seed
        )[0]
    }


def truncation(program, stored):
    now, streams = {}, program.streams

    def cut(series, ahead):
        now["ahead"] = ahead
        return streams(series, ahead)

    def error(k, seed, x, y, scale):
        ahead, part = now["ahead"], "train" if x.shape[1] == program.STREAMS else "validation"
        np.testing.assert_array_equal(x[ahead:], y[:-ahead])
        return stored["results"][str(ahead)][part][program.K.index(k)][seed]

    return {"streams": cut, "train": lambda x, y, k, seed: (k, seed), "error": error}


def truncation_networks(program, stored):
    def found(part, **which):
        return [run for run in stored[part] if which.items() <= run.items()]

    def reach(kind, k, seed, *months):
        biases = found("bias", layer=kind, seed=seed) if k == program.truncation.CHUNK else []
        return found("reach", layer=kind, k=k, seed=seed) + biases

    return {
        "reach": reach,
        "state": lambda order, k, seed, *months: found("state", order=order, k=k, seed=seed)[0],
        "echo": lambda kind, k, delay, seed: found("echo", layer=kind, k=k, delay=delay, seed=seed)[0]["right"],
    }


def conversion(program, stored):
    def run(seed):
        (found,) = [run for run in stored["runs"] if run["seed"] == seed]
        return {key: value for key, value in found.items() if key != "seed"}

    return {"run": run}


def two_processes(program, stored):
    def run(command, check, env):
        two = "torch.distributed.run" in command and command[command.index("--nproc-per-node") + 1] == "2"
        assert check and env["OMP_NUM_THREADS"] == "1" and command[-2] == program.__file__
        Path(command[-1]).write_text(json.dumps(stored["losses"]["two processes" if two else "one process"]))

    return {"subprocess": SimpleNamespace(run=run)}


def variable_length(program, stored):
    name_of = {tuple(network): name for name, network in program.NETWORKS.items()}

    def train(vowels, network, seed, T=29, tail=0.0):
        model = program.Classifier(*network)
        model.which = name_of[tuple(network)], seed, T, tail
        return model, stored["results"][model.which[0]]["valid"][seed] + 1e-6, "scale"

    def test(model, vowels, scale, T=29, reading=None, tail=0.0):
        name, seed, trained_to, trained_tail = model.which
        assert scale == "scale" and trained_tail == tail
        if tail:
            assert (T, trained_to, reading) == (100, 100, None)
            return stored["followed by noise"][name][seed]
        if reading == "padding":
            return stored["read with padding"][name][str(T)][seed]
        assert T == trained_to == 29
        if reading:
            return stored["one network read in four ways"][name][reading][seed]
        return stored["results"][name]["test"][seed]

    return {"train": train, "test": test}


def variable_length_starts(program, stored):
    def train(vowels, network, seed, T, tail, start, epochs):
        runs = program.RUNS.items()
        (name,) = [k for k, (of, at, n) in runs if (program.NETWORKS[of], at, n) == (network, start, epochs)]
        return (name, seed), None, "scale"

    def test(model, vowels, scale, T, tail):
        assert (scale, T, tail) == ("scale", 100, 0.5)
        name, seed = model
        return stored["followed by noise"][name][seed]

    return {"train": train, "test": test}


def variable_length_pairs(program, stored):
    answers = {name: of_each_seed(part) for name, part in stored["results"].items()}

    def train(vowels, network, seed, start):
        (name,) = [name for name, run in program.RUNS.items() if run == (network, start)]
        size = stored["parameters"][name]
        return (
            SimpleNamespace(name=name, seed=seed, parameters=lambda: [SimpleNamespace(numel=lambda: size)]),
            None,
            "scale",
        )

    def right(model, vowels, scale):
        return answers[model.name][model.seed]

    def test(model, vowels, scale, T, reading, side):
        assert reading == "padding"
        return stored["read with padding"][model.name][side][str(T)][model.seed]

    return {"train": train, "right": right, "test": test}


def of_each_seed(part):
    """Answers (seeds, 370) that add up to the recorded digits of the utterances and to the shares of the seeds."""
    count, seeds = np.array([*part["right"]], int), np.zeros((len(part["test"]), 370), bool)
    left = np.round(370 * np.array(part["test"])).astype(int)
    for utterance in np.argsort(-count, kind="stable"):
        first = np.argsort(-left, kind="stable")[: count[utterance]]
        seeds[first, utterance] = True
        left[first] -= 1
    assert not left.any()
    return seeds


def variable_length_warping(program, stored):
    def nearest(queries, others, labels, leave_out=False):
        scaled = "standardised frames" if abs(np.concatenate(others).mean()) < 1e-6 else "frames as they are"
        part = stored["results"][scaled]
        if leave_out:
            return np.where(np.arange(270) < round(270 * part["valid"]), labels, -1)
        test_labels = program.data.japanese_vowels().test_labels
        return np.where([answer == "1" for answer in part["right"]], test_labels, -1)

    return {"nearest": nearest}


def why_recurrence(program, stored):
    def fit(name, starts, seed, lr):
        trained = "row 0" if list(starts) == [0] else "anywhere"
        (run,) = [r for r in stored["runs"] if (r["network"], r["trained"], r["seed"]) == (name, trained, seed)]
        return (run["validation"] if lr == run["lr"] else run["validation"] - 0.01), run["right"]

    return {"fit": fit}


def pronunciation(program, stored):
    def run(kind, seed, parts, sounds, folder, settings=program.SETTINGS):
        runs = stored["networks"] + stored["twice as long"]
        (found,) = [r for r in runs if (r["kind"], r["seed"], r["epochs"]) == (kind, seed, settings["epochs"])]
        return None, found

    words = ["a" * int(letters, 36) for letters in stored["letters"]]
    return {"split": lambda: ({"test": (words, [])}, []), "counting": lambda parts: stored["counting"], "run": run}


def pronunciation_search(program, stored):
    def searched(model, words, said, sounds):
        return stored[f"search, {model}"]

    return {
        "ladder": SimpleNamespace(
            SEEDS=stored["seeds"],
            split=lambda: ({"test": ([], [])}, []),
            run=lambda kind, *_: (kind, None),
            kept=lambda folder, name, make: make(),
        ),
        "ctc_searched": lambda folder, parts, sounds: stored["prefix beam"],
        "alignments": lambda models, words, parts, sounds: stored["alignments"],
        "tree_of": lambda model, words, sounds: stored["trees"],
        "searched": searched,
        "fully_searched": lambda folder, parts, sounds: stored["exact"],
    }


RECORDS = [
    ablations,
    ablations_more,
    adding_lstm,
    applications_dna,
    applications_health,
    applications_speech,
    connectivity,
    control,
    conversion,
    feedback_networks,
    hopfield_capacity,
    identification,
    language_model,
    gradient_reach,
    limits,
    memory,
    memory_more,
    museum,
    names,
    names_gates,
    parallel,
    parallel_longer,
    pronunciation,
    pronunciation_search,
    rnn,
    seq2seq,
    state_space,
    text_model,
    text_model_ppmd,
    text_model_seeds,
    text_model_training,
    time_series,
    time_series_contests,
    time_series_densities,
    time_series_smoothing,
    truncation,
    truncation_networks,
    two_processes,
    variable_length,
    variable_length_pairs,
    variable_length_starts,
    variable_length_warping,
    why_recurrence,
]


@pytest.mark.parametrize("pieces", RECORDS, ids=[pieces.__name__ for pieces in RECORDS])
def test_the_program_writes_its_record(pieces, rewrite):
    found, stored = rewrite(pieces.__name__, pieces)
    stored.setdefault("settings", found["settings"])  # the two of before the harness that had none
    if pieces is not language_model:
        for either in (found, stored):
            either.pop("cpu_seconds", None)  # a time, not a result
    assert results(found) == results(stored)
    assert found.keys() >= ABOUT and found["command"].endswith(f"python book/experiments/{pieces.__name__}.py")
    assert found["seeds"] == stored.get("seeds", found["seeds"])


def test_the_units_are_chosen_on_one_part_and_judged_on_the_next(rewrite):
    """The record needs a trained network, and minutes; here one that was only drawn, on a small text."""
    letters = "In the Beginning [was]\nthe word, and; "
    text = "".join(letters[k] for k in np.random.default_rng(0).integers(len(letters), size=40_000))
    held = {}

    def pieces(program, stored):
        import torch

        torch.manual_seed(0)
        model = program.experiment.CharacterModel("GRU", 20, len(set(text)))
        vocabulary = sorted(set(text))
        tokens = torch.tensor([vocabulary.index(letter) for letter in text])
        for part, rows in (("valid", slice(36_000, 38_000)), ("test", slice(38_000, 40_000))):
            hs = model.layer(model.embedding(tokens[rows][:, None]))[0][:, 0].detach().numpy()
            held[part] = hs.astype(float), program.features(text[rows]), tokens[rows].numpy()
        stand_ins = SimpleNamespace(**vars(program.experiment))
        stand_ins.train = lambda cell, seed, epochs, keep: (stored["run"], model)
        return {"experiment": stand_ins, "data": SimpleNamespace(bible_text=lambda: text,
                                                                 split_by_time=program.data.split_by_time)}  # fmt: skip

    found, stored = rewrite("language_model_units", pieces)
    assert [found[key] for key in ("data", "run")] == [stored[key] for key in ("data", "run")]
    assert results(found).keys() - {"settings"} == results(stored).keys() and found.keys() >= ABOUT
    assert found["units"].keys() == stored["units"].keys()
    for name, unit in found["units"].items():
        (hs, features, tokens), (hs_test, features_test, tokens_test) = held["valid"], held["test"]
        (value, where), (value_test, where_test) = features[name], features_test[name]
        value, hs, tokens = value[where].astype(float), hs[where], tokens[where]
        value_test, hs_test, tokens_test = (
            value_test[where_test].astype(float),
            hs_test[where_test],
            tokens_test[where_test],
        )
        by_unit = [np.corrcoef(h, value)[0, 1] for h in hs.T]
        assert unit["unit"] == np.argmax(np.abs(by_unit)) and unit["valid"] == pytest.approx(
            by_unit[unit["unit"]], abs=6e-5
        )
        assert unit["test"] == pytest.approx(np.corrcoef(hs_test[:, unit["unit"]], value_test)[0, 1], abs=6e-5)
        fitted = np.linalg.lstsq(np.c_[hs, np.ones(len(hs))], value, rcond=None)[0]
        assert unit["all_units_test"] == pytest.approx(np.corrcoef(hs_test @ fitted[:-1], value_test)[0, 1], abs=6e-5)
        means = {k: value[tokens == k].mean() if (tokens == k).any() else 0 for k in set(tokens_test)}
        alone = np.corrcoef([means[k] for k in tokens_test], value_test)[0, 1]
        assert unit["character_alone_test"] == pytest.approx(alone, abs=6e-5)
    test = text[38_000:]
    excerpt = found["excerpt"]["text"]
    assert excerpt in test and len(excerpt) == len(stored["excerpt"]["text"])
    assert excerpt.count("[") == max(test[k : k + 256].count("[") for k in range(len(test) - 255))
    for name, values in found["excerpt"]["values"].items():
        h = held["test"][0][test.index(excerpt) :][:256, found["units"][name]["unit"]]
        np.testing.assert_allclose(values, h, atol=5.1e-4)

"""The long runs: what is stored beside them comes out again where a part is cheap, and their pieces do what they say.

Nothing else runs these programs; the chapters read their records. Short runs in float64 and few updates differ from
processor to processor in the last digits alone: they are held to the record's digits. What trains longer in float32 is
held to a margin of a few times what other kernels of NumPy and PyTorch change.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from searches import LIBRARY

from rnnbook import data, in_numpy
from rnnbook.in_numpy.functions import mean_squared_error

# all together
pytestmark = [pytest.mark.slow, pytest.mark.search("experiments computed again", "book/experiments/*", *LIBRARY)]
ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "book/experiments"
RECORDS = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.fixture
def experiment(monkeypatch):
    """Import an experiment by its name, anew, so that a test may change its settings."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        for stale in RECORDS:
            monkeypatch.delitem(sys.modules, stale, raising=False)
        return importlib.import_module(name)

    yield load
    for name in RECORDS:
        sys.modules.pop(name, None)


def record(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def one(runs, **which):
    (found,) = [run for run in runs if which.items() <= run.items()]
    return found


SETTINGS = {  # what the record says, and the same in the program
    "ablations": lambda e: {"settings": {"speech": e.SPEECH, "adding": e.ADDING}, "seeds": e.SEEDS},
    "ablations_more": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "applications_dna": lambda e: {
        "settings": e.SETTINGS | {"regions": e.REGIONS, "copies": e.COPIES, "block": e.BLOCK, "orders": e.ORDERS,
                                  "powers": e.POWERS, "networks": e.NETWORKS}, "seeds": e.SEEDS},
    "applications_health": lambda e: {"settings": e.SETTINGS, "tenths": e.TENTHS, "seeds": e.SEEDS},
    "applications_speech": lambda e: {"settings": e.SETTINGS | {"choices": e.CHOICES}, "seeds": e.SEEDS},
    "adding_lstm": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "connectivity": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS, "data": e.source()},
    "control": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "conversion": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "identification": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "feedback_networks": lambda e: {
        "settings": e.SETTINGS, "seeds": e.SEEDS, "parameters": {name: e.parameters(name) for name in e.NETWORKS}},
    "hopfield_capacity": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "language_model": lambda e: {"settings": e.SETTINGS, "data": e.source()},
    "language_model_units": lambda e: {"data": e.experiment.source()},
    "gradient_reach": lambda e: {"settings": e.SETTINGS},
    "limits": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "memory": lambda e: {"settings": e.SETTINGS, "counting_settings": e.COUNTING, "seeds": e.SEEDS},
    "memory_more": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "museum": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "names": lambda e: {
        "settings": e.SETTINGS | {"units": {budget: {name: e.units(name, budget) for name in e.LAYERS}
                                            for budget in e.SEEDS}},
        "seeds": sorted(set().union(*e.SEEDS.values()))},
    "names_gates": lambda e: {"settings": e.SETTINGS | {"names": {k: len(rows) for k, rows in e.groups().items()}},
                              "seeds": e.SEEDS},
    "seq2seq": lambda e: {
        "settings": e.SETTINGS
        | {"networks": {name: list(kind) for name, kind in e.NETWORKS.items()},
           "choosing": e.CHOOSING | {"rates": e.RATES}, "test": e.TEST,
           "seeds of the questions aside": e.SEEDS_ASIDE, "shift": e.SHIFT},
        "seeds": e.SEEDS,
        "parameters": {name: sum(p.numel() for p in e.network(name).parameters()) for name in e.NETWORKS},
    },  # fmt: skip
    "parallel": lambda e: {
        "settings": {"tracking": e.TRACKING, "written": e.WRITTEN, "adding": e.ADDING, "names": e.NAMES,
                     "places": e.PLACES}, "seeds": e.SEEDS},
    "parallel_longer": lambda e: {
        "settings": e.SETTINGS
        | {"units": {kind: e.units(kind) for kind in e.NETWORKS},
           "parameters": {kind: e.count(e.network(kind, e.units(kind))) for kind in e.NETWORKS},
           "parity": e.TRACKING | e.TWICE},
        "seeds": e.SEEDS},
    "pronunciation": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "pronunciation_search": lambda e: {"settings": e.SETTINGS},
    "rnn": lambda e: {"settings": e.SETTINGS, "alphabet": e.ALPHABET},
    "state_space": lambda e: {
        "settings": {"recall": e.RECALL, "tracking": e.TRACKING, "parameters": e.PARAMETERS, "heads": e.HEADS,
                     "open": e.OPEN, "more_seeds": e.MORE_SEEDS, "longer": e.LONGER,
                     "rounds": e.ROUNDS},
        "seeds": e.SEEDS},
    "text_model": lambda e: {"settings": e.SETTINGS, "data": e.source()},
    "text_model_ppmd": lambda e: {"settings": e.SETTINGS},
    "text_model_seeds": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS, "data": e.source()},
    "text_model_training": lambda e: {"settings": e.SETTINGS, "data": e.source()},
    "time_series": lambda e: {"settings": e.SETTINGS},
    "time_series_contests": lambda e: {"settings": e.SETTINGS, "seeds": e.SETTINGS["seeds"]},
    "time_series_densities": lambda e: {"settings": e.SETTINGS, "seeds": e.SETTINGS["seeds"]},
    "time_series_smoothing": lambda e: {"settings": e.SETTINGS, "seeds": e.SETTINGS["seeds"]},
    "truncation": lambda e: {"settings": e.SETTINGS, "k": e.K},
    "truncation_networks": lambda e: {"settings": e.SETTINGS | {"echo": e.ECHO}, "seeds": e.SEEDS},
    "two_processes": lambda e: {},
    "variable_length": lambda e: {
        "settings": e.SETTINGS | {"followed by noise": e.FOLLOWED}, "networks": e.NETWORKS, "seeds": e.SEEDS},
    "variable_length_pairs": lambda e: {"settings": e.SETTINGS, "seeds": e.SEEDS},
    "variable_length_starts": lambda e: {
        "settings": e.SETTINGS | {"followed by noise": e.FOLLOWED}, "seeds": e.SEEDS,
        "runs": {name: [network, epochs] for name, (network, _, epochs) in e.RUNS.items()}},
    "variable_length_warping": lambda e: {},
    "why_recurrence": lambda e: {
        "settings": e.SETTINGS,
        "parameters": {name: sum(p.numel() for p in parts[0]().parameters()) for name, parts in e.NETWORKS.items()}},
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDS)
def test_the_record_was_made_with_the_settings_of_the_program(name, experiment):
    program = json.loads(json.dumps(SETTINGS[name](experiment(name))))
    assert program == {key: record(name)[key] for key in program}


# ---- A part of each record, made again ---------------------------------------------------------------------------


def test_the_gradients_reach_before_training_is_the_recorded_one(experiment):
    program = experiment("gradient_reach")
    _, _, held_out, _ = program.split()
    x = program.recall(held_out, program.T, np.random.default_rng(100))[:, :16]
    for cell in program.CELLS:
        layer, head, _ = program.build(cell, 1)
        norms = program.reach(layer, x, head.params["weight"][0])
        expected = one(record("gradient_reach")["runs"], cell=cell, seed=1, T=program.T)["start"]
        np.testing.assert_allclose(norms[program.SETTINGS["lags"]], expected, rtol=2e-3, err_msg=cell)


def test_the_lstm_that_remembers_reads_as_many_digits_as_recorded(experiment):
    found = experiment("gradient_reach").run("LSTM, bias 5", 0, 25)
    expected = one(record("gradient_reach")["runs"], cell="LSTM, bias 5", seed=0, T=25)
    assert found.keys() == expected.keys()
    assert found["accuracy"] == pytest.approx(expected["accuracy"], abs=0.04) and expected["accuracy"] > 0.9


def test_the_errors_of_one_network_and_of_its_rivals_are_the_recorded_ones(experiment, monkeypatch):
    """The first seed of each, and every rival without units, which no seed moves."""
    program = experiment("limits")
    monkeypatch.setattr(program, "SEEDS", [0])
    monkeypatch.setitem(program.SETTINGS, "months", [1, 24, 48])
    history, gap = program.history(), record("limits")["gap"]
    for T in ("1", "48"):
        assert history["network"][T][0] == pytest.approx(record("limits")["history"]["network"][T][0], abs=0.1)
        assert history["linear"][T] == pytest.approx(record("limits")["history"]["linear"][T], abs=0.01)
    found = program.gap()
    for name, value in gap.items():
        if isinstance(value, list):
            assert found[name][0] == pytest.approx(value[0], abs=0.3), name
        else:
            assert found[name] == pytest.approx(value, abs=0.01), name


def test_a_layer_as_it_comes_and_the_stored_one_are_measured_as_recorded(experiment):
    rnn, stored = experiment("rnn"), record("rnn")
    codes, rng = rnn.text(), np.random.default_rng(100)
    test = rnn.draw(codes[int(0.9 * len(codes)) :], rng, 200, 64)[:-1]
    other = (test[16] + rng.integers(1, 27, 200)) % 27
    run = one(stored["runs"], H=8, seed=0)
    torch.manual_seed(0)
    layer = torch.nn.RNN(27, 8)
    for when, weights in [("start", layer.state_dict()), ("trained", stored["weights"])]:
        layer.load_state_dict({name: torch.as_tensor(value) for name, value in weights.items()})
        found, expected = rnn.measure(layer, test, other), run[when]
        np.testing.assert_allclose(found.pop("felt")[:30], expected["felt"][:30], rtol=0.01)
        assert {name: found[name] for name in found} == pytest.approx({n: expected[n] for n in found}, abs=1e-3)
    vowels = sum(rnn.ALPHABET[code] in "aeiou" for code in test.ravel())
    assert stored["no vowel"] == pytest.approx(1 - vowels / test.size, abs=5e-5)


def test_who_reads_the_same_windows_or_keeps_a_zero_state_does_not_mind_the_start(experiment):
    """Whatever the weights; and who is told reads nothing after the digit."""
    why = experiment("why_recurrence")
    rng = np.random.default_rng(0)
    ink = rng.random((3, 8, 8))
    torch.manual_seed(0)
    for name, (make, told, _, _) in why.NETWORKS.items():
        network = make().double()
        xs = [why.start_at(row, ink, told).double() for row in why.STARTS]
        assert [len(x) for x in xs] == [row + 8 if told else 12 for row in why.STARTS]
        for row, x in enumerate(xs):
            np.testing.assert_array_equal(x[row : row + 8].numpy(), ink.swapaxes(0, 1).astype(np.float32))
            assert x.sum() == x[row : row + 8].sum()
        with torch.no_grad():
            scores = torch.stack([network(x) for x in xs])
        indifferent = name in ("sliding", "dense, told", "RNN without biases, told")
        assert torch.allclose(scores, scores[:1].expand_as(scores), rtol=0, atol=1e-12) == indifferent, name


def test_truncated_gradients_give_the_recorded_errors(experiment):
    """Of two runs that do not magnify the last digit: on kernels of SSE and AVX2 they differ by less than 2e-7."""
    truncation = experiment("truncation")
    past, later, _ = data.split_by_time(data.sunspots_monthly().value, (0.6, 0.2, 0.2))
    scale = data.standardise(past)
    for ahead, k, seed in [(1, 22, 0), (1, 66, 0)]:
        x, y = truncation.streams(scale(past), ahead)
        np.testing.assert_array_equal(x[ahead:], y[:-ahead])
        z, expected = scale(later)[:, None, None], record("truncation")["results"][str(ahead)]
        nets = truncation.train(x, y, k, seed)
        found = [truncation.error(*nets, x, y, scale), truncation.error(*nets, z[:-ahead], z[ahead:], scale)]
        row = truncation.K.index(k)
        np.testing.assert_allclose(found, [expected[p][row][seed] for p in ("train", "validation")], rtol=1e-5)


def test_gradients_are_cut_before_training_as_recorded(experiment):
    program = experiment("truncation_networks")
    past, _, _ = data.split_by_time(data.sunspots_monthly().value, (0.6, 0.2, 0.2))
    x, y = program.truncation.streams(data.standardise(past)(past), 12)
    for kind in program.LAYERS:
        nets = program.build(kind, program.SETTINGS["units"], np.random.default_rng(1))
        expected = one(record("truncation_networks")["bias"], layer=kind, stage="before", seed=1)["bias"]
        for k, found in zip(program.truncation.K, expected, strict=True):
            np.testing.assert_allclose(program.bias(*nets, x, y, k), found, rtol=0, atol=2e-5)


def test_the_echo_of_five_steps_is_learned_as_recorded(experiment):
    program = experiment("truncation_networks")
    expected = one(record("truncation_networks")["echo"], layer="RNN", k=40, delay=5, seed=2)["right"]
    assert program.echo("RNN", 40, 5, 2) == pytest.approx(expected, abs=2e-3) and len(expected) == 1


def test_a_detached_state_cuts_the_gradient_as_torch_does(experiment):
    program = experiment("truncation_networks")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3, 1)), rng.normal(size=(7, 3, 1))
    for kind, starts, reset in [("GRU", None, False), ("LSTM", [4, 0, 2, 6], False), ("RNN", None, True)]:
        layer, head = program.build(kind, 5, rng)
        found, _ = program.gradients(layer, head, x, y, 2, starts=starts, reset=reset)
        net, out = getattr(torch.nn, kind)(1, 5).double(), torch.nn.Linear(5, 1).double()
        for ours, theirs in [(layer.state_dict(), net), (head.state_dict(), out)]:
            theirs.load_state_dict({name: torch.tensor(value) for name, value in ours.items()})
        state = None
        for t in [0, 2, 4, 6] if starts is None else starts:
            hs, state = net(torch.tensor(x[t : t + 2]), state)
            ((out(hs) - torch.tensor(y[t : t + 2])).square().sum() / y.size).backward()
            state = tuple(part.detach() for part in state) if kind == "LSTM" else state.detach()
            state = None if reset else state
        for name in layer.params:
            expected = getattr(net, name + "_l0").grad
            np.testing.assert_allclose(found[f"layer.{name}"], expected, rtol=0, atol=1e-12, err_msg=kind)
        np.testing.assert_allclose(found["head.weight"], out.weight.grad, rtol=0, atol=1e-12)


def test_windows_are_read_one_by_one_from_zeros(experiment):
    program = experiment("truncation_networks")
    rng, scale = np.random.default_rng(0), data.standardise(np.array([0.0, 2.0, 5.0]))
    nets = program.build("RNN", 4, rng)
    x, y = rng.normal(size=(30, 1, 1)), rng.normal(size=(30, 1, 1))
    errors = []
    for t in range(program.SETTINGS["warm_up"], 30):
        said, _ = nets[1].forward(nets[0].forward(x[t - 4 : t + 1])[0][-1])
        errors.append(said[0, 0] - y[t, 0, 0])
    assert program.in_windows(*nets, x, y, scale, 5) == pytest.approx(
        np.std([0, 2, 5]) * np.sqrt(np.mean(np.square(errors)))
    )


def test_the_counting_rivals_and_a_short_hopfield_draw_are_the_recorded_ones(experiment):
    program, stored = experiment("feedback_networks"), record("feedback_networks")
    for name, rival in (("n-gram", program.counted_xor), ("table by place", program.placed_xor)):
        assert one(stored["xor"], model=name, seed=3)["found"] == [pytest.approx(rival(3), abs=2e-4)]
    assert one(stored["letters"], model="n-gram", seed=3)["found"] == [
        pytest.approx(program.counted_letters(3), abs=2e-4)
    ]
    hopfield, kept = experiment("hopfield_capacity"), record("hopfield_capacity")
    loads = hopfield.SETTINGS["capacity"]["loads"]
    assert [hopfield.overlap(100, load, 2) for load in loads] == one(kept["capacity"], N=100, seed=2)["overlaps"]
    found = one(kept["exact"], N=1000, divisor=2, seed=2)
    assert hopfield.exact(1000, 2, 2) == (found["M"], found["kept"])


def test_the_overlaps_of_patterns_give_the_same_first_update_as_the_weights(experiment):
    program = experiment("hopfield_capacity")
    N, divisor, seed = 60, 1, 5  # so many that most are lost
    M, kept = program.exact(N, divisor, seed)
    xi = np.random.default_rng([N, divisor, seed]).choice([-1.0, 1.0], size=(M, N))
    after = in_numpy.hopfield.synchronous_step(in_numpy.hopfield.hebbian(xi), xi)
    assert kept == round(float(np.mean(np.all(after == xi, axis=1))), 4) and 0 < kept < 1


def test_jordans_gradients_are_finite_differences_of_the_loss(experiment):
    program = experiment("feedback_networks")
    layer, head, params = program.build("Jordan", 3)
    rng = np.random.default_rng(0)
    x, wanted = rng.normal(size=(5, 3, 1)), rng.normal(size=(5, 3, 1))

    def loss():
        program.wear(layer, head, params["W_yh"])
        return in_numpy.functions.mean_squared_error(head.forward(layer.forward(x)[0])[0], wanted)

    loss()
    hs, _, trace = layer.forward(x)
    y, head_trace = head.forward(hs)
    dhs, dhead = head.backward(in_numpy.functions.mean_squared_error(y, wanted)[1], head_trace)
    grads = program.jordan_gradients(program.through_time(layer, trace, dhs), dhead, params["W_yh"], head)
    assert grads.keys() == params.keys()
    for name, values in params.items():
        for at in range(values.size):
            slopes = []
            for shift in (1e-6, -1e-6):
                values.flat[at] += shift
                slopes.append(loss()[0])
                values.flat[at] -= shift
            assert grads[name].flat[at] == pytest.approx((slopes[0] - slopes[1]) / 2e-6, abs=1e-8), name


def test_a_copied_context_sends_nothing_to_the_step_before(experiment):
    program = experiment("feedback_networks")
    layer, _, _ = program.build("Elman, context copied", 1)
    rng = np.random.default_rng(1)
    x, dhs = rng.normal(size=(4, 2, 1)), rng.normal(size=(4, 2, 8))
    hs, _, trace = layer.forward(x)
    found = program.context_copied(layer, trace, dhs)
    for name in found:  # the sum over steps, each a sequence of one step from the state before
        steps = [layer.forward(x[t : t + 1], hs[t - 1] if t else None)[2] for t in range(4)]
        alone = sum(layer.backward(dhs[t : t + 1], step)[2][name] for t, step in enumerate(steps))
        np.testing.assert_allclose(found[name], alone, rtol=0, atol=1e-12)
    assert not np.allclose(found["weight_hh"], program.through_time(layer, trace, dhs)["weight_hh"], atol=1e-3)


def test_a_trace_tells_both_as_of_abac_apart_and_the_last_letter_does_not(experiment):
    program = experiment("feedback_networks")
    outputs = np.eye(3)[np.array([[0, 1, 0, 2]]).T]
    for decay, apart in ((0.0, False), (0.5, True)):
        rows = program.jordan_inputs(np.eye(1), np.concatenate([outputs, outputs]), decay)
        assert (np.abs(rows[5] - rows[7]).max() > 0.1) == apart  # before B and before C, the second time
    np.testing.assert_allclose(rows[3, 0], [1, 1.25, 0.5, 0])


def test_a_bug_of_the_museum_is_one_and_the_correct_pass_is_the_layers(experiment):
    museum = experiment("museum")
    rng = np.random.default_rng(0)
    layer = in_numpy.RNN(2, 7, dtype=np.float64, rng=rng)
    x, h_0, dhs = (rng.normal(size=size) for size in ((5, 3, 2), (3, 7), (5, 3, 7)))
    trace = layer.forward(x, h_0)[2]
    grads = layer.backward(dhs, trace)[2]
    expected = [grads[name] for name in ("weight_ih", "weight_hh", "bias_ih")]
    for bug in museum.BUGS:
        found = museum.planted(bug)(dhs, x, trace.hs, layer.params["weight_ih"], layer.params["weight_hh"])
        same = [np.allclose(f, e, rtol=0, atol=1e-12) for f, e in zip(found, expected, strict=True)]
        assert all(same) == (bug == "correct"), bug


def test_the_museums_correct_pass_learns_to_recall_as_recorded(experiment, monkeypatch):
    museum = experiment("museum")
    monkeypatch.setitem(museum.SETTINGS, "updates", [200])
    for bug in ("correct", "nothing comes back"):
        expected = one(record("museum")["runs"], task="recall", bug=bug, seed=1)["error"][0]
        assert museum.train(bug, museum.Task("recall"), 1) == [pytest.approx(expected, abs=5e-3)]


def test_one_process_gives_the_recorded_losses(experiment, tmp_path):
    experiment("two_processes").run(tmp_path / "losses.json")
    losses = json.loads((tmp_path / "losses.json").read_text())
    for recorded in record("two_processes")["losses"].values():
        np.testing.assert_allclose(losses, recorded, rtol=1e-9)


def test_weights_carried_over_wrongly_compute_what_the_mistake_says(experiment):
    """Each mistake against torch.nn or the equations of the GRU in NumPy, on weights that are not trained."""
    conversion = experiment("conversion")
    torch.manual_seed(0)
    gru, x = torch.nn.GRU(8, 5).double(), torch.randn(4, 3, 8, dtype=torch.float64)
    layers = {name: layer.double() for name, layer in conversion.carried(gru).items()}
    theirs = {name: w.detach().numpy() for name, w in gru.state_dict().items()}
    for layer in layers.values():
        assert not torch.equal(layer.weight_ih_l0, torch.zeros_like(layer.weight_ih_l0))

    def outputs(r_first, b_ih, b_hh, before):
        W, U = np.split(theirs["weight_ih_l0"], 3), np.split(theirs["weight_hh_l0"], 3)
        b, c = np.split(b_ih, 3), np.split(b_hh, 3)
        first, second = (0, 1) if r_first else (1, 0)
        h, hs = np.zeros((3, 5)), []
        for x_t in x.numpy():
            gates = [1 / (1 + np.exp(-(x_t @ W[k].T + b[k] + h @ U[k].T + c[k]))) for k in (first, second)]
            r, z = gates
            inner = (r * h) @ U[2].T + c[2] if before else r * (h @ U[2].T + c[2])
            h = (1 - z) * np.tanh(x_t @ W[2].T + b[2] + inner) + z * h
            hs.append(h)
        return np.stack(hs)

    b_ih, b_hh = theirs["bias_ih_l0"], theirs["bias_hh_l0"]
    expected = {
        "as it should be": outputs(True, b_ih, b_hh, False),
        "r and z swapped": outputs(False, b_ih, b_hh, False),
        "reset before the product": outputs(True, b_ih, b_hh, True),
        "the biases added up": outputs(True, b_ih + b_hh, 0 * b_hh, False),
    }
    assert layers.keys() == expected.keys()
    for name, layer in layers.items():
        np.testing.assert_allclose(layer(x)[0].detach().numpy(), expected[name], rtol=0, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(gru(x)[0].detach().numpy(), expected["as it should be"], rtol=0, atol=1e-12)


def test_a_short_training_reads_some_digits_and_keeps_the_test_part_out(experiment, monkeypatch):
    conversion = experiment("conversion")
    monkeypatch.setitem(conversion.SETTINGS, "updates", 60)
    rows, labels = conversion.digits()
    spoiled = labels.clone()
    spoiled[conversion.SETTINGS["train"] :] = 0  # what the training must not see
    gru, dense = conversion.trained(0, rows, spoiled)
    assert conversion.SETTINGS["train"] + conversion.SETTINGS["test"] == len(labels)
    assert conversion.share_read(gru, dense, rows, labels) > 0.4
    assert conversion.share_read(gru, dense, rows, (labels + 1) % 10) < 0.3


@pytest.mark.parametrize("series, kind", [("sunspots", "mixture"), ("sea temperature", "constant")])
def test_a_density_forecast_scores_as_recorded(series, kind, experiment):
    time_series = experiment("time_series")
    found = time_series.rounded(time_series.sure(series, kind, 0))
    expected = one(record("time_series")["sure"], series=series, kind=kind, seed=0)
    assert list(found) == list(expected)
    for key, value in expected.items():
        if isinstance(value, dict):
            assert found[key] == pytest.approx(value, abs=0.01), key
        else:
            assert found[key] == (value if isinstance(value, str) else pytest.approx(value, rel=0.01, abs=2)), key


@pytest.mark.parametrize("series, form", [("sunspots", "leak"), ("carbon dioxide", "change")])
def test_a_point_forecast_errs_as_recorded(series, form, experiment):
    time_series = experiment("time_series")
    found = time_series.rounded(time_series.point(series, form, 0))
    expected = one(record("time_series")["point"], series=series, form=form, seed=0)
    assert list(found) == list(expected)
    for key in expected.keys() - {"series", "form", "seed"}:
        np.testing.assert_allclose(found[key], expected[key], rtol=5e-3, err_msg=key)


@pytest.mark.slow
def test_a_network_errs_in_a_contest_as_recorded(experiment):
    contests = experiment("time_series_contests")
    (found,) = map(contests.rounded, contests.point("carbon dioxide", "RNN", 0))
    expected = one(record("time_series_contests")["point"], series="carbon dioxide", layer="RNN", seed=0)
    assert list(found) == list(expected)
    for key in ("validation", "test", "blocks 1", "blocks 12"):
        np.testing.assert_allclose(found[key], expected[key], rtol=5e-3, err_msg=key)


@pytest.mark.slow
def test_the_density_of_a_network_scores_as_recorded(experiment):
    densities = experiment("time_series_densities")
    found = densities.rounded(densities.sure("sunspots", "level", "constant", 0))
    expected = one(record("time_series_densities")["sure"], form="level", kind="constant", seed=0)
    assert list(found) == list(expected)
    for key, value in expected.items():
        if isinstance(value, dict):
            assert found[key] == pytest.approx(value, abs=0.01), key
        else:
            assert found[key] == (value if isinstance(value, str) else pytest.approx(value, rel=0.01, abs=2)), key


@pytest.mark.slow
def test_smoothing_with_a_network_errs_as_recorded(experiment):
    smoothing = experiment("time_series_smoothing")
    found = smoothing.rounded(smoothing.run("carbon dioxide", 12, True, 0))
    expected = one(record("time_series_smoothing")["runs"], series="carbon dioxide", ahead=12, network=True, seed=0)
    assert list(found) == list(expected)
    for key in ("validation", "test", "blocks", "shares"):
        np.testing.assert_allclose(found[key], expected[key], rtol=0.01, err_msg=key)


@pytest.mark.parametrize("task, kind", [("temporal order", "GRU"), ("adding", "LSTM, chrono"), ("copy", "IRNN")])
def test_a_network_has_the_recorded_skill(task, kind, experiment):
    found, expected = experiment("memory").run((task, kind, 10, 0)), record("memory")["skill"][task][kind][0][0]
    assert found == pytest.approx(expected, abs=0.02 if expected > 0.9 else 0.1)


def test_the_lstm_counts_as_far_as_recorded(experiment):
    found, expected = experiment("memory").run_counting(("LSTM", 0)), record("memory")["counted"]["LSTM"][0]
    assert len(found) == len(expected) and found[:10] == expected[:10] == [True] * 10
    assert abs(sum(found) - sum(expected)) <= 3


@pytest.mark.parametrize("task, kind", [("parity", "sign"), ("modulo 3", "RNN")])
def test_states_are_tracked_as_recorded(task, kind, experiment):
    found, expected = experiment("parallel").track(task, kind, 0), record("parallel")["tracking"][task][kind][0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.06)


# ---- The pieces, each against something else ---------------------------------------------------------------------


def test_an_lstm_without_a_part_is_the_equations_without_it(experiment):
    ablations = experiment("ablations")
    torch.manual_seed(0)
    x, σ, tanh = torch.randn(5, 3, 2), torch.sigmoid, torch.tanh
    cells = {
        "full LSTM": lambda i, f, g, o, c: (σ(f) * c + σ(i) * tanh(g), σ(o), tanh),
        "no forget gate, f = 1": lambda i, f, g, o, c: (c + σ(i) * tanh(g), σ(o), tanh),
        "no input gate, i = 1": lambda i, f, g, o, c: (σ(f) * c + tanh(g), σ(o), tanh),
        "no output gate, o = 1": lambda i, f, g, o, c: (σ(f) * c + σ(i) * tanh(g), 1.0, tanh),
        "no tanh on the output": lambda i, f, g, o, c: (σ(f) * c + σ(i) * tanh(g), σ(o), lambda c: c),
        "coupled, i = 1 - f": lambda i, f, g, o, c: (σ(f) * c + (1 - σ(f)) * tanh(g), σ(o), tanh),
    }
    assert cells.keys() == ablations.VARIANTS.keys()
    for name, cell in cells.items():
        layer = ablations.Ablated(2, 7, ablations.VARIANTS[name])
        assert all(0.6 < p.max() * 7**0.5 < 1 and -1 < p.min() * 7**0.5 < -0.6 for p in layer.parameters())
        h, c, hs = torch.zeros(3, 7), torch.zeros(3, 7), []
        for x_t in x:
            gates = (x_t @ layer.from_input.weight.T + layer.from_input.bias) + (
                h @ layer.from_hidden.weight.T + layer.from_hidden.bias
            )
            c, o, squash = cell(*gates.chunk(4, 1), c)
            h = o * squash(c)
            hs.append(h)
        torch.testing.assert_close(layer(x), torch.stack(hs), msg=name)


def test_a_classifier_of_the_ablations_reads_the_state_at_each_end(experiment):
    ablations = experiment("ablations")
    x, lengths = ablations.padded([np.ones((2, 12)), 2 * np.ones((4, 12))])
    assert x.shape == (4, 2, 12) and lengths.tolist() == [2, 4] and not x[2:, 0].any() and (x[:, 1] == 2).all()
    for kind in ["full LSTM", "GRU", "RNN"]:
        model = ablations.Network(kind, 12, 5, 9)
        both = model(x, lengths)
        torch.testing.assert_close(both[:1], model(x[:2, :1], lengths[:1]))
        torch.testing.assert_close(both[1:], model(x[:, 1:], lengths[1:]))


def test_an_update_clips_the_joint_norm(experiment):
    ablations, model = experiment("ablations"), torch.nn.Linear(2, 1)
    before = [p.detach().clone() for p in model.parameters()]
    for p in model.parameters():
        p.grad = torch.full_like(p, 1e6)  # of an update before, to be forgotten
    ablations.update(model, torch.optim.SGD(model.parameters(), 0.5), 100 * model(torch.eye(2)[:1]).sum(), 0.1)
    moved = torch.cat([(p.detach() - b).flatten() for p, b in zip(model.parameters(), before, strict=True)])
    np.testing.assert_allclose(moved, -0.05 * np.array([1, 0, 1]) / np.sqrt(2), rtol=1e-4)  # by x = (1, 0), and bias


def test_the_runs_of_the_ablations_end_in_a_skill_and_two_shares(experiment, monkeypatch):
    ablations = experiment("ablations")
    assert record("ablations")["adding"].keys() == {*ablations.VARIANTS, "GRU", "RNN"}
    monkeypatch.setitem(ablations.ADDING, "updates", 1)
    assert ablations.run(("adding", "RNN", 0)) < 0.5
    monkeypatch.setitem(ablations.SPEECH, "epochs", 8)
    shares = ablations.run(("speech", "GRU", 0))
    assert list(shares) == ["valid", "test"] and all(0.5 < share <= 1 for share in shares.values())


def forms():
    """What each form of the LSTM's equations has: tanh on the output, a relevance gate."""
    return [("standard", True, False), ("no tanh on the output", False, False), ("cheat sheet", False, True)]


@pytest.mark.parametrize("form, squashed, relevance", forms())
def test_a_form_of_the_lstm_computes_its_equations(form, squashed, relevance, experiment):
    """All seeds side by side, against one after the other, sequence by sequence, in plain letters."""
    adding = experiment("adding_lstm")
    assert adding.FORMS[form][:2] == (squashed, relevance) and list(record("adding_lstm")["forms"]) == list(
        adding.FORMS
    )
    starts, H = [adding.start(form, seed) for seed in (3, 5)], adding.FORMS[form][2]
    x, _ = adding.draw([np.random.default_rng(seed) for seed in (3, 5)], 4)
    assert x.shape == (2, adding.SETTINGS["T"], 4, 2)
    with torch.no_grad():
        parameters = [torch.tensor(np.stack(p), dtype=torch.float32) for p in zip(*starts, strict=True)]
        found, *largest = adding.answer(form, x, parameters)
    for k, (W_ih, W_hh, b, w, b_y) in enumerate(starts):
        W, V, b = W_ih.reshape(5, H, 2), W_hh.reshape(5, H, H), b.reshape(5, H)
        h, c, most = np.zeros((4, H)), np.zeros((4, H)), []
        for x_t in x[k].double().numpy():
            i, f, o, r = (1 / (1 + np.exp(-(x_t @ W[j].T + b[j] + h @ V[j].T))) for j in (0, 1, 3, 4))
            c = f * c + i * np.tanh(x_t @ W[2].T + b[2] + (r * h if relevance else h) @ V[2].T)
            h = o * (np.tanh(c) if squashed else c)
            most.append([np.abs(c).max(), np.abs(h).max()])
        np.testing.assert_allclose(found[k], h @ w + b_y, atol=2e-5)
        np.testing.assert_allclose([value[k] for value in largest], np.max(most, axis=0), atol=2e-5)


def test_seeds_side_by_side_train_as_each_would_alone(experiment):
    adding = experiment("adding_lstm")
    adding.SETTINGS["updates"] = [2, 4]
    together, alone = adding.run_form("cheat sheet", [0, 4]), adding.run_form("cheat sheet", [4])
    assert together[1]["errors"] == pytest.approx(alone[0]["errors"], abs=2e-5) and together[0] != together[1]
    assert len(alone[0]["errors"]) == 2


def test_two_forms_begin_with_the_same_weights_and_equal_sizes_mean_equal_parameters(experiment):
    adding = experiment("adding_lstm")
    (A_ih, A_hh, _, a, _), (B_ih, B_hh, _, b, _) = (adding.start(form, 2) for form in ("standard", "cheat sheet"))
    np.testing.assert_array_equal(A_ih, B_ih)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(A_hh, B_hh)
    H, wide = adding.FORMS["cheat sheet"][2], adding.FORMS["standard, 27 units"][2]
    assert 4 * wide * (wide + 4) == pytest.approx(5 * H * (H + 4), rel=0.02)


def test_a_handwritten_digit_is_shown_row_by_row_before_the_noise(experiment):
    limits = experiment("gradient_reach")
    images = np.random.default_rng(0).uniform(size=(40, 8, 8))
    x = limits.recall(images, 30, np.random.default_rng(1))
    assert x.shape == (30, 40, 9)
    for row in range(8):
        np.testing.assert_array_equal(x[row, :, :8], images[:, row])
    assert (x[:8, :, 8] == 1).all() and not x[8:, :, 8].any()
    assert x[8:, :, :8].std() == pytest.approx(0.3, rel=0.03) and abs(x[8:, :, :8].mean()) < 0.01


def test_zeros_and_ones_are_split_without_overlap(experiment):
    images, labels, held_out, held_out_labels = experiment("gradient_reach").split()
    assert (len(images), len(held_out)) == (270, 90)
    together = {image.tobytes() for image in images} | {image.tobytes() for image in held_out}
    digits = data.digits()
    assert together == {image.tobytes() for image in digits.images[digits.labels < 2] / 16}
    labelled = dict(zip((image.tobytes() for image in digits.images / 16), digits.labels, strict=True))
    for image, label in zip([*images, *held_out], [*labels, *held_out_labels], strict=True):
        assert labelled[image.tobytes()] == label


def test_the_reach_is_the_gradients_norm_by_autograd(experiment):
    limits = experiment("gradient_reach")
    for cell in ["RNN, orthogonal", "LSTM, bias 1", "GRU, bias 5"]:
        layer, head, _ = limits.build(cell, 0)
        net = getattr(torch.nn, type(layer).__name__)(limits.D, limits.H, dtype=torch.float64)
        net.load_state_dict({name: torch.tensor(value) for name, value in layer.state_dict().items()})
        x, v = np.random.default_rng(2).normal(size=(4, 3, limits.D)), head.params["weight"][0]
        states, state = [], None
        for x_t in torch.tensor(x):
            _, state = net(x_t[None], state)
            states.append([part.requires_grad_() for part in (state if isinstance(state, tuple) else (state,))])
        for part in (part for parts in states for part in parts):
            part.retain_grad()
        (states[-1][0] @ torch.tensor(v / np.linalg.norm(v))).sum().backward()
        norms = [sum((p.grad.square().sum(-1) if p.grad is not None else 0) for p in parts).sqrt() for parts in states]
        expected = [norm.log().mean().exp().item() for norm in reversed(norms)]
        np.testing.assert_allclose(limits.reach(layer, x, v), expected, rtol=1e-10)


def test_bits_of_bars_are_tracked_by_definition(experiment):
    parallel = experiment("parallel")
    x, right = parallel.last_written(30, 400, torch.Generator().manual_seed(0))
    assert x.shape == (30, 400, 4) and (x.sum(-1) == 1).all()
    tokens = x.argmax(-1)  # write 0, write 1, ignore 0, ignore 1
    for b in range(20):
        last = 0
        for t in range(30):
            last = int(tokens[t, b]) if tokens[t, b] < 2 else last
            assert right[t, b] == last
    assert (tokens < 2).double().mean().item() == pytest.approx(parallel.WRITTEN, abs=0.02)
    assert (tokens % 2).double().mean().item() == pytest.approx(0.5, abs=0.02)
    for m in (2, 3):
        x, right = parallel.modulo(m)(20, 300, torch.Generator().manual_seed(0))
        np.testing.assert_array_equal(right, np.cumsum(x[:, :, 1].numpy(), axis=0) % m)
        assert x[:, :, 1].mean().item() == pytest.approx(0.5, abs=0.03) and (x.sum(-1) == 1).all()


def test_the_networks_of_the_state_spaces_have_as_many_parameters_as_said(experiment):
    program = experiment("state_space")
    parts = ("recall", "heads", "open", "longer", "tracking")
    for run in (run for part in parts for run in record("state_space")[part]):
        if run["layer"].endswith(", 1 head"):
            assert run["parameters"] < program.PARAMETERS / 2 and 400 <= run["state"] <= 480
        else:
            assert run["parameters"] == pytest.approx(program.PARAMETERS, rel=0.06), run["layer"]
    layer, multiple = program.LAYERS["delta rule"]
    size = program.hidden_size(layer, multiple, 64, 24, 64)
    counts = [program.parameters(program.Network(layer, 64, 24, H, 64)) for H in range(4, 200, 4)]
    assert size == 4 * (1 + np.argmin(np.abs(np.array(counts) - program.PARAMETERS)))
    states = {run["layer"]: run["state"] for run in record("state_space")["recall"]}
    heads, K = 4, size // 4
    assert states["delta rule"] == heads * K * K
    keys = states["softmax attention"] / (4 * max(program.RECALL["pairs"]))
    assert keys == 2 * program.hidden_size(program.Attention, 4, 64, 24, 64)  # a key and a value for each of T tokens


def test_softmax_attention_with_linear_biases_is_that_of_torch(experiment):
    program, T = experiment("state_space"), 7
    torch.manual_seed(0)
    layer, x = program.Attention(5, 12), torch.randn(T, 3, 5)
    q, k, v = (part.unflatten(-1, (4, 3)).permute(1, 2, 0, 3) for part in layer.qkv(x).chunk(3, -1))
    bias = torch.full((4, T, T), -torch.inf)
    for head, slope in enumerate([1 / 4, 1 / 16, 1 / 64, 1 / 256]):
        for t in range(T):
            for s in range(t + 1):
                bias[head, t, s] = -slope * (t - s)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    torch.testing.assert_close(layer(x)[0], expected.permute(2, 0, 1, 3).flatten(-2))


def test_a_run_that_has_not_learned_is_trained_once_more(experiment, monkeypatch):
    program, fitted = experiment("state_space"), []
    monkeypatch.setattr(program, "fit", lambda *a: fitted.append(1))
    for said, rounds in [([1.0], 1), ([0.98, 1.0], 2), ([0.5, 0.6, 0.7], 2)]:
        fitted.clear()
        answers = iter([[value, 1.0, 0.0] for value in said])  # the last place is beyond what training asks for
        settings = {"learned": 0.99, "needed": 2}
        found = program.in_rounds(torch.nn.Linear(1, 1), settings, None, lambda answers=answers: next(answers))
        assert len(found) == len(fitted) == rounds


def test_a_bit_is_set_as_recorded(experiment):
    program = experiment("state_space")
    found = program.track("linear attention", *program.LAYERS["linear attention"], "last written", 0)
    expected = one(record("state_space")["tracking"], layer="linear attention", task="last written", seed=0)
    assert len(found["right"]) == len(expected["right"])
    np.testing.assert_allclose(found["right"][-1], expected["right"][-1], rtol=0, atol=0.1)


def test_the_layers_without_a_name_compute_their_recurrence(experiment):
    parallel = experiment("parallel")
    torch.manual_seed(0)
    x = torch.randn(7, 3, 2)
    for layer, factor in [(parallel.Sign(2, 5), torch.tanh), (parallel.NO_SIGN["no sign"](2, 5), torch.sigmoid)]:
        h, hs = torch.zeros(3, 5), []
        for k, n in zip(*layer.linear(x).chunk(2, -1), strict=True):
            h = factor(k) * h + n
            hs.append(h)
        torch.testing.assert_close(layer(x)[0], torch.stack(hs))
    for kind, deep in [("minGRU, 2 layers", 2), ("minGRU, 3 layers", 3)]:
        stack = parallel.LAYERS[kind](2, 5)
        expected = x
        for layer in stack.layers:
            expected, _ = layer(expected)
        assert len(stack.layers) == deep
        torch.testing.assert_close(stack(x)[0], expected)


def test_a_few_updates_on_sums_and_on_surnames_are_judged_on_what_was_held_back(experiment, monkeypatch):
    parallel = experiment("parallel")
    monkeypatch.setitem(parallel.ADDING, "updates", 1)
    monkeypatch.setitem(parallel.NAMES, "epochs", 1)
    assert parallel.add("GRU", 0) < 0.5
    assert 0.3 < parallel.name_languages("GRU", 0) < 0.8
    assert record("parallel")["names"].keys() == (parallel.LAYERS | parallel.NO_SIGN).keys()


def test_equal_networks_read_a_name_to_its_last_letter_and_an_epoch_teaches_some(experiment, monkeypatch):
    longer = experiment("parallel_longer")
    D, names = len(longer.letters), data.surnames()
    blocks = {"minGRU": 2, "minLSTM": 3, "sign": 2}  # no matrix from the states, and one bias
    for kind, H in record("parallel_longer")["settings"]["units"].items():
        k = blocks.get(kind) or {"RNN": 1, "LSTM": 4, "GRU": 3}[kind]
        layer = k * H * (D + 1) if kind in blocks else k * H * (D + H + 2)
        found = record("parallel_longer")["settings"]["parameters"][kind]
        assert found == layer + 12 * (H + 1) == pytest.approx(6636, rel=0.02)
    rows = np.array([3, 50])
    model = longer.network("GRU", 24)
    for logits, row in zip(longer.answer(model, rows), rows, strict=True):
        x = torch.eye(D)[[longer.letters.index(letter) for letter in names.names[row].lower()]]
        torch.testing.assert_close(logits, model[1](model[0](x[:, None])[0][-1, 0]), rtol=0, atol=1e-5)
    monkeypatch.setitem(longer.SETTINGS, "epochs", [1])
    assert 0.35 < longer.run("RNN", 0)["1"] < 0.8


def test_surnames_become_letters_and_an_epoch_teaches_some(experiment, monkeypatch):
    names = experiment("names")
    x, lengths, labels = names.batch(np.array([5, 0, 77]))
    for b, row in enumerate([5, 0, 77]):
        read = "".join(names.letters[k] for k in x[: lengths[b], b].argmax(axis=-1))
        assert read == names.names.names[row].lower() and labels[b] == names.names.labels[row]
    assert len(x) == lengths.max()
    rates = []

    class Watched(names.Adam):
        def step(self, grads):
            rates.append(self.lr)
            super().step(grads)

    monkeypatch.setattr(names, "Adam", Watched)
    monkeypatch.setitem(names.SETTINGS["long"], "epochs", 2)
    found = names.run("GRU, reset before", "long", 0)
    each = (names.names.part == "train").sum() // names.SETTINGS["batch"]
    assert rates == pytest.approx([5e-3] * each + [2.5e-3] * each)  # the cosine, half-way to zero
    assert 0.4 < found["valid"] < 0.8 and abs(found["valid"] - found["test"]) < 0.1
    assert sum(found["keep, write, mix"]) < 1
    before, after = (names.LAYERS[name][1](2, 3) for name in ("GRU, reset before", "GRU"))
    assert not before.reset_after and after.reset_after


@pytest.mark.parametrize("name", ["RNN, GRU's parameters", "LSTM, GRU's parameters"])
@pytest.mark.parametrize("budget", ["short", "long"])
def test_the_rivals_of_the_gru_have_its_number_of_parameters(name, budget, experiment):
    names = experiment("names")
    sizes = []
    for kind in (name, "GRU"):
        layer = names.LAYERS[kind][1](len(names.letters), names.units(kind, budget))
        model = names.SequenceClassifier(12, layer)
        sizes.append(sum(p.size for p in model.params.values()))
        assert names.count(names.LAYERS[kind][0], names.units(kind, budget)) == sizes[-1]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)
    assert names.units("RNN", budget) == names.SETTINGS[budget]["hidden_size"]


def test_units_are_sorted_by_their_gates_and_names_by_their_ending(experiment):
    gates = experiment("names_gates")
    assert gates.sort_units(np.array([0.05, 0.1, 0.5, 0.95, 0.91, 0.9])) == [1, 2, 3]
    names, groups = gates.experiment.names, gates.groups()
    assert all(names.names[row].endswith("nen") and names.part[row] != "train" for row in groups["-nen"])
    assert not {names.languages.index("Finnish")} & set(names.labels[groups["others"]])
    assert min(len(names.names[row]) for rows in groups.values() for row in rows) == 7
    (first, *_) = record("names_gates")["runs"]
    assert [sum(counts) for counts in first["write, keep, mix"]] == [48] * 8


@pytest.mark.parametrize("kind", ["RNN", "IRNN", "GRU", "LSTM", "LSTM, chrono"])
def test_the_layers_of_the_memory_runs_are_drawn_as_they_are_called(kind, experiment):
    layer = experiment("memory").LAYERS[kind](2, 8, 50, np.random.default_rng(0))
    assert type(layer).__name__ == {"IRNN": "RNN"}.get(kind, kind.partition(",")[0])
    if kind == "IRNN":
        assert layer.nonlinearity == "relu" and np.array_equal(layer.params["weight_hh"], np.eye(8))
    if kind == "LSTM, chrono":
        forget = (layer.params["bias_ih"] + layer.params["bias_hh"])[8:16]
        assert (forget >= 0).all() and (forget <= np.log(49)).all() and forget.max() > 1


def test_the_starts_are_what_the_names_of_the_layers_say(experiment):
    program = experiment("gradient_reach")
    count = {name: sum(p.size for p in program.build(name, 0)[0].params.values()) for name in program.CELLS}
    assert count["RNN, 69 units"] == pytest.approx(count["LSTM"], rel=0.01)
    keeps = {}
    for name in program.CELLS:
        layer, _, _ = program.build(name, 0, 25)
        block = slice(program.H, 2 * program.H)
        keeps[name] = (layer.params["bias_ih"] + layer.params["bias_hh"])[block]
    for name, value in [("GRU, bias 5", 5), ("LSTM, bias 1", 1), ("LSTM, bias 5", 5)]:
        np.testing.assert_array_equal(keeps[name], value)
    assert 0 <= keeps["LSTM, chrono"].min() and np.log(12) < keeps["LSTM, chrono"].max() <= np.log(24)
    assert np.abs(keeps["LSTM"]).max() < 2 * program.H**-0.5
    q = program.build("RNN, orthogonal", 0)[0].params["weight_hh"]
    np.testing.assert_allclose(q.T @ q, np.eye(program.H), atol=1e-12)


@pytest.mark.parametrize("task, T, kind", [("adding", 10, "RNN, wide"), ("temporal order", 10, "GRU, chrono")])
def test_a_layer_trained_in_torch_learns_as_tasks_fit_trains_it(task, T, kind, experiment):
    """The same numbers from the same start and the same batches, after five updates."""
    from functools import partial

    from rnnbook.data import tasks

    program, memory = experiment("memory_more"), experiment("memory")
    draw, D, V, _ = memory.TASKS[task]
    trained = []
    for fit in ("in_torch", "in_numpy"):
        rng = np.random.default_rng(0)
        layer = program.LAYERS[kind](D, 7, T, rng)
        head = in_numpy.Linear(layer.hidden_size, V, rng=rng)
        if fit == "in_torch":
            program.Training(layer, head, partial(draw, T=T, B=3), rng, 1e-3, 1.0).updates(5)
        else:
            tasks.fit(layer, head, partial(draw, T=T, B=3), rng, 5, 1e-3, 1.0)
        trained.append({**layer.params, **{f"head {name}": value for name, value in head.params.items()}})
    for name, value in trained[0].items():
        np.testing.assert_allclose(value, trained[1][name], atol=2e-5, err_msg=name)


def test_the_additions_to_the_lstm_do_what_they_are_called(experiment):
    more = experiment("ablations_more")
    x = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    plain, dropped = more.Added(2, 7, "nothing"), more.Added(2, 7, "recurrent dropout")
    dropped.load_state_dict(plain.state_dict())
    layer = torch.nn.LSTM(2, 7)
    names = {"from_input.weight": "weight_ih_l0", "from_hidden.weight": "weight_hh_l0",
             "from_input.bias": "bias_ih_l0", "from_hidden.bias": "bias_hh_l0"}  # fmt: skip
    layer.load_state_dict({names[name]: value for name, value in plain.state_dict().items()})
    torch.testing.assert_close(plain(x), layer(x)[0])
    assert not torch.allclose(dropped(x), plain(x))
    dropped.eval()
    torch.testing.assert_close(dropped(x), plain(x))
    opened = more.Added(2, 7, "bias 1")
    assert (opened.from_input.bias[7:14] + opened.from_hidden.bias[7:14] == 1).all()
    normed = more.Added(2, 7, "layer norm")
    with torch.no_grad():
        normed.from_input.weight *= 1e3  # its scale is divided out again, but for the bias
        normed.from_input.bias.zero_()
    before = normed(x)
    with torch.no_grad():
        normed.from_input.weight *= 10
    torch.testing.assert_close(normed(x), before, atol=1e-3, rtol=0)


def test_months_ahead_and_forecasts_fed_back(experiment):
    time_series = experiment("time_series")
    z = np.random.default_rng(0).normal(size=9)
    later = time_series.ahead(z, 3)
    for t in range(9):
        np.testing.assert_array_equal(later[t], [z[t + k] if t + k < 9 else np.nan for k in (1, 2, 3)])
    rng = np.random.default_rng(1)
    layer, head = in_numpy.GRU(1, 16, dtype=np.float64, rng=rng), time_series.point_head(1)(rng)
    expected = np.empty((9, 3))
    for t in range(9):  # one start after the other, each read from its beginning
        read = list(z[: t + 1])
        for k in range(3):
            expected[t, k] = head.forward(layer.forward(np.array(read)[:, None, None])[0][-1])[0][0, 0]
            read.append(expected[t, k])
    np.testing.assert_allclose(time_series.iterate(layer, head, z, 3), expected, rtol=0, atol=1e-12)


def test_an_lstm_is_fed_its_own_forecasts_with_its_cell_state(experiment):
    contests, rng = experiment("time_series_contests"), np.random.default_rng(1)
    z, layer = rng.normal(size=7), in_numpy.LSTM(1, 4, dtype=np.float64, rng=rng)
    head = contests.dense(1)(4, rng)
    found = contests.iterate(layer, head, z, 3)
    for t in range(7):
        read = list(z[: t + 1])
        for k in range(3):
            expected = head.forward(layer.forward(np.array(read)[:, None, None])[0][-1])[0][0, 0]
            assert found[t, k] == pytest.approx(expected, abs=1e-12)
            read.append(expected)


def test_training_in_pytorch_goes_as_in_numpy(experiment):
    contests, rng = experiment("time_series_contests"), np.random.default_rng(0)
    z = rng.normal(size=(400, 1))
    target, parts = np.roll(z, -1, axis=0), (np.arange(240), np.arange(240, 320), np.arange(320, 400))
    layer, head = contests.train(z, target, 1, parts, contests.dense(1), contests.squared, seed=3, updates=40)
    rng = np.random.default_rng(3)
    ours = in_numpy.GRU(1, 16, dtype=np.float64, rng=rng)
    last = contests.dense(1)(16, rng)
    params = in_numpy.join(layer=ours.params, head=last.params)
    optimizer = in_numpy.Adam(params, lr=5e-3)
    for _ in range(40):
        rows = rng.integers(0, 239 - 1 - 96 + 2, size=16) + np.arange(96)[:, None]
        hs, _, trace = ours.forward(z[rows])
        y, head_trace = last.forward(hs[24:])
        dhs, dhead = last.backward(mean_squared_error(y, target[rows[24:]])[1], head_trace)
        _, _, dlayer = ours.backward(np.concatenate([0 * hs[:24], dhs]), trace)
        grads = in_numpy.join(layer=dlayer, head=dhead)
        in_numpy.clip_grad_norm(grads, 0.5)
        optimizer.step(grads)
    for name, p in (ours.params | last.params).items():
        np.testing.assert_allclose((layer.params | head.params)[name], p, rtol=0, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("network", [False, True])
def test_one_loss_trains_the_smoothing_through_the_network(network, experiment):
    smoothing = experiment("time_series_smoothing")
    past, y = np.arange(140), np.random.default_rng(0).normal(size=150).cumsum()
    model = smoothing.Smoothed(y, past, 3, True, network, seed=1)
    model.smoothing["drift"][:] = 0.3

    def loss():
        (_, levels, seasons, surprise), rng = model.read(y[past]), np.random.default_rng(5)
        rows = rng.integers(0, 140 - 3 - 96 + 1, size=16) + np.arange(96)[:, None]
        error = (levels[rows + 1] + seasons[rows + 3] - y[rows + 3]) / model.scale + 0.3
        if network:
            with torch.no_grad():
                error = error + model.head(model.layer(torch.tensor(surprise[rows][..., None]))[0])[..., 0].numpy()
        return np.mean(error[24:] ** 2)

    model.rng = np.random.default_rng(5)
    grads = model.gradients(past)
    for name in ("alpha", "gamma", "season"):
        p = model.smoothing[name]
        for i in range(len(p)):
            kept, losses = p[i], []
            for p[i] in (kept + 1e-5, kept - 1e-5):
                losses.append(loss())
            p[i] = kept
            assert grads[name][i] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-8), (name, i)


def test_smoothing_with_a_network_sees_nothing_of_the_future(experiment):
    smoothing, y = experiment("time_series_smoothing"), np.random.default_rng(0).normal(size=150).cumsum()
    changed = np.concatenate([y[:141], y[141:] + 100])
    before, after = (smoothing.Smoothed(v, np.arange(140), 12, True, True, seed=1).forecasts() for v in (y, changed))
    np.testing.assert_array_equal(before[:141], after[:141])
    assert not np.allclose(before[141:, -1], after[141:, -1])


def test_a_sampled_path_is_fed_its_own_draws(experiment):
    densities, rng = experiment("time_series_densities"), np.random.default_rng(0)
    layer = in_numpy.GRU(1, 5, dtype=np.float64, rng=rng)
    head = densities.bells(1)(5, rng)
    head.params["weight"][2], head.params["bias"][2] = 0, -40  # no width: the path is that of the means
    h = rng.normal(size=(2, 5))
    found = densities.sample_paths(layer, head, h, 3, 4, rng)
    for m in range(2):
        state, expected = h[m : m + 1], []
        for _ in range(4):
            y = head.forward(state)[0][:, 1:2]
            expected.append(y[0, 0])
            state, _ = layer.step(y, state)
        for path in found[:, 3 * m : 3 * m + 3].T:
            np.testing.assert_allclose(path, expected, rtol=0, atol=1e-12)


def test_the_crps_of_a_sample_nears_that_of_a_normal_density(experiment):
    crps, draws = experiment("time_series_densities").crps_of_sample, np.random.default_rng(0).normal(size=(400, 50))
    z = 0.7
    exact = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)  # Gneiting & Raftery (2007)
    found = [crps(row, z) for row in draws]
    assert np.mean(found) == pytest.approx(exact, abs=4 * np.std(found) / 20)


def test_errors_are_those_of_the_months_in_the_part(experiment):
    time_series = experiment("time_series")
    value, forecasts = np.arange(12.0) ** 2, np.random.default_rng(0).normal(size=(12, 3))
    part = np.arange(6, 12)
    expected = [np.sqrt(np.mean([(forecasts[t - k, k - 1] - value[t]) ** 2 for t in part])) for k in (1, 2, 3)]
    np.testing.assert_allclose(time_series.errors(forecasts, value, part), expected)


def test_a_new_score_is_below_the_conformal_quantile_as_often_as_said(experiment):
    quantile, rng = experiment("time_series").conformal_quantile, np.random.default_rng(0)
    assert quantile(np.array([3.0, 1, 2, 4]), 0.5) == 3 and quantile(np.array([3.0, 1, 2]), 0.9) == 3
    for share in (0.5, 0.9):
        below = [draw[-1] <= quantile(draw[:-1], share) for draw in rng.uniform(size=(20_000, 20))]
        assert np.mean(below) == pytest.approx(np.ceil(20 * share) / 20, abs=0.015)


def test_numbers_are_rounded_to_four_digits_wherever_they_stand(experiment):
    rounded = experiment("time_series").rounded
    assert rounded({"a": [1.23456, {"b": 123456.0}], "c": 7, "d": "x"}) == {
        "a": [1.235, {"b": 123500.0}],
        "c": 7,
        "d": "x",
    }


@pytest.fixture
def vowels():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 12)) for n in (5, 2, 4)]


def test_utterances_are_padded_scaled_and_followed_by_noise(experiment, vowels):
    run = experiment("variable_length")
    mean, scale = np.arange(12.0), 1 + np.arange(12.0)
    x, lengths = run.padded(vowels, mean, scale, T=9)
    assert x.shape == (9, 3, 12) and lengths.tolist() == [5, 2, 4]
    for b, utterance in enumerate(vowels):
        np.testing.assert_allclose(x[: len(utterance), b], (utterance - mean) / scale, rtol=1e-6)
        assert not x[len(utterance) :, b].any()
    assert run.padded(vowels, mean, scale)[0].shape == (5, 3, 12)
    left, _ = run.padded(vowels, mean, scale, T=9, side="left")
    for b, n in enumerate(lengths):
        assert torch.equal(left[9 - n :, b], x[:n, b]) and not left[: 9 - n, b].any()
    long, _ = run.padded(vowels, mean, scale, T=900)
    noisy, seen = run.followed(long, lengths, 0.5, 1)
    assert seen.tolist() == [900] * 3 and torch.equal(noisy[:2], long[:2])
    assert torch.equal(noisy[:5, 0], long[:5, 0]) and (noisy[2:, 1] != 0).all()
    assert noisy[5:].std().item() == pytest.approx(0.5, rel=0.02)
    assert run.followed(long, lengths, 0.0, 1)[1] is lengths


def test_six_utterances_of_each_speaker_are_held_out(experiment):
    rows, held = experiment("variable_length").split(data.japanese_vowels(), np.random.default_rng(0))
    labels = data.japanese_vowels().train_labels
    assert np.bincount(labels[held]).tolist() == [6] * 9
    assert sorted([*rows, *held]) == list(range(len(labels)))


@pytest.mark.parametrize("both", [False, True])
def test_every_way_to_read_a_network_reads_each_sequence_as_if_alone(both, experiment, vowels):
    run = experiment("variable_length")
    x, lengths = run.padded(vowels, 0, 1, T=7)
    model = run.Classifier("GRU", 2, both, 5, "ends").eval()
    assert model.layer.num_layers == 2 and model.layer.dropout == run.SETTINGS["dropout"] == model.dropout.p
    for b, n in enumerate(lengths.tolist()):
        alone, full = model.layer(x[:n, b : b + 1])[0][:, 0], model.layer(x[:, b : b + 1])[0][:, 0]
        back = [alone[0, 5:]] if both else []
        expected = {
            "ends": torch.cat([alone[-1, :5], *back]),
            "mean": alone.mean(0),
            "last step": alone[-1],
            "last row": alone[-1] if n == 7 else torch.zeros(5 * (1 + both)),
            "padding": full[-1],
            "ends, padding first": torch.cat([full[n - 1, :5], full[0, 5:]]),
        }
        for reading, wanted in expected.items():
            torch.testing.assert_close(model.read(x, lengths, reading)[b], wanted, msg=reading)
            torch.testing.assert_close(model(x, lengths, reading)[b], model.head(wanted), msg=reading)


def test_the_networks_have_the_recorded_numbers_of_parameters(experiment):
    run = experiment("variable_length")
    for name, network in run.NETWORKS.items():
        assert (
            sum(p.numel() for p in run.Classifier(*network).parameters())
            == record("variable_length")["parameters"][name]
        )


@pytest.mark.parametrize("start", ["plus_three", "chrono"])
def test_a_start_changes_the_bias_of_the_update_gate_and_nothing_else(start, experiment):
    run, starts, H = experiment("variable_length"), experiment("variable_length_starts"), 40
    layer = run.Classifier("GRU", 1, True, H, "ends").layer
    before = {name: parameter.detach().clone() for name, parameter in layer.named_parameters()}
    getattr(starts, start)(layer)
    gate = slice(H, 2 * H)  # z of r, z, n
    for name, parameter in layer.named_parameters():
        new, old = parameter.detach().clone(), before[name]
        if name.startswith("bias_ih") and start == "plus_three":
            torch.testing.assert_close(new[gate], old[gate] + 3)
        elif name.startswith("bias_ih"):
            drawn = new[gate].exp()  # from 1 to 99, and spread over all of it
            assert 1 <= drawn.min() < 20 and 80 < drawn.max() <= 99
        elif name.startswith("bias_hh") and start == "chrono":
            assert not new[gate].any()
        else:
            assert torch.equal(new, old), name
            continue
        new[gate] = old[gate]
        assert torch.equal(new, old), name


def test_a_start_acts_before_the_first_update_and_the_epochs_can_be_chosen(experiment, monkeypatch):
    run, vowels, draws = experiment("variable_length"), data.japanese_vowels(), []
    monkeypatch.setitem(run.SETTINGS, "lr", 0.0)
    monkeypatch.setattr(run, "split", lambda vowels, rng: (np.arange(32), np.arange(40)))
    monkeypatch.setattr(torch, "randperm", lambda n: draws.append(n) or torch.arange(n))
    nine, network = (lambda layer: layer.bias_ih_l0.data.fill_(9)), ("GRU", 1, False, 5, "ends")
    model, _, _ = run.train(vowels, network, 0, start=nine, epochs=3)
    assert len(draws) == 3 and (model.layer.bias_ih_l0 == 9).all()


def test_the_pairs_are_of_the_recorded_networks(experiment):
    """They were trained once more, in float32: each seed's share moves by at most five utterances of 370."""
    pairs, first, run = record("variable_length_pairs"), record("variable_length"), experiment("variable_length")
    both = pairs["results"].keys() & first["results"].keys()
    assert both == {"RNN", "GRU", "BiGRU", "GRU, 2 layers"}
    for name in both:
        shares = pairs["results"][name]["test"], first["results"][name]["test"]
        assert np.abs(np.subtract(*shares)).max() < 5.5 / 370, name
    for name, (network, _) in experiment("variable_length_pairs").RUNS.items():
        size = sum(p.numel() for p in run.Classifier(*network).parameters())
        assert size == pairs["parameters"][name] and abs(size - 15_500) < 350


@pytest.mark.parametrize("name", ["variable_length_pairs", "variable_length_warping"])
def test_the_digits_of_the_utterances_add_up_to_the_shares(name):
    for part in record(name)["results"].values():
        right, seeds = np.array([*part["right"]], int), np.atleast_1d(part["test"])
        assert len(right) == 370 and right.max() <= len(seeds)
        assert right.mean() / len(seeds) == pytest.approx(seeds.mean(), abs=1e-4)


def cheapest_alignment(a, b):
    """The cost of the best alignment of two sequences, by trying all of them."""
    rest = [(a[i:], b[j:]) for i, j in ((0, 1), (1, 0), (1, 1)) if len(a) > i and len(b) > j]
    return np.sum((a[0] - b[0]) ** 2) + min((cheapest_alignment(*pair) for pair in rest), default=0)


def test_time_warping_finds_the_cheapest_of_all_alignments(experiment):
    warped, rng = experiment("variable_length_warping"), np.random.default_rng(0)
    others = [rng.normal(size=(n, 2)) for n in (1, 4, 3, 5, 4)]
    query = rng.normal(size=(4, 2))
    expected = [cheapest_alignment(query, other) for other in others]
    np.testing.assert_allclose(warped.warping_distances(query, others), expected, rtol=1e-12)
    labels = np.array([7, 3, 5, 8, 9])
    assert warped.nearest([query], others, labels)[0] == labels[np.argmin(expected)]
    assert warped.nearest(others, others, labels).tolist() == labels.tolist()
    assert not np.any(warped.nearest(others, others, labels, leave_out=True) == labels)


def test_a_few_epochs_teach_some_speakers_and_the_best_weights_are_kept(experiment, monkeypatch):
    run, vowels = experiment("variable_length"), data.japanese_vowels()
    monkeypatch.setitem(run.SETTINGS, "epochs", 12)
    network = ("GRU", 1, False, 32, "ends")
    model, valid, scale = run.train(vowels, network, 0)
    assert 0.6 < valid <= 1 and 0.6 < run.test(model, vowels, scale) <= 1
    held = run.split(vowels, np.random.default_rng(0))[1]
    right = (
        model(*run.padded([vowels.train[row] for row in held], *scale)).argmax(1).numpy() == vowels.train_labels[held]
    )
    assert right.mean() == pytest.approx(valid)
    monkeypatch.setitem(run.SETTINGS, "epochs", 1)
    model, valid, scale = run.train(vowels, network, 0, T=40, tail=0.5)
    assert 0 < valid < 0.4 and 0 < run.test(model, vowels, scale, T=40, tail=0.5) < 0.4


TEXT = "In the beginning God created the heaven and the earth.\nAnd the earth was [without] form, and void;\n" * 60


def test_streams_and_bits_of_a_character_model(experiment):
    model = experiment("language_model")
    tokens = torch.arange(23)
    x, y = model.streams(tokens, 4)
    assert x.T.tolist() == [[5 * b + s for s in range(5)] for b in range(4)] and torch.equal(y, x + 1)
    torch.manual_seed(0)
    for cell in ("RNN", "GRU", "LSTM"):
        network = model.CharacterModel(cell, 6, 23)
        logits = torch.cat([network(x[:, b : b + 1])[0] for b in range(4)], 1)
        chosen = logits.log_softmax(-1).gather(-1, y[..., None])
        assert model.bits(network, tokens, 4) == pytest.approx(-chosen.mean().item() / np.log(2), rel=1e-6)
        long = torch.randint(23, (3 * 1100 + 1,))  # more than one piece of 1,024
        logits = network(model.streams(long, 3)[0])[0].log_softmax(-1)
        chosen = logits.gather(-1, model.streams(long, 3)[1][..., None])
        assert model.bits(network, long, 3) == pytest.approx(-chosen.mean().item() / np.log(2), rel=1e-5)


def test_a_small_character_model_learns_and_is_recorded(experiment, monkeypatch):
    program = experiment("language_model")
    monkeypatch.setattr(data, "bible_text", lambda: TEXT)
    monkeypatch.setitem(program.SETTINGS, "batch", 4)
    monkeypatch.setitem(program.SETTINGS, "steps_back", 16)
    monkeypatch.setitem(program.SETTINGS, "evaluation_streams", 2)
    monkeypatch.setattr(program, "RESETS", [1, 4])
    rates, schedule = [], torch.optim.lr_scheduler.LambdaLR
    monkeypatch.setattr(
        torch.optim.lr_scheduler, "LambdaLR", lambda optimizer, rate: (rates.append(rate), schedule(optimizer, rate))[1]
    )
    expected = record("language_model")["runs"]
    for cell in program.SETTINGS["cells"]:
        found, model = program.train(cell, 0, 2, keep=True)
        assert found.keys() == expected[0].keys()
        assert found["parameters"] == sum(p.numel() for p in model.parameters())
        assert found["learning"][0][1] > found["valid"] == found["learning"][-1][1] and found["valid"] < 2.5
        steps = 2 * ((len(TEXT) * 9 // 10 - 1) // 4 // 16)
        assert found["learning"][-1][0] == steps * 4 * 16
        for i in (0, 50, 99, 100, steps // 2, steps):
            warm = min(1, (i + 1) / 100)
            assert rates[-1](i) == pytest.approx(warm * np.cos(np.pi * i / steps / 2) ** 2, abs=1e-12)
        tokens = np.searchsorted(np.array(sorted(set(TEXT))), list(TEXT))
        test = torch.tensor(data.split_by_time(tokens, [0.9, 0.05, 0.05])[2])
        assert found["test"] == round(program.bits(model, test, 2), 4)
        assert found["test_with_resets"][4] == round(program.bits(model, test, (len(test) - 1) // 4), 4)
    assert program.train("GRU", 1, 1)["learning"] != program.train("GRU", 2, 1)["learning"]


def test_what_a_unit_may_track_is_counted_letter_by_letter(experiment):
    program, text = experiment("language_model_units"), "And [He is\ngone], lo: the Ship’s\n[in] it"
    features = program.features(text)
    inside, word, since, line, first = 0, 0, 0, 0, ""
    for k, letter in enumerate(text):
        in_word = letter.isalpha() or letter == "’"
        word = word + 1 if in_word else 0
        first = letter if word == 1 else first
        since = 0 if letter in ".,:;?!" else since + 1
        line = 0 if letter == "\n" else line + 1
        inside -= letter == "]"
        values = {name: (value[k], bool(where[k])) for name, (value, where) in features.items()}
        if letter not in "[]":
            assert values["inside brackets"] == (inside, True)
        else:
            assert not values["inside brackets"][1]
        assert values["letters of the word so far"] == (word, in_word)
        assert values["in a word with a capital"][1] == (in_word and letter.islower())
        if in_word:
            assert values["in a word with a capital"][0] == first.isupper()
        assert values["characters since punctuation"] == (since, True)
        assert values["logarithm of the characters since the line began"] == (pytest.approx(np.log1p(line)), True)
        inside += letter == "["


def test_the_correlation_is_numpys_and_a_character_alone_knows_its_mean(experiment):
    program, rng = experiment("language_model_units"), np.random.default_rng(0)
    values, target = rng.normal(size=(30, 4)), rng.normal(size=30)
    expected = [np.corrcoef(column, target)[0, 1] for column in values.T]
    np.testing.assert_allclose(program.correlation(values, target), expected, rtol=0, atol=1e-12)
    tokens = rng.integers(0, 5, 30)
    means = [target[tokens == k].mean() if (tokens == k).any() else 0 for k in range(6)]
    np.testing.assert_allclose(program.by_character(tokens, target, 6), means, rtol=0, atol=1e-12)


# ---- From one sequence to another --------------------------------------------------------------------------------


def test_the_rules_for_dates_get_what_the_record_says(experiment):
    program, stored = experiment("seq2seq"), record("seq2seq")["rules"]
    usual = program.dates.written_dates(3000, 1000, words=program.SETTINGS["words"], part="test")
    assert program.by_rules_right(usual, False) == stored["as spelt"]
    assert program.by_rules_right(usual, True) == stored["nearest month"]
    assert program.by_rules("we met on the 21st of septmber, 2004 again") == "2004-09-21"
    assert program.by_rules("3/4/1987") == "1987-03-04" and program.by_rules("3.4.1987") == "1987-04-03"
    assert program.by_rules("27 jun '05") == "2005-06-27" and program.by_rules("27 jun '55") == "1955-06-27"


def test_a_line_is_right_forced_exactly_where_it_is_right_free(experiment):
    program = experiment("seq2seq")
    torch.manual_seed(0)
    lines = program.arrays(program.dates.written_dates(0, 60))
    for name in program.NETWORKS:
        model = program.network(name)
        truth = program.free_running(model, lines)  # an answer that the network gets right, and some that it does not
        target = torch.cat([lines[2][:1], truth])
        target[4, ::3] = (target[4, ::3] + 1) % 10
        found = program.both_regimes(model, (*lines[:2], target))
        assert found["forced"]["exact"] == found["free"]["exact"] == pytest.approx(2 / 3, abs=1e-4)
        assert found["free"]["after a mistake"][1] == 20 * 6 == found["forced"]["after a mistake"][1]
        assert found["free"]["after a mistake"][0] == 120  # its own characters stay the likeliest


def test_what_comes_after_a_mistake_is_counted(experiment):
    right = torch.tensor([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]], dtype=torch.bool)
    assert experiment("seq2seq").after_a_mistake(right) == (4, 5)


def test_the_alignment_is_measured_on_the_letters_that_a_character_follows_from(experiment):
    program = experiment("seq2seq")
    torch.manual_seed(0)
    drawn = program.dates.written_dates(5, 40)
    lines = program.arrays(drawn)
    model = program.network("additive")
    found = program.alignment(model, drawn, lines)
    with torch.no_grad():
        _, weights, _ = model.decode(lines[2][:-1], model.encode(*lines[:2]))
    mass, later, top, uniform, diagonal = [], [], [], [], []
    for b, (line, spans) in enumerate(zip(drawn.lines, drawn.spans, strict=True)):
        for s, (start, end) in enumerate(spans):
            if end > start:
                row = weights[s, b].tolist()
                mass.append(sum(row[start:end]))
                later.append(sum(row[start : min(end + 2, len(row))]))
                top.append(start <= int(np.argmax(row)) < end)
                uniform.append((end - start) / len(line))
                diagonal.append(start <= round(s * (len(line) - 1) / 9) < end)
    assert found["attention"]["mass"] == pytest.approx(np.mean(mass), abs=1e-4)
    assert found["attention"]["mass, up to two letters later"] == pytest.approx(np.mean(later), abs=1e-4)
    assert found["attention"]["top"] == pytest.approx(np.mean(top), abs=1e-4)
    assert found["uniform"]["mass"] == pytest.approx(np.mean(uniform), abs=1e-4)
    assert found["diagonal"]["mass"] == pytest.approx(np.mean(diagonal), abs=1e-4)


def test_reversing_a_line_is_reading_it_from_its_end(experiment):
    program = experiment("seq2seq")
    torch.manual_seed(0)
    plain, backward = program.network("no attention"), program.network("no attention, reversed")
    backward.load_state_dict(plain.state_dict())
    lines = ["may 5, 2048", "3/4/1987 old"]
    reads = [program.dates.encode_lines(each) for each in (lines, [line[::-1] for line in lines])]
    (_, there, _), (_, back, _) = (
        model.encode(torch.tensor(tokens), torch.tensor(lengths))
        for model, (tokens, lengths) in zip((backward, plain), reads, strict=True)
    )
    torch.testing.assert_close(there, back, rtol=0, atol=1e-6)


def test_a_shifted_transformer_begins_anywhere_in_training_and_at_zero_in_use(experiment):
    program = experiment("seq2seq")
    torch.manual_seed(0)
    shifted, plain = program.network("transformer, shifted"), program.network("transformer")
    plain.load_state_dict(shifted.state_dict())
    source, lengths, target = program.arrays(program.dates.written_dates(0, 5))
    used = [model.eval()(source, lengths, target[:-1]) for model in (shifted, plain)]
    torch.testing.assert_close(*used, rtol=0, atol=0)
    x = torch.randn(12, 1, program.NETWORKS["transformer"][1])
    torch.testing.assert_close(plain.placed(x[7:], 7), plain.placed(x)[7:])
    firsts = []
    shifted.placed = lambda x, first=0: firsts.append(first) or plain.placed(x, first)
    for _ in range(300):
        shifted.train()(source[:, :1], lengths[:1], target[:-1, :1])
    assert set(firsts[1::2]) == {0}  # the decoder
    assert min(firsts[::2]) == 0 and max(firsts[::2]) == program.SHIFT


def test_training_goes_on_in_free_run_at_a_lower_rate(experiment, monkeypatch):
    program, told = experiment("identification"), []
    net = program.Dense(program.SEEDS, 4, [3])
    for p in net.parameters:
        p.requires_grad_(False)
    monkeypatch.setattr(program, "train", lambda kind, example: told.append((kind, example)) or (net, "data"))
    monkeypatch.setattr(program, "loss_on_windows", lambda *of: of)
    monkeypatch.setattr(program, "fit", lambda *of: told.append(of))
    monkeypatch.setattr(program, "judged", lambda *of: of)
    assert program.then_free_run(2) == ("free run", net, "data", 2)
    settings = program.SETTINGS["free run"] | {"lr": program.SETTINGS["then"]["lr"]}
    assert told == [("one-step", 2), (net, (net, "data", "free run"), settings)]
    assert all(p.requires_grad for p in net.parameters) and settings["lr"] < program.SETTINGS["free run"]["lr"]


# ---- Identification and control -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "seed"), [("ARX", 1), ("Hammerstein", 0), ("random features", 4)])
def test_a_least_squares_rival_errs_as_recorded(kind, seed, experiment):
    identification = experiment("identification")
    found, expected = identification.rival(kind, 2, seed), record("identification")["example 2"][kind][seed]
    assert (found["chosen"], found["parameters"]) == (expected["chosen"], expected["parameters"])
    for test, errors in expected["errors"].items():
        np.testing.assert_allclose(found["errors"][test], errors, rtol=5e-3, err_msg=test)


def test_networks_side_by_side_are_those_of_torch(experiment):
    side_by_side, seeds = importlib.import_module("side_by_side"), [3, 4]
    S, T, B, D, H = 2, 5, 4, 3, 6
    for kind, layer in (("RNN", torch.nn.RNN), ("GRU", torch.nn.GRU)):
        network = side_by_side.Recurrent(kind, seeds, D, H)
        x, h, found = torch.randn(T, S, B, D, dtype=torch.float64), network.start(S, B), []
        for x_t in x:
            y, h = network.step(x_t, h)
            found.append(y)
        for s in range(S):
            theirs, (W_ih, W_hh, b_ih, b_hh) = layer(D, H).double(), (p[s].detach() for p in network.recurrence)
            theirs.load_state_dict(
                dict(weight_ih_l0=W_ih.T, weight_hh_l0=W_hh.T, bias_ih_l0=b_ih[0], bias_hh_l0=b_hh[0])
            )
            read = torch.cat([theirs(x[:, s])[0], x[:, s]], -1)
            head = network.head[s].detach()
            torch.testing.assert_close(torch.stack(found)[:, s].detach(), (read @ head[:-1] + head[-1:]).detach())
    dense = side_by_side.Dense(seeds, D, [H, 2])
    x = torch.randn(S, B, D, dtype=torch.float64)
    for s in range(S):
        layers, y = [p[s].detach() for p in dense.parameters], x[s]
        for k, W in enumerate(layers):
            y = y @ W[:-1] + W[-1]
            y = y.tanh() if k < 2 else y
        torch.testing.assert_close(dense.step(x)[0][s].detach(), y)
    assert side_by_side.count(dense) == 4 * 6 + 7 * 2 + 3


def test_no_gradient_passes_between_seeds_and_each_is_clipped_alone(experiment):
    side_by_side = importlib.import_module("side_by_side")
    dense, x = side_by_side.Dense([1, 2], 3, [4]), torch.ones(2, 5, 3, dtype=torch.float64)
    (1e3 * dense.step(x)[0][0]).sum().backward()
    side_by_side.clip(dense, 1.0)
    norms = [sum(p.grad[s].square().sum() for p in dense.parameters).sqrt().item() for s in (0, 1)]
    assert norms == [pytest.approx(1.0, abs=1e-9), 0.0]


def test_a_free_run_of_the_dense_network_reads_its_own_predictions(experiment):
    identification = experiment("identification")
    network = identification.Dense(identification.SEEDS, 4, [3])
    u, y = torch.randn(2, 8, 5, 2, dtype=torch.float64)
    with torch.no_grad():
        one, free = (identification.run_dense(network, u, y, way) for way in (False, True))
        torch.testing.assert_close(one[0], free[0])
        past = [*y[:2]]
        for t in range(2, 8):
            known = torch.stack([y[t - 1], y[t - 2], u[t], u[t - 1]], -1)
            torch.testing.assert_close(one[t - 2], network.step(known)[0][..., 0])
            past.append(network.step(torch.stack([past[-1], past[-2], u[t], u[t - 1]], -1))[0][..., 0])
        torch.testing.assert_close(free, torch.stack(past[2:]))
    assert (one[1:] != free[1:]).any()


def test_laws_that_know_the_equation_steer_as_recorded_and_leave_what_is_derived(experiment):
    control = experiment("control")
    errors = record("control")["errors"]
    exact = control.plants.own_motion
    makers = {
        "open loop": control.open_loop,
        "exact inverse, paper's law": lambda y_m: control.papers_law(exact),
        "exact inverse": lambda y_m: control.Inverse(exact),
        "exact inverse and load estimate": lambda y_m: control.Inverse(
            exact, record("control")["tuned"][0]["rates"]["exact"]
        ),
    }
    for name, make in makers.items():
        for situation, value in control.judge(make).items():
            assert value == pytest.approx(errors[name][situation][0], rel=1e-3, abs=1e-9), (name, situation)
    left = [errors[name]["held"][0] for name in list(makers)[1:]]
    assert left == [pytest.approx(5, rel=1e-3), pytest.approx(1, rel=1e-3), pytest.approx(0, abs=1e-9)]


def test_a_pid_with_its_recorded_gains_steers_as_recorded(experiment):
    control, stored = experiment("control"), record("control")
    for name, kind in (("PID", "as it is"), ("PID, trouble", "drawn")):
        gains = stored["tuned"][1]["gains"][kind]
        for situation, value in control.judge(lambda y_m, gains=gains: control.PID(gains)).items():
            if situation != "noise" and situation != "all":  # four digits of a gain that sways
                assert value == pytest.approx(stored["errors"][name][situation][1], abs=0.01), (name, situation)


def test_what_befalls_a_run_is_what_its_situation_says(experiment):
    control = experiment("control")
    rng, T, B = np.random.default_rng(0), 40, 6
    calm = control.trouble("as it is", rng, T, B)
    assert {name: (part.min(), part.max()) for name, part in calm.items()} == {
        "offset": (2.5, 2.5), "gain": (1, 1), "load": (0, 0), "noise": (0, 0)}  # fmt: skip
    load = control.trouble("load", rng, T, B)["load"]
    assert not load[:10].any() and (np.abs(load[10:]) == 0.5).all() and (load == load[-1])[10:].all()
    drift = control.trouble("drift", rng, T, B)
    for name, start, end in (("offset", 2.5, 1.5), ("gain", 1, 0.7)):
        assert (drift[name][:11] == start).all() and drift[name][30:] == pytest.approx(end)
        assert (np.diff(drift[name][10:31], axis=0) < 0).all()
    assert control.trouble("noise", rng, 500, B)["noise"].std() == pytest.approx(0.1, rel=0.05)
    everything = control.trouble("all", rng, T, B)
    assert all(everything[name].std() > 0 for name in everything)


def test_the_networks_read_what_they_are_trained_with(experiment):
    """The same controller on the same plant: the model is the plant's equation, and both ways of running it agree."""
    control = experiment("control")
    network = control.build("GRU", True)
    r, y_m = control.references(np.random.default_rng(0), control.T, 4)
    befalls = control.trouble("as it is", None, control.T, 4)
    with torch.no_grad():
        ys, us = control.track(control.Trained(network, True), r, y_m, befalls)
        y = y_prev = before = total = torch.zeros(5, 4, dtype=torch.float64)
        h = network.start(5, 4)
        for t in range(control.T):
            total = total + (before - y)
            target = torch.tensor(y_m[t]).expand(5, 4)
            u, h = network.step(torch.stack([y, y_prev, target, control.SUM * total], -1), h)
            y, y_prev, before = control.plants.plant_step(y, y_prev, u[..., 0].clamp(-10, 10)), y, target
            np.testing.assert_allclose(ys[t], y, atol=1e-9)

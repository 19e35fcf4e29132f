"""What one layer, cell or model has, its sisters have, or a docstring says why not; every map says the same."""

import inspect
import re
from pathlib import Path

import pytest
import torch

import rnnbook
from rnnbook import in_numpy, in_torch

ROOT = Path(__file__).parents[1]
PARTS = dict(re.findall(r"^ +rnnbook\.(\w+) +(.+)$", rnnbook.__doc__, flags=re.MULTILINE))
PAGES = {name: f"book/api/{ {'errors': 'training', 'lessons': 'figures'}.get(name, name) }.md" for name in PARTS}
READERS = [in_numpy.RNN, in_numpy.GRU, in_numpy.LSTM, in_numpy.Stacked, in_numpy.Bidirectional]
READERS += [in_numpy.LanguageModel, in_numpy.SequenceClassifier]
LAYERS = [in_torch.RNN, in_torch.GRU, in_torch.LSTM, in_torch.MinGRU, in_torch.MinLSTM]
CELLS = [in_torch.RNNCell, in_torch.GRUCell, in_torch.LSTMCell]
OTHER = {"num_layers": 2, "dropout": 0.5, "proj_size": 2, "nonlinearity": "relu", "implementation": "reference"}
OTHER |= {"scan": "sequential"}
UNPRINTED = {(in_torch.RNN, "nonlinearity")}  # as in torch.nn


@pytest.mark.parametrize("kind", READERS + LAYERS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_what_reads_a_sequence_reads_a_stream_or_says_why_not(kind):
    says_no = any("no ``step``" in (base.__doc__ or "") for base in kind.__mro__)
    assert callable(getattr(kind, "step", None)) != says_no


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_a_layer_without_a_step_reads_a_stream_by_its_state(name):
    layer, state, read = getattr(in_torch, name)(2, 7, 2, dtype=torch.float64), None, []
    x = torch.randn(5, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for x_t in x:
        y, state = layer(x_t[None], state)
        read.append(y)
    torch.testing.assert_close(torch.cat(read), layer(x)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", LAYERS + CELLS)
def test_every_argument_that_is_not_the_usual_one_is_printed(kind):
    for name, argument in inspect.signature(kind).parameters.items():
        if argument.default in (inspect.Parameter.empty, None):
            continue
        value = OTHER[name] if name in OTHER else not argument.default
        changed = {"num_layers": 2, name: value} if name == "dropout" else {name: value}
        assert (f"{name}={value}" in repr(kind(2, 7, **changed))) != ((kind, name) in UNPRINTED), name


@pytest.mark.parametrize("name", ["RNN", "RNNCell"])
def test_the_nonlinearity_is_printed_where_torch_prints_it(name):
    ours, theirs = (getattr(wing, name)(2, 7, nonlinearity="relu") for wing in (in_torch, torch.nn))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("kind", LAYERS + CELLS)
def test_parameters_are_drawn_again_as_they_were_drawn(kind):
    torch.manual_seed(0)
    layer = kind(2, 7)
    first = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.reset_parameters()
    assert not any(torch.equal(value, first[name]) for name, value in layer.state_dict().items())
    torch.manual_seed(0)
    layer.reset_parameters()
    assert all(torch.equal(value, first[name]) for name, value in layer.state_dict().items())
    assert all(value.abs().max() <= 7**-0.5 for value in first.values())


@pytest.mark.parametrize(
    "wing, name, flag",
    [
        *[(in_torch, name, "reset_after") for name in ("GRU", "GRUCell")],
        *[(in_torch, name, "peephole") for name in ("LSTM", "LSTMCell")],
        *[(in_torch, name, "bias") for name in ("MinGRU", "MinLSTM")],
        (in_numpy, "GRU", "reset_after"),
        (in_numpy, "LSTM", "peephole"),
    ],
)
def test_a_flag_that_is_neither_true_nor_false_is_refused_by_both(wing, name, flag):
    with pytest.raises(TypeError, match=f"{flag} should be True or False, but is 'no'"):
        getattr(wing, name)(2, 7, **{flag: "no"})


def test_the_map_names_every_part():
    modules = {path.stem for path in (ROOT / "rnnbook").glob("*.py")} - {"__init__"}
    assert set(PARTS) == modules | {path.parent.name for path in (ROOT / "rnnbook").glob("*/__init__.py")}


@pytest.mark.parametrize("name, words", PARTS.items(), ids=PARTS)
def test_the_readme_and_the_reference_say_the_maps_words(name, words):
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("## Map")[1].split("```")[1]
    assert re.search(rf"^ +{name} +{re.escape(words)}$", tree, flags=re.MULTILINE)
    intro = (ROOT / PAGES[name]).read_text(encoding="utf-8").split("```")[0].replace("`", "")
    assert words.lower() in intro.lower()

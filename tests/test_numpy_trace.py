"""``backward`` tells a trace that is none, or another layer's."""

import numpy as np
import pytest
from doors import DHS, LAYERS, MODULES, TOKENS, V, X, a_stack, both_ways, told
from oracles import B, D, H, T

from rnnbook.in_numpy import Embedding, Linear

every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
TRACES = {name: make().forward(x)[k] for name, (make, x, k, _) in MODULES.items()}
SPEAKING = {
    "Bidirectional": "BidirectionalTrace",
    "LanguageModel": "LanguageModelTrace",
    "SequenceClassifier": "ClassifierTrace",
    **{name: f"{name}Trace" for name in LAYERS},
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("wrong", [None, 3, "trace", (), "another's"], ids=str)
def test_backward_without_its_trace_is_told(name, wrong):
    make, _, _, gradient = MODULES[name]
    arrays = ("Linear", "Embedding", "Dropout")
    others = [t for k, t in TRACES.items() if k != name] if wrong == "another's" else [wrong]
    for trace in others:
        if name == "Dropout" and trace is None:
            continue  # what forward returns outside training
        if name in arrays and any(trace is TRACES[other] for other in arrays):
            continue  # one array is like another
        error, sentence = told(make().backward, gradient, trace)
        assert error is TypeError and sentence.startswith("trace should be the ")
        assert SPEAKING.get(name, "") in sentence and ", but " in sentence


def test_the_trace_of_another_size_is_told():
    for layer in LAYERS.values():
        trace = layer(D, H + 1).forward(X)[2]
        sentence = "trace should come from a layer with sizes (D, H) = (2, 7), not (2, 8)"
        assert told(layer(D, H).backward, DHS, trace) == (ValueError, sentence)
    trace = both_ways().forward(X)[2]._replace(b=None)
    sentence = "trace.b should be the RNNTrace that forward returned, but is None"
    assert told(both_ways().backward, np.zeros((T, B, 2 * H)), trace) == (TypeError, sentence)
    first, _ = a_stack().forward(X)[2]
    sentence = "trace[1] should come from a layer with sizes (D, H) = (7, 7), not (2, 7)"
    assert told(a_stack().backward, DHS, [first, first]) == (ValueError, sentence)
    assert told(a_stack().backward, DHS, [first]) == (
        TypeError,
        "trace should be the list of the layers' traces that forward returned, 2 in all, but has 1",
    )
    sentence = "trace should have shape (5, 3, 2), but has shape (5, 3, 7)"
    assert told(Linear(D, H).backward, DHS, DHS) == (ValueError, sentence)
    sentence = "trace should lie between 0 and 5, but holds 6"
    assert told(Embedding(V, D).backward, X, TOKENS + 6) == (ValueError, sentence)
    sentence = "trace should be the array that forward returned (x), but is an array of dtype int64"
    assert told(Linear(D, H).backward, DHS, TOKENS) == (TypeError, sentence)


@every_layer
def test_a_plain_tuple_of_a_traces_parts_is_that_trace(layer):
    layer = layer(D, H, rng=0)
    trace = layer.forward(np.ones((T, B, D)))[2]
    ours, expected = (layer.backward(np.ones((T, B, H)), t) for t in (tuple(trace), trace))
    np.testing.assert_array_equal(ours[0], expected[0])


def parts(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("k", [0, 2, np.int64(T - 1)])
@every_layer
def test_a_tail_is_the_trace_of_reading_on_from_the_state_before_it(layer, k):
    rng = np.random.default_rng(0)
    layer, x = layer(D, H, dtype=np.float64, rng=rng), rng.normal(size=(T, B, D))
    trace, state = layer.forward(x)[2], None
    for x_t in x[:k]:
        _, state = layer.step(x_t, state)
    _, last, expected = layer.forward(x[k:], state)
    tail = trace.tail(k)
    for ours, theirs in zip(tail, expected, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    dhs, ones = rng.normal(size=(T - k, B, H)), [np.ones((B, H)) for _ in parts(last)]
    dstate = tuple(ones) if isinstance(last, tuple) else ones[0]
    for ours, theirs in zip(layer.backward(dhs, tail, dstate), layer.backward(dhs, expected, dstate), strict=True):
        ours, theirs = (list(g.values()) if isinstance(g, dict) else parts(g) for g in (ours, theirs))
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@every_layer
def test_a_tail_of_sequences_that_end_knows_which_have_ended(layer):
    """Where the loss looks at the tail alone, the way back through the tail is the last part of the whole way."""
    rng, lengths = np.random.default_rng(0), np.array([T, 1, 3])
    layer, x, k = layer(D, H, dtype=np.float64, rng=rng), rng.normal(size=(T, B, D)), 2
    trace, dhs = layer.forward(x, lengths=lengths)[2], rng.normal(size=(T, B, H))
    dhs[:k] = 0
    dx = layer.backward(dhs, trace)[0]
    np.testing.assert_allclose(layer.backward(dhs[k:], trace.tail(k))[0], dx[k:], rtol=0, atol=1e-12)
    assert dx[k:, [0, 2]].any() and not dx[k:, 1].any()


@pytest.mark.parametrize(
    "k, error, sentence",
    [
        (T, ValueError, "k should lie between 0 and T - 1 = 4, but is 5"),
        (-1, ValueError, "k should lie between 0 and T - 1 = 4, but is -1"),
        (1.0, TypeError, "k should be a whole number, but is 1.0"),
        (True, TypeError, "k should be a whole number, but is True"),
    ],
)
@every_layer
def test_a_tail_begins_at_one_of_the_steps(layer, k, error, sentence):
    assert told(layer(D, H).forward(X)[2].tail, k) == (error, sentence)

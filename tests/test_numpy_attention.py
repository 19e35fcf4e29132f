"""Attention in NumPy: autograd's gradients, finite differences, and what no memory may change."""

import numpy as np
import pytest
import torch
from doors import REAL, told
from oracles import finite_differences, leaves

from rnnbook.in_numpy import AdditiveAttention, MultiplicativeAttention

S, T, B, Q, H, A = 4, 5, 3, 2, 7, 6  # all different, so that no transposed axis can pass unseen
LENGTHS = [None, [3, 5, 1]]
KINDS = {
    "additive": lambda rng=0, **options: AdditiveAttention(Q, H, A, rng=rng, **options),
    "general": lambda rng=0, **options: MultiplicativeAttention(Q, H, rng=rng, **options),
    "general, scaled": lambda rng=0, **options: MultiplicativeAttention(Q, H, scaled=True, rng=rng, **options),
    "dot": lambda rng=0, **options: MultiplicativeAttention(H, H, score="dot", **options),
    "dot, scaled": lambda rng=0, **options: MultiplicativeAttention(H, H, score="dot", scaled=True, **options),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
every_length = pytest.mark.parametrize("lengths", LENGTHS, ids=str)


def case(kind, seed=0):
    """A layer in float64, a query, a memory, and a random weighting of contexts and weights."""
    rng = np.random.default_rng(seed)
    layer = KINDS[kind](rng=rng, dtype=np.float64)
    shapes = [(S, B, layer.query_size), (T, B, H), (S, B, H), (S, B, T)]
    return layer, *(rng.normal(size=shape) for shape in shapes)


def score(layer, params, q, m):
    """One score, as the papers print it; q (Q,), m (H,)."""
    if isinstance(layer, AdditiveAttention):
        W, U, v = params["weight_query"], params["weight_memory"], params["weight_score"]
        return (v * torch.tanh(W @ q + U @ m)).sum()
    key = params["weight_memory"] @ m if layer.score == "general" else m
    return (q * key).sum() * layer.scale


def written_out(layer, params, query, memory, lengths):
    """Contexts and weights, one sequence and one query at a time; nothing past an end is looked at."""
    contexts, weights = torch.zeros(S, B, H, dtype=torch.float64), torch.zeros(S, B, T, dtype=torch.float64)
    for b, length in enumerate(lengths or [T] * B):
        for s in range(S):
            e = torch.stack([score(layer, params, query[s, b], memory[t, b]) for t in range(length)])
            alpha = e.exp() / e.exp().sum()
            weights[s, b, :length] = alpha
            contexts[s, b] = sum(alpha[t] * memory[t, b] for t in range(length))
    return contexts, weights


@every_kind
@every_length
def test_forward_and_backward_equal_autograd_on_the_equations(kind, lengths):
    layer, query, memory, dcontext, dweights = case(kind)
    tq, tm, *parts = leaves([query, memory, *layer.params.values()])
    params = dict(zip(layer.params, parts, strict=True))
    contexts, alphas = written_out(layer, params, tq, tm, lengths)
    ((contexts * torch.tensor(dcontext)).sum() + (alphas * torch.tensor(dweights)).sum()).backward()

    context, weights, trace = layer.forward(query, memory, None if lengths is None else np.array(lengths))
    dquery, dmemory, grads = layer.backward(dcontext, trace, dweights)
    expected = {"context": contexts.detach(), "weights": alphas.detach(), "dquery": tq.grad, "dmemory": tm.grad}
    found = {"context": context, "weights": weights, "dquery": dquery, "dmemory": dmemory}
    assert grads.keys() == layer.params.keys()
    for name, value in (found | grads).items():
        theirs = expected[name] if name in expected else params[name].grad
        np.testing.assert_allclose(value, theirs.numpy(), rtol=0, atol=1e-12, err_msg=name)


@every_kind
@every_length
def test_gradients_equal_finite_differences(kind, lengths):
    layer, query, memory, dcontext, _ = case(kind, 1)
    lengths = None if lengths is None else np.array(lengths)

    def loss():
        return np.vdot(layer.forward(query, memory, lengths)[0], dcontext)

    dquery, dmemory, grads = layer.backward(dcontext, layer.forward(query, memory, lengths)[2])
    for name, array in ({"query": query, "memory": memory} | layer.params).items():
        ours = ({"query": dquery, "memory": dmemory} | grads)[name]
        np.testing.assert_allclose(ours, finite_differences(loss, array), rtol=0, atol=1e-6, err_msg=name)


@every_kind
def test_weights_are_positive_and_sum_to_one(kind):
    layer, query, memory, *_ = case(kind)
    _, weights, _ = layer.forward(query, memory, np.array([3, 5, 1]))
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=0, atol=1e-12)
    inside = np.arange(T) < np.array([3, 5, 1])[:, None]
    assert (weights[:, inside] > 0).all() and (weights[:, ~inside] == 0).all()


@every_kind
def test_permuting_the_memory_permutes_the_weights_and_leaves_the_context(kind):
    layer, query, memory, *_ = case(kind)
    context, weights, _ = layer.forward(query, memory)
    order = [3, 0, 4, 2, 1]
    permuted, permuted_weights, _ = layer.forward(query, memory[order])
    np.testing.assert_allclose(permuted, context, rtol=0, atol=1e-12)
    np.testing.assert_allclose(permuted_weights, weights[..., order], rtol=0, atol=1e-12)


@every_kind
def test_what_lies_past_an_end_changes_nothing_be_it_nan(kind):
    layer, query, memory, dcontext, _ = case(kind)
    lengths = np.array([3, 5, 1])
    given = memory.copy()
    for b, length in enumerate(lengths):
        given[length:, b] = np.nan
    context, weights, trace = layer.forward(query, given, lengths)
    dquery, dmemory, grads = layer.backward(dcontext, trace)
    for b, length in enumerate(lengths):  # each sequence alone, cut at its end
        alone, its_weights, its_trace = layer.forward(query[:, b : b + 1], memory[:length, b : b + 1])
        its_dquery, its_dmemory, its_grads = layer.backward(dcontext[:, b : b + 1], its_trace)
        grads = {name: grad - its_grads[name] for name, grad in grads.items()}
        pairs = [(context[:, b], alone[:, 0]), (weights[:, b, :length], its_weights[:, 0])]
        pairs += [(dquery[:, b], its_dquery[:, 0]), (dmemory[:length, b], its_dmemory[:, 0])]
        for batched, single in pairs:
            np.testing.assert_allclose(batched, single, rtol=0, atol=1e-12)
        assert (dmemory[length:, b] == 0).all() and (weights[:, b, length:] == 0).all()
    for grad in grads.values():  # the batch's gradient is the sum of theirs
        np.testing.assert_allclose(grad, 0, rtol=0, atol=1e-12)


def test_a_constant_added_to_every_score_of_a_query_changes_nothing():
    """q · (m + k) = q · m + q · k: one number more for every step, if all keys are shifted alike."""
    layer, query, memory, *_ = case("dot")
    context, weights, _ = layer.forward(query, memory)
    shift = np.random.default_rng(1).normal(size=H)
    shifted, same_weights, _ = layer.forward(query, memory + shift)
    np.testing.assert_allclose(same_weights, weights, rtol=0, atol=1e-12)
    np.testing.assert_allclose(shifted, context + shift, rtol=0, atol=1e-12)


@every_kind
def test_a_memory_of_one_step_has_the_weight_one(kind):
    layer, query, memory, dcontext, _ = case(kind)
    context, weights, trace = layer.forward(query, memory[:1])
    np.testing.assert_array_equal(weights, np.ones((S, B, 1)))
    np.testing.assert_allclose(context, np.broadcast_to(memory[0], context.shape), rtol=0, atol=1e-15)
    dquery, *_ = layer.backward(dcontext, trace)
    np.testing.assert_allclose(dquery, 0, rtol=0, atol=1e-15)  # there was nothing to choose


@every_kind
def test_queries_do_not_see_each_other(kind):
    layer, query, memory, *_ = case(kind)
    context, weights, _ = layer.forward(query, memory)
    for s in range(S):
        alone, its_weights, _ = layer.forward(query[s : s + 1], memory)
        np.testing.assert_allclose(alone[0], context[s], rtol=0, atol=1e-12)
        np.testing.assert_allclose(its_weights[0], weights[s], rtol=0, atol=1e-12)


def test_scores_of_a_thousand_do_not_overflow():
    layer, query, memory, dcontext, _ = case("dot")
    context, weights, trace = layer.forward(1e3 * query, memory)
    assert np.isfinite(context).all() and (weights.max(axis=-1) > 0.99).any()
    assert all(np.isfinite(part).all() for part in layer.backward(dcontext, trace)[:2])


@every_kind
def test_the_dtype_is_kept_and_nothing_that_is_given_is_changed(kind):
    layer = KINDS[kind]()
    _, query, memory, dcontext, dweights = case(kind)
    given = [a.astype(np.float32) for a in (query, memory, dcontext, dweights)]
    copies = [a.copy() for a in given] + [a.copy() for a in layer.params.values()]
    context, weights, trace = layer.forward(*given[:2], np.array([3, 5, 1]))
    dquery, dmemory, grads = layer.backward(given[2], trace, given[3])
    for array in [context, weights, dquery, dmemory, *grads.values(), *layer.params.values()]:
        assert array.dtype == np.float32
    for before, after in zip(copies, [*given, *layer.params.values()], strict=True):
        np.testing.assert_array_equal(before, after)


def test_parameters_are_drawn_evenly_up_to_one_over_the_root_of_their_rows():
    layer = AdditiveAttention(50, 80, 100, rng=0)
    assert {n: p.shape for n, p in layer.params.items()} == {
        "weight_query": (100, 50),
        "weight_memory": (100, 80),
        "weight_score": (100,),
    }
    for p in layer.params.values():
        bound = p.shape[-1] ** -0.5
        assert 0.9 * bound < p.max() <= bound and -bound <= p.min() < -0.9 * bound
    assert MultiplicativeAttention(Q, H).params["weight_memory"].shape == (Q, H)
    assert MultiplicativeAttention(H, H, score="dot").params == {}


@every_kind
def test_a_state_dict_is_a_copy_and_is_loaded_whole_or_not_at_all(kind):
    layer, other = KINDS[kind](rng=1), KINDS[kind](rng=2)
    state = layer.state_dict()
    other.load_state_dict(state)
    for name, value in state.items():
        np.testing.assert_array_equal(other.params[name], value)
        value += 1
        assert not np.array_equal(layer.params[name], value)
    before = other.state_dict()
    assert told(other.load_state_dict, state | {"bias": np.zeros(1)})[1].startswith("the state dict holds bias")
    for name in state:
        assert told(other.load_state_dict, state | {name: np.full(3, 1.0)})[1].startswith(f"{name} should have shape")
        np.testing.assert_array_equal(other.params[name], before[name])


@every_kind
def test_a_mistake_is_told_with_its_argument(kind):
    layer, query, memory, dcontext, dweights = case(kind)
    sizes = layer.query_size
    trace = layer.forward(query, memory)[2]
    for call, sentence in [
        (lambda: layer.forward(query, memory[0]), "memory should have shape (T, B, 7), but has shape (3, 7)"),
        (
            lambda: layer.forward(query[0], memory),
            f"query should have shape (S, 3, {sizes}), but has shape (3, {sizes})",
        ),
        (
            lambda: layer.forward(query[:, :2], memory),
            f"query should have shape (S, 3, {sizes}), but has shape (4, 2, {sizes})",
        ),
        (
            lambda: layer.forward(query, memory, np.array([3, 6, 1])),
            "lengths should lie between 1 and T = 5, but are [3, 6, 1]",
        ),
        (lambda: layer.forward(query, memory, np.array([3, 5])), "lengths should have shape (3,), but has shape (2,)"),
        (lambda: layer.backward(dweights, trace), "dcontext should have shape (4, 3, 7), but has shape (4, 3, 5)"),
        (
            lambda: layer.backward(dcontext, trace, dcontext),
            "dweights should have shape (4, 3, 5), but has shape (4, 3, 7)",
        ),
    ]:
        assert told(call) == (ValueError, sentence)
    assert told(layer.forward, query.astype(int), memory) == (TypeError, f"query {REAL} int64")
    assert told(layer.forward, query, memory, np.full(B, 2.0)) == (
        TypeError,
        "lengths should hold whole numbers, but has dtype float64",
    )
    assert told(layer.backward, dcontext, None)[1].startswith(
        "trace should be the AttentionTrace that forward returned"
    )


def test_a_trace_of_another_attention_is_refused():
    additive, query, memory, dcontext, _ = case("additive")
    general = KINDS["general"](dtype=np.float64)
    refused = "trace should come from a {} with sizes (Q, H) = {}, but does not"
    for layer, trace in [(additive, general.forward(query, memory)[2]), (general, additive.forward(query, memory)[2])]:
        sentence = refused.format(type(layer).__name__, (Q, H))
        assert told(layer.backward, dcontext, trace) == (ValueError, sentence)
    other = MultiplicativeAttention(Q + 1, H, dtype=np.float64)
    assert told(other.backward, dcontext, general.forward(query, memory)[2])[1] == refused.format(
        "MultiplicativeAttention", (Q + 1, H)
    )


@pytest.mark.parametrize(
    "make, error, sentence",
    [
        (lambda: AdditiveAttention(0, H, A), ValueError, "query_size should be at least 1, but is 0"),
        (lambda: AdditiveAttention(Q, 7.5, A), TypeError, "memory_size should be a whole number, but is 7.5"),
        (lambda: AdditiveAttention(Q, H, -1), ValueError, "attention_size should be at least 1, but is -1"),
        (lambda: MultiplicativeAttention(Q, 0), ValueError, "memory_size should be at least 1, but is 0"),
        (
            lambda: MultiplicativeAttention(Q, H, score="concat"),
            ValueError,
            "score should be one of 'dot', 'general', but is 'concat'",
        ),
        (
            lambda: MultiplicativeAttention(Q, H, score="dot"),
            ValueError,
            'memory_size should equal query_size for score="dot", but memory_size = 7 and query_size = 2',
        ),
        (
            lambda: MultiplicativeAttention(Q, H, scaled=1),
            TypeError,
            "scaled should be True or False, but is 1",
        ),
        (
            lambda: MultiplicativeAttention(Q, H, dtype=int),
            TypeError,
            "dtype should be float32 or float64, but is int64",
        ),
    ],
)
def test_a_wrong_size_or_choice_is_told(make, error, sentence):
    assert told(make) == (error, sentence)

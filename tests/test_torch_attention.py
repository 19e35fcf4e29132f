"""Attention in PyTorch: PyTorch's own where it has it, a loop where it has not, and the NumPy version's numbers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from doors import told

from rnnbook import in_numpy
from rnnbook.in_torch import AdditiveAttention, MultiplicativeAttention

S, T, B, Q, H, A = 4, 5, 3, 2, 7, 6
LENGTHS = [None, [3, 5, 1]]
DOUBLE = {"dtype": torch.float64}
KINDS = {
    "additive": (lambda **o: AdditiveAttention(Q, H, A, **o), lambda **o: in_numpy.AdditiveAttention(Q, H, A, **o)),
    "general": (
        lambda **o: MultiplicativeAttention(Q, H, **o),
        lambda **o: in_numpy.MultiplicativeAttention(Q, H, **o),
    ),
    "dot, scaled": (
        lambda **o: MultiplicativeAttention(H, H, score="dot", scaled=True, **o),
        lambda **o: in_numpy.MultiplicativeAttention(H, H, score="dot", scaled=True, **o),
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
every_length = pytest.mark.parametrize("lengths", LENGTHS, ids=str)


def draw(Q=Q, seed=0):
    torch.manual_seed(seed)
    return torch.randn(S, B, Q, **DOUBLE), torch.randn(T, B, H, **DOUBLE)


def mask_of(lengths):
    return None if lengths is None else (torch.arange(T) < torch.tensor(lengths)[:, None])[:, None]


@every_length
@pytest.mark.parametrize("score", ["dot", "general"])
@pytest.mark.parametrize("scaled", [True, False])
def test_multiplicative_attention_is_pytorchs_scaled_dot_product_attention(score, scaled, lengths):
    """PyTorch has query, key and value; with W the key is W m and the value m itself."""
    sizes = (H, H) if score == "dot" else (Q, H)
    query, memory = draw(sizes[0])
    layer = MultiplicativeAttention(*sizes, score=score, scaled=scaled, **DOUBLE)
    key = memory if score == "dot" else memory @ layer.weight_memory.T
    query, memory, key = (x.detach().requires_grad_() for x in (query, memory, key))
    theirs = F.scaled_dot_product_attention(
        query.transpose(0, 1),
        key.transpose(0, 1),
        memory.transpose(0, 1),
        attn_mask=mask_of(lengths),
        scale=None if scaled else 1.0,
    ).transpose(0, 1)
    ours, _ = layer(query, memory, None if lengths is None else torch.tensor(lengths))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    dcontext = torch.randn(S, B, H, **DOUBLE)
    dquery, dvalue, dkey = torch.autograd.grad((theirs * dcontext).sum(), [query, memory, key])
    dmemory = dvalue + (dkey if score == "dot" else dkey @ layer.weight_memory)
    found = torch.autograd.grad((ours * dcontext).sum(), [query, memory])
    torch.testing.assert_close(found[0], dquery, rtol=0, atol=1e-12)
    torch.testing.assert_close(found[1], dmemory, rtol=0, atol=1e-12)


@every_kind
@every_length
def test_the_numpy_version_gives_the_same_results_and_gradients_from_the_same_state_dict(kind, lengths):
    in_torch, numpy = (make(dtype=dtype) for make, dtype in zip(KINDS[kind], (torch.float64, np.float64), strict=True))
    numpy.load_state_dict({name: p.detach().numpy() for name, p in in_torch.state_dict().items()})
    query, memory = (x.requires_grad_() for x in draw(in_torch.query_size))
    dcontext, dweights = torch.randn(S, B, H, **DOUBLE), torch.randn(S, B, T, **DOUBLE)
    context, weights = in_torch(query, memory, lengths)
    ((context * dcontext).sum() + (weights * dweights).sum()).backward()

    given = None if lengths is None else np.array(lengths)
    ours = numpy.forward(query.detach().numpy(), memory.detach().numpy(), given)
    dquery, dmemory, grads = numpy.backward(dcontext.numpy(), ours[2], dweights.numpy())
    theirs = {"context": context.detach(), "weights": weights.detach(), "query": query.grad, "memory": memory.grad}
    theirs |= {name: p.grad for name, p in in_torch.named_parameters()}
    found = {"context": ours[0], "weights": ours[1], "query": dquery, "memory": dmemory} | grads
    assert found.keys() == theirs.keys()
    for name, array in found.items():
        np.testing.assert_allclose(array, theirs[name].numpy(), rtol=0, atol=1e-12, err_msg=name)
    in_torch.load_state_dict({name: torch.tensor(a) for name, a in numpy.state_dict().items()})  # and back


@every_length
def test_additive_attention_equals_a_loop(lengths):
    layer, (query, memory) = AdditiveAttention(Q, H, A, **DOUBLE), draw()
    W, U, v = layer.weight_query, layer.weight_memory, layer.weight_score
    context, weights = layer(query, memory, lengths)
    for b, length in enumerate(lengths or [T] * B):
        for s in range(S):
            e = torch.stack([v @ torch.tanh(W @ query[s, b] + U @ memory[t, b]) for t in range(length)])
            alpha = F.pad(e.softmax(0), (0, T - length))
            torch.testing.assert_close(weights[s, b], alpha, rtol=0, atol=1e-12)
            torch.testing.assert_close(context[s, b], alpha @ memory[:, b], rtol=0, atol=1e-12)


@every_kind
def test_what_lies_past_an_end_is_never_read_nor_does_it_get_a_gradient(kind):
    layer = KINDS[kind][0](**DOUBLE)
    query, memory = draw(layer.query_size)
    lengths = torch.tensor([3, 5, 1])
    expected = layer(query, memory, lengths)
    past = torch.arange(T)[:, None] >= lengths
    given = memory.masked_fill(past[..., None], torch.nan).requires_grad_()
    found = layer(query, given, lengths)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    found[0].sum().backward()
    assert (given.grad[past] == 0).all() and given.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


@every_kind
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8])
def test_lengths_are_whole_numbers_of_any_dtype(kind, dtype):
    layer = KINDS[kind][0](**DOUBLE)
    query, memory = draw(layer.query_size)
    expected = layer(query, memory, [3, 5, 1])
    for ours, theirs in zip(layer(query, memory, torch.tensor([3, 5, 1], dtype=dtype)), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    sentence = "lengths should lie between 1 and T = 5, but are [3, 6, 1]"
    assert told(layer, query, memory, torch.tensor([3, 6, 1], dtype=dtype)) == (ValueError, sentence)


def test_they_print_their_arguments_and_tell_mistakes():
    assert repr(AdditiveAttention(Q, H, A)) == "AdditiveAttention(2, 7, 6)"
    assert repr(MultiplicativeAttention(Q, H)) == "MultiplicativeAttention(2, 7, score=general)"
    scaled = MultiplicativeAttention(H, H, score="dot", scaled=True)
    assert repr(scaled) == "MultiplicativeAttention(7, 7, score=dot, scaled=True)" and not list(scaled.parameters())
    query, memory = draw()
    layer = AdditiveAttention(Q, H, A, **DOUBLE)
    for call, error, sentence in [
        (lambda: layer(query[0], memory), ValueError, "query should have shape (S, 3, 2), but has shape (3, 2)"),
        (lambda: layer(query, query), ValueError, "memory should have shape (T, B, 7), but has shape (4, 3, 2)"),
        (
            lambda: layer(query, memory, torch.ones(3)),
            TypeError,
            "lengths should hold whole numbers, but has dtype torch.float32",
        ),
        (
            lambda: layer(query, memory, [3, 6, 0]),
            ValueError,
            "lengths should lie between 1 and T = 5, but are [3, 6, 0]",
        ),
        (lambda: layer(query, memory, [3, 5]), ValueError, "lengths should have shape (3,), but has shape (2,)"),
        (lambda: AdditiveAttention(Q, H, 0), ValueError, "attention_size should be at least 1, but is 0"),
        (
            lambda: MultiplicativeAttention(Q, H, score="dot"),
            ValueError,
            'memory_size should equal query_size for score="dot", but memory_size = 7 and query_size = 2',
        ),
        (
            lambda: MultiplicativeAttention(Q, H, score="cosine"),
            ValueError,
            "score should be one of 'dot', 'general', but is 'cosine'",
        ),
        (
            lambda: MultiplicativeAttention(Q, H, scaled="yes"),
            TypeError,
            "scaled should be True or False, but is 'yes'",
        ),
    ]:
        assert told(call) == (error, sentence)


def test_parameters_are_drawn_evenly_up_to_one_over_the_root_of_their_rows():
    torch.manual_seed(0)
    for parameter in AdditiveAttention(50, 80, 100).parameters():
        bound = parameter.size(-1) ** -0.5
        assert 0.9 * bound < parameter.max() < bound and -bound < parameter.min() < -0.9 * bound


@every_kind
def test_a_move_to_bfloat16_moves_the_results(kind):
    layer = KINDS[kind][0]().to(torch.bfloat16)
    query, memory = (x.bfloat16() for x in draw(layer.query_size))
    context, weights = layer(query, memory, [3, 5, 1])
    assert context.dtype == weights.dtype == torch.bfloat16

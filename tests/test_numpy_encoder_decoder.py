"""The encoder-decoder: its gradients by hand are autograd's, padding is never read, and it runs freely as it should."""

import numpy as np
import pytest
import torch
from doors import told

from rnnbook import in_torch
from rnnbook.in_numpy import (
    GRU,
    LSTM,
    RNN,
    AdditiveAttention,
    Bidirectional,
    EncoderDecoder,
    MultiplicativeAttention,
    Stacked,
)
from rnnbook.in_numpy.functions import cross_entropy

T, S, B, E, H, V_IN, V_OUT = 6, 4, 3, 2, 5, 7, 8
LENGTHS = np.array([4, 6, 1])
ATTENTIONS = {
    "no attention": (lambda rng: None, None),
    "multiplicative": (
        lambda rng: MultiplicativeAttention(H, H, dtype=np.float64, rng=rng),
        lambda: in_torch.MultiplicativeAttention(H, H, dtype=torch.float64),
    ),
    "additive": (
        lambda rng: AdditiveAttention(H, H, 9, dtype=np.float64, rng=rng),
        lambda: in_torch.AdditiveAttention(H, H, 9, dtype=torch.float64),
    ),
}
every_attention = pytest.mark.parametrize("kind", ATTENTIONS)
every_layer = pytest.mark.parametrize("layer", [RNN, GRU, LSTM])


def model_of(kind="multiplicative", layer=GRU, seed=0):
    rng = np.random.default_rng(seed)
    encoder, decoder = (layer(E, H, dtype=np.float64, rng=rng) for _ in range(2))
    return EncoderDecoder(V_IN, V_OUT, encoder, decoder, ATTENTIONS[kind][0](rng), rng=rng)


def tokens(seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(V_IN, size=(T, B)), rng.integers(V_OUT, size=(S + 1, B))


class Module(torch.nn.Module):
    """The same network of PyTorch's own layers, each sequence alone and cut at its end."""

    def __init__(self, kind, layer):
        super().__init__()
        recurrent = getattr(torch.nn, layer.__name__)
        self.embedding_in, self.encoder = torch.nn.Embedding(V_IN, E), recurrent(E, H)
        self.embedding_out, self.decoder = torch.nn.Embedding(V_OUT, E), recurrent(E, H)
        if ATTENTIONS[kind][1] is not None:
            self.attention, self.combine = ATTENTIONS[kind][1](), torch.nn.Linear(2 * H, H)
        self.head = torch.nn.Linear(H, V_OUT)

    def forward(self, source, said, lengths):
        logits = []
        for b, length in enumerate(lengths):
            memory, state = self.encoder(self.embedding_in(source[:length, b : b + 1]))
            states, _ = self.decoder(self.embedding_out(said[:, b : b + 1]), state)
            if hasattr(self, "attention"):
                context, _ = self.attention(states, memory)
                states = torch.tanh(self.combine(torch.cat([context, states], -1)))
            logits.append(self.head(states))
        return torch.cat(logits, 1)


@every_attention
@every_layer
def test_logits_and_gradients_equal_autograds(kind, layer):
    model, (source, target) = model_of(kind, layer), tokens()
    module = Module(kind, layer).double()
    module.load_state_dict({name: torch.tensor(value) for name, value in model.state_dict().items()})
    theirs = module(torch.tensor(source), torch.tensor(target[:-1]), LENGTHS)
    torch.nn.functional.cross_entropy(theirs.flatten(0, 1), torch.tensor(target[1:]).flatten()).backward()

    logits, weights, trace = model.forward(source, target[:-1], LENGTHS)
    _, dlogits = cross_entropy(logits, target[1:])
    grads = model.backward(dlogits, trace)
    np.testing.assert_allclose(logits, theirs.detach().numpy(), rtol=0, atol=1e-12)
    assert list(grads) == list(model.params) == [name for name, _ in module.named_parameters()]
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(grads[name], parameter.grad.numpy(), rtol=0, atol=1e-12, err_msg=name)
    assert (weights is None) == (kind == "no attention")


@every_attention
def test_what_lies_past_an_end_changes_nothing(kind):
    model, (source, target) = model_of(kind), tokens()
    other = np.where(np.arange(T)[:, None] < LENGTHS, source, (source + 1) % V_IN)
    assert (other != source).any()
    for first, second in zip(
        model.forward(source, target[:-1], LENGTHS)[:2], model.forward(other, target[:-1], LENGTHS)[:2], strict=True
    ):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(model.free(source, 0, S, LENGTHS)[0], model.free(other, 0, S, LENGTHS)[0])


@every_attention
@every_layer
def test_running_freely_is_reading_ones_own_likeliest_token(kind, layer):
    model, (source, _) = model_of(kind, layer), tokens()
    said, weights = model.free(source, 3, S, LENGTHS)
    before = np.concatenate([np.full((1, B), 3), said[:-1]])
    logits, forced, _ = model.forward(source, before, LENGTHS)
    np.testing.assert_array_equal(logits.argmax(axis=-1), said)
    if kind != "no attention":
        np.testing.assert_allclose(weights, forced, rtol=0, atol=1e-12)


def test_without_attention_the_order_of_what_was_read_decides_and_nothing_else_is_kept():
    """The decoder gets one state: two lines with the same last state are the same to it."""
    model, (source, target) = model_of("no attention"), tokens()
    model.encoder.params["weight_ih"][...] = 0  # reads nothing, so every line ends in the same state
    one, _, _ = model.forward(source, target[:-1])
    other, _, _ = model.forward(source[::-1], target[:-1])
    np.testing.assert_array_equal(one, other)


def test_a_state_dict_is_loaded_whole_or_not_at_all():
    model, other = model_of(seed=1), model_of(seed=2)
    other.load_state_dict(model.state_dict())
    source, target = tokens()
    np.testing.assert_array_equal(model.forward(source, target)[0], other.forward(source, target)[0])
    state = model.state_dict()
    state.pop("combine.bias")
    assert told(other.load_state_dict, state) == (ValueError, "combine.bias is missing from the state dict")


def test_a_mistake_is_told_with_its_argument():
    model, (source, target) = model_of(), tokens()
    gru, trace = GRU(E, H), model.forward(source, target)[2]
    for call, error, sentence in [
        (lambda: EncoderDecoder(V_IN, V_OUT, None, gru), TypeError, "encoder should be a recurrent layer, but is None"),
        (
            lambda: EncoderDecoder(V_IN, V_OUT, Stacked([gru]), Stacked([gru])),
            TypeError,
            "encoder should be an RNN, GRU or LSTM, but is a Stacked",
        ),
        (
            lambda: EncoderDecoder(V_IN, V_OUT, gru, Bidirectional(gru, gru)),
            TypeError,
            "decoder should be an RNN, GRU or LSTM, but is a Bidirectional",
        ),
        (
            lambda: EncoderDecoder(V_IN, V_OUT, gru, gru, "additive"),
            TypeError,
            "attention should be an attention layer or None, but is a str",
        ),
        (
            lambda: EncoderDecoder(V_IN, V_OUT, gru, LSTM(E, H)),
            ValueError,
            "decoder should match the encoder, GRU with 5 units, but is LSTM with 5 units",
        ),
        (
            lambda: EncoderDecoder(V_IN, V_OUT, gru, GRU(E, H + 1)),
            ValueError,
            "decoder should match the encoder, GRU with 5 units, but is GRU with 6 units",
        ),
        (
            lambda: EncoderDecoder(V_IN, V_OUT, gru, gru, MultiplicativeAttention(H, 9)),
            ValueError,
            "attention should have the sizes (Q, H) = (5, 5), but has (5, 9)",
        ),
        (lambda: model.forward(source[0], target), ValueError, "source should have shape (T, B), but has shape (3,)"),
        (
            lambda: model.forward(source, target[:, :2]),
            ValueError,
            "said should have shape (S, 3), but has shape (5, 2)",
        ),
        (
            lambda: model.forward(source + V_IN, target),
            ValueError,
            f"tokens should lie between 0 and {V_IN - 1}, but holds {(source + V_IN)[0, 0]}",
        ),
        (lambda: model.free(source, V_OUT, S), ValueError, "start should lie between 0 and 7, but holds 8"),
        (lambda: model.free(source, 0, 0), ValueError, "steps should be at least 1, but is 0"),
        (
            lambda: model.backward(np.zeros((S, B, V_OUT)), trace),
            ValueError,
            "dlogits should have shape (5, 3, 8), but has shape (4, 3, 8)",
        ),
    ]:
        assert told(call) == (error, sentence)

"""The projects: what reaches the bar passes, what breaks a rule is refused with the rule, and nothing else passes."""

import numpy as np
import pytest
from searches import LIBRARY, SLOW

from rnnbook.in_numpy.functions import sigmoid
from rnnbook.lessons.exercises import parallel, speed, state_space
from rnnbook.rivals import WittenBell

in_part = pytest.mark.search(SLOW, "rnnbook/lessons/exercises/*.py", *LIBRARY)

# serve a stream


class Server:
    """An LSTM cell by hand."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.W, self.U, self.b = rng.normal(size=(16, 5)), rng.normal(size=(16, 4)), rng.normal(size=16)

    def start(self):
        return np.zeros(4), np.zeros(4)

    def step(self, x_t, state):
        h, c = state
        i, f, g, o = np.split(self.W @ x_t + self.U @ h + self.b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return h, (h, c)

    def whole(self, x):
        state, ys = Server.start(self), []
        for x_t in x:
            y, state = Server.step(self, x_t, state)
            ys.append(y)
        return np.array(ys)


class Remembers(Server):
    """Keeps the state in the object: two listeners disturb each other."""

    def step(self, x_t, state):
        y, self.state = super().step(x_t, getattr(self, "state", state))
        return y, state


class Grows(Server):
    """Keeps all that it has read."""

    def start(self):
        return np.zeros((0, 5))

    def step(self, x_t, state):
        state = np.concatenate([state, x_t[None]])
        return x_t[:4], state


class Deaf(Server):
    def step(self, x_t, state):
        return np.zeros(4), state

    def whole(self, x):
        return np.zeros((len(x), 4))


class LosesTheCarry(Server):
    def step(self, x_t, state):
        y, (h, c) = super().step(x_t, state)
        return y, (h, 0 * c)


def test_a_server_of_two_streams_passes():
    assert speed.check_serve(Server()).passed


@pytest.mark.parametrize(
    "server, said",
    [
        (Remembers, "not yet. Keep each listener's state separate"),
        (Grows, "The state grows"),
        (Deaf, "do not depend on the input"),
        (LosesTheCarry, "not yet"),
        (object, "stopped with AttributeError"),
    ],
)
def test_a_server_that_breaks_a_rule_is_told_which(server, said):
    verdict = speed.check_serve(server())
    assert not verdict and said in verdict.message


# pass the copy task


def copies(x):
    """Say the first five symbols again in the last five steps, reading from left to right."""
    y = np.zeros_like(x)
    y[:-5, :, 0] = 1
    y[-5:] = x[:5]
    return y


def test_the_copy_task_is_passed_by_what_copies_and_not_by_a_guess():
    assert parallel.check_copy_task(copies).passed
    guess = parallel.check_copy_task(lambda x: np.random.default_rng(0).normal(size=x.shape))
    assert not guess and guess.kind == "unknown"
    one = parallel.check_copy_task(lambda x: np.broadcast_to([0, 1.0, 0, 0, 0, 0], x.shape))
    assert not one and 0.2 < float(one.message.split()[0]) < 0.3


def test_a_network_that_looks_ahead_is_refused():
    reversed_too = parallel.check_copy_task(lambda x: copies(x) + 2 * np.roll(x, -1, axis=0))
    assert "from left to right" in reversed_too.message
    assert "of shape (30, 200, 6)" in parallel.check_copy_task(lambda x: x[0]).message


# beat the n-gram


def as_log_p(model):
    """What an n-gram says of all 27 tokens behind each place."""

    def log_p(tokens):
        before = np.stack([np.concatenate([np.zeros(2, int), tokens])[k : k + len(tokens)] for k in range(3)], axis=1)
        rows = []
        for v in range(
            27
        ):  # all contexts with v behind them, one after another: each is as long as the model looks back
            asked = np.concatenate([before, np.full((len(tokens), 1), v)], axis=1)
            rows.append(model.probabilities(asked.ravel())[-1, 3::4])
        return np.log(np.array(rows).T)

    return log_p


@pytest.fixture
def few_words(monkeypatch):
    """The same project on few words, so that an n-gram can be asked for all tokens in a second."""
    whole = state_space.spellings
    monkeypatch.setattr(state_space, "spellings", lambda part="train", count=0: whole(part, 40 if count else 400))
    state_space._bits_of_the_ngram.cache_clear()
    yield
    state_space._bits_of_the_ngram.cache_clear()


@in_part
@pytest.mark.slow
def test_the_best_n_gram_meets_the_bar_and_does_not_pass_and_one_that_knows_more_does(few_words):
    bar = state_space._bits_of_the_ngram()
    same = state_space.check_beat_the_ngram(as_log_p(WittenBell(state_space.spellings(), 27, 4)))
    assert not same and float(same.message.split()[0]) > bar - 0.01
    knows = WittenBell(state_space.spellings("test", 1000), 27, 4)
    assert state_space.check_beat_the_ngram(as_log_p(knows)).passed


@in_part
@pytest.mark.slow
def test_probabilities_that_know_the_next_letter_or_do_not_sum_to_one_are_refused():
    def peeks(tokens):
        log_p = np.full((len(tokens), 27), np.log(0.1 / 26))
        log_p[np.arange(len(tokens)), np.roll(tokens, -1)] = np.log(0.9)
        return log_p

    assert "A row changes with later letters" in state_space.check_beat_the_ngram(peeks).message
    assert "do not sum to 1" in state_space.check_beat_the_ngram(lambda tokens: np.zeros((len(tokens), 27))).message
    assert "27)" in state_space.check_beat_the_ngram(lambda tokens: np.zeros(3)).message
    alike = state_space.check_beat_the_ngram(lambda tokens: np.full((len(tokens), 27), -np.log(27)))
    assert not alike and alike.message.startswith(f"{np.log2(27):.4g} bits per letter")


@in_part
@pytest.mark.slow
def test_the_words_of_the_test_are_not_among_those_of_the_training():
    def spelled(part):
        letters = "".join("\n" if t == 0 else chr(96 + t) for t in state_space.spellings(part, 1000))
        return set(letters.split())

    assert len(spelled("test")) == 1000 and not spelled("train") & spelled("test")

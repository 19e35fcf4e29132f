"""The long runs behind the chapter *From one sequence to another*: written dates, with and without attention.

    python book/experiments/seq2seq.py    half an hour on one core; writes seq2seq.json beside it

Task: the ISO date of a line of text (``rnnbook.data.dates``), days that were never trained on. All networks have 27,000
to 29,500 parameters and see the same lines in the same number of updates; the learning rate of each kind was chosen
from two on lines of training days, with a seed of its own. In float32: another processor may give a few lines more or
fewer.
"""

import json
import math
import re
from difflib import get_close_matches

import numpy as np
import torch
from harness import recording
from torch import nn

from rnnbook import in_torch
from rnnbook.data import dates

SETTINGS = {"lines": 30_000, "batch": 64, "updates": 800, "clip": 1.0, "warm_up": 0.05, "words": [0, 3]}
SEEDS = [0, 1, 2, 3, 4]
RATES, CHOOSING = [3e-3, 1e-2], {"seed": 100, "updates": 300}
TEST = {"lines": 200, "words": [0, 1, 2, 3, 5, 8, 12]}  # lines for each number of words
E = 16  # numbers for each character
NETWORKS = {  # kind, hidden units
    "no attention": ("none", 57),
    "no attention, reversed": ("reversed", 57),
    "multiplicative": ("general", 48),
    "additive": ("additive", 48),
    "transformer": ("transformer", 36),
    "transformer, shifted": ("shifted", 36),
}
SHIFT = 60  # the last place at which a training line of the shifted transformer may begin
OWN = 0.5  # scheduled sampling: this share of the characters that are read are the network's own
PLANS = [(name, SETTINGS["updates"], 0.0) for name in ("no attention", "multiplicative", "additive", "transformer")]
ASIDE = [("no attention, reversed", SETTINGS["updates"], 0.0), ("no attention", 2 * SETTINGS["updates"], 0.0)]
ASIDE += [("transformer", 2 * SETTINGS["updates"], 0.0)]
ASIDE += [("no attention", SETTINGS["updates"], OWN)]
SEEDS_ASIDE = SEEDS[:3]
ONCE = [("transformer, shifted", 2 * SETTINGS["updates"], 0.0)]  # the first seed alone


class EncoderDecoder(nn.Module):
    """Two GRUs; the decoder begins where the encoder ended, and with attention looks back at all of its states."""

    def __init__(self, kind, H):
        super().__init__()
        self.kind = kind
        self.embedding_in = nn.Embedding(len(dates.SOURCE_ALPHABET), E)
        self.encoder = in_torch.GRU(E, H)
        self.embedding_out = nn.Embedding(len(dates.TARGET_ALPHABET), E)
        self.decoder = in_torch.GRU(E, H)
        if kind in ("general", "additive"):
            general, additive = in_torch.MultiplicativeAttention, in_torch.AdditiveAttention
            self.attention = general(H, H) if kind == "general" else additive(H, H, H // 2)
            self.combine = nn.Linear(2 * H, H)
        self.head = nn.Linear(H, len(dates.TARGET_ALPHABET))

    def encode(self, source, lengths):
        columns = torch.arange(source.shape[1])
        if self.kind == "reversed":  # the last character first; what lies behind an end stays there
            place = lengths - 1 - torch.arange(len(source))[:, None]
            source = source[torch.where(place < 0, torch.arange(len(source))[:, None], place), columns]
        memory, _ = self.encoder(self.embedding_in(source))
        return memory, memory[lengths - 1, columns][None], lengths

    def decode(self, said, encoded, weigh=None):
        """Return logits (S, B, V) after the characters said (S, B), the weights (S, B, T) or None, and the state."""
        memory, state, lengths = encoded
        states, state = self.decoder(self.embedding_out(said), state)
        if not hasattr(self, "attention"):
            return self.head(states), None, state
        context, weights = self.attention(states, memory, lengths)
        if weigh is not None:  # weights of somebody else's
            context = torch.einsum("sbt,tbh->sbh", weigh, memory)
        return self.head(torch.tanh(self.combine(torch.cat([context, states], -1)))), weights, state

    def forward(self, source, lengths, said):
        return self.decode(said, self.encode(source, lengths))[0]

    def free(self, source, lengths, weigh=None):
        """Return the answer (10, B) that the network spells when it reads only its own characters."""
        memory, state, lengths = self.encode(source, lengths)
        said, answer = torch.full((1, source.shape[1]), dates.START), []
        for s in range(dates.ANSWER):
            now = None if weigh is None else weigh[s : s + 1]
            logits, _, state = self.decode(said, (memory, state, lengths), now)
            said = logits.argmax(-1)
            answer.append(said)
        return torch.cat(answer)


class Transformer(nn.Module):
    """One layer that reads, one that writes, four heads, and sines for the places.

    In training, the lines of a batch begin at a place drawn from 0 to ``shift``.
    """

    def __init__(self, d, shift=0):
        super().__init__()
        self.kind, self.d, self.shift = "transformer", d, shift
        self.embedding_in = nn.Embedding(len(dates.SOURCE_ALPHABET), d)
        self.embedding_out = nn.Embedding(len(dates.TARGET_ALPHABET), d)
        options = {"d_model": d, "nhead": 4, "dim_feedforward": 2 * d, "dropout": 0.0, "norm_first": True}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**options), 1, norm=nn.LayerNorm(d), enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**options), 1, norm=nn.LayerNorm(d))
        self.head = nn.Linear(d, len(dates.TARGET_ALPHABET))

    def placed(self, x, first=0):
        """Add sines and cosines of the place to x (T, B, d), which begins at place ``first``."""
        place = (first + torch.arange(len(x)))[:, None] * torch.exp(
            -math.log(1e4) * torch.arange(0, self.d, 2) / self.d
        )
        return x + torch.cat([place.sin(), place.cos()], -1)[:, None]

    def forward(self, source, lengths, said):
        padding = torch.arange(len(source)) >= lengths[:, None]
        first = int(torch.randint(self.shift + 1, ())) if self.training and self.shift else 0
        memory = self.encoder(self.placed(self.embedding_in(source), first), src_key_padding_mask=padding)
        later = torch.full((len(said), len(said)), -torch.inf).triu(1)
        states = self.decoder(self.placed(self.embedding_out(said)), memory, later, memory_key_padding_mask=padding)
        return self.head(states)

    def free(self, source, lengths):
        said = torch.full((1, source.shape[1]), dates.START)
        for _ in range(dates.ANSWER):
            said = torch.cat([said, self(source, lengths, said)[-1:].argmax(-1)])
        return said[1:]


def network(name):
    kind, H = NETWORKS[name]
    if kind in ("transformer", "shifted"):
        return Transformer(H, SHIFT if kind == "shifted" else 0)
    return EncoderDecoder(kind, H)


def arrays(drawn):
    """Return the tokens of lines (T, B), their lengths, and those of the answers (11, B)."""
    tokens, lengths = dates.encode_lines(drawn.lines)
    return torch.tensor(tokens), torch.tensor(lengths), torch.tensor(dates.encode_answers(drawn.answers))


def batches(lengths, B):
    """Return the rows of each batch, drawn so that lines of like length are together: less padding to read."""
    pools = torch.randperm(len(lengths)).split(16 * B)
    together = torch.cat([pool[lengths[pool].argsort()] for pool in pools]).split(B)
    return [together[k] for k in torch.randperm(len(together))]


def train(name, lines, seed, rate, updates, own=0.0):
    """Return a network after so many updates; ``own`` is the share of characters it reads from its own mouth."""
    torch.manual_seed(seed)
    model, (source, lengths, target) = network(name), lines
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    warm = SETTINGS["warm_up"] * updates
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min(1, (i + 1) / warm) * 0.5 * (1 + math.cos(math.pi * i / updates))
    )
    losses = []
    while len(losses) < updates:
        for batch in batches(lengths, SETTINGS["batch"])[: updates - len(losses)]:
            x, ends = source[: lengths[batch].max(), batch], lengths[batch]
            said = target[:-1, batch]
            if own:
                with torch.no_grad():
                    spoken = torch.cat([said[:1], model.free(x, ends)[:-1]])
                said = torch.where(torch.rand(said.shape) < own, spoken, said)
            logits = model(x, ends, said)
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), target[1:, batch].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    return model, float(np.mean(losses[-100:]))


def free_running(model, lines, **options):
    """Return the answers of a network to lines, (10, B)."""
    model.eval()
    with torch.no_grad():
        return model.free(*lines[:2], **options)


def teacher_forced(model, lines):
    """Return the characters it takes for the likeliest, (10, B), when every one before is the true one."""
    model.eval()
    with torch.no_grad():
        return model(lines[0], lines[1], lines[2][:-1]).argmax(-1)


def after_a_mistake(right):
    """Return right and all of the characters that come behind the first wrong one of their answer; right (10, B)."""
    behind = (~right).cumsum(0) - (~right).long() > 0
    return int((right & behind).sum()), int(behind.sum())


def both_regimes(model, lines):
    """Return shares of right lines and characters with the true characters before, and with its own."""
    target, found = lines[2][1:], {}
    for regime, answer in [("forced", teacher_forced(model, lines)), ("free", free_running(model, lines))]:
        right = answer == target
        found[regime] = {
            "exact": share(right.all(0)),
            "characters": share(right),
            "after a mistake": list(after_a_mistake(right)),
        }
    return found


def share(right):
    return round(right.double().mean().item(), 4)


def alignment(model, drawn, lines):
    """Return where the attention looks, beside two controls, and what the network says with other weights.

    Counted are the characters that follow from letters of the line: not the hyphens, nor the century of a short year.
    ``mass`` is the weight on those letters, ``top`` the share of characters whose largest weight lies on them.
    """
    source, lengths, target = lines
    T, B = source.shape
    with torch.no_grad():
        _, weights, _ = model.decode(target[:-1], model.encode(source, lengths))
    true, follows = truth(drawn.spans, T)
    t, s = torch.arange(T)[:, None], torch.arange(dates.ANSWER)
    inside = (t < lengths).T
    uniform = (inside / lengths[:, None]).expand(dates.ANSWER, B, T)
    place = (s[:, None] * (lengths - 1) / (dates.ANSWER - 1)).round().long()
    controls = {"attention": weights, "uniform": uniform, "diagonal": nn.functional.one_hot(place, T).float()}
    found = {}
    for name, alpha in controls.items():
        mass = (alpha * true).sum(-1)[follows]
        top = true.gather(-1, alpha.argmax(-1, keepdim=True))[..., 0][follows].float()
        found[name] = {"mass": round(mass.mean().item(), 4)} | ({} if name == "uniform" else {"top": share(top)})
    beside = [shifted(true, k) for k in (1, 2)]
    wide = torch.stack([true, *beside]).amax(0)
    found["attention"]["mass, up to two letters later"] = round((weights * wide).sum(-1)[follows].mean().item(), 4)
    given = true / true.sum(-1, keepdim=True).clamp(min=1)
    given = torch.where(follows[..., None], given, weights)
    for name, weigh in [("its own", None), ("uniform", uniform), ("the true letters", given)]:
        answer = free_running(model, lines, weigh=weigh)
        found[f"exact with weights: {name}"] = share((answer == target[1:]).all(0))
    return found


def truth(spans, T):
    """Return where each character comes from, (10, B, T) of zeros and ones, and (10, B), whether from anywhere."""
    start, end = torch.tensor(spans).permute(2, 1, 0)
    t = torch.arange(T)
    return ((t >= start[..., None]) & (t < end[..., None])).float(), end > start


def shifted(true, k):
    return torch.cat([torch.zeros_like(true[..., :k]), true[..., :-k]], -1)


DATE = re.compile(
    r"(?P<n>\d+)/(?P<d>\d+)/(?P<Y>\d{4})|(?P<d2>\d+)\.(?P<n2>\d+)\.(?P<Y2>\d{4})|(?P<Y3>\d{4})|'(?P<y>\d\d)|(?P<d3>\d+)"
)


def by_rules(line, spelling=True):
    """Return the date of a line by one regular expression, and the month by its name or the name nearest to it."""
    found = {}
    for match in DATE.finditer(line):
        found |= {name[0]: text for name, text in match.groupdict().items() if text}
    if "n" not in found:
        names = dict(zip([*dates.MONTHS, *(month[:3] for month in dates.MONTHS)], [*range(1, 13)] * 2, strict=True))
        words = re.findall("[a-z]+", line)
        month = next((names[word] for word in words if word in names), None)
        if month is None and spelling:
            others = [word for word in words if word not in {*dates.WORDS, *dates.WEEKDAYS, "day", "the", "of", "on"}]
            near = [get_close_matches(word, dates.MONTHS, 1, 0.6) for word in others]
            month = next((names[match[0]] for match in near if match), 1)
        found["n"] = month or 1
    year = int(found["Y"]) if "Y" in found else int(found["y"]) + (1900 if int(found["y"]) >= dates.PIVOT else 2000)
    return f"{year}-{int(found['n']):02}-{int(found['d']):02}"


def by_rules_right(drawn, spelling):
    answers = [by_rules(line, spelling) for line in drawn.lines]
    return round(float(np.mean([a == b for a, b in zip(answers, drawn.answers, strict=True)])), 4)


def choose_rates(lines, valid):
    """Return the share of right characters of each kind at each rate, and the better rate of each kind."""
    tried, rates = {}, {}
    for name in [name for name in NETWORKS if name != "transformer, shifted"]:  # that one takes the transformer's
        tried[name] = {}
        for rate in RATES:
            model, _ = train(name, lines, CHOOSING["seed"], rate, CHOOSING["updates"])
            tried[name][str(rate)] = share(free_running(model, valid) == valid[2][1:])
        rates[name] = float(max(tried[name], key=tried[name].get))
        print(f"{name:24} {tried[name]}", flush=True)
    return tried, rates | {"transformer, shifted": rates["transformer"]}


def main():
    torch.set_num_threads(1)
    lines = arrays(dates.written_dates(1000, SETTINGS["lines"], words=SETTINGS["words"]))
    valid = arrays(dates.written_dates(1001, 500, words=SETTINGS["words"]))
    drawn = {k: dates.written_dates(2000 + k, TEST["lines"], words=(k, k), part="test") for k in TEST["words"]}
    tests = {k: arrays(each) for k, each in drawn.items()}
    usual = dates.written_dates(3000, 1000, words=SETTINGS["words"], part="test")
    what = "the ISO date of a line of text: shares of right lines, and of right characters, on days never trained on"
    settings = SETTINGS | {"networks": NETWORKS, "choosing": CHOOSING | {"rates": RATES}, "test": TEST}
    settings |= {"seeds of the questions aside": SEEDS_ASIDE, "shift": SHIFT}
    with recording(__file__, what, settings=settings, seeds=SEEDS) as record:
        tried, rates = choose_rates(lines, valid)
        record |= {
            "parameters": {name: sum(p.numel() for p in network(name).parameters()) for name in NETWORKS},
            "rates tried": tried,
            "rates": rates,
            "mean length": {
                k: round(float(np.mean([len(line) for line in each.lines])), 1) for k, each in drawn.items()
            },
            "rules": {
                "as spelt": by_rules_right(usual, False),
                "nearest month": by_rules_right(usual, True),
                "by words": {k: by_rules_right(each, True) for k, each in drawn.items()},
            },
            "runs": [],
        }
        for seed in SEEDS:
            plans = PLANS + (ASIDE if seed in SEEDS_ASIDE else []) + (ONCE if seed == SEEDS[0] else [])
            record["runs"] += [measured(plan, seed, lines, rates, tests, usual) for plan in plans]


def measured(plan, seed, lines, rates, tests, usual):
    """Train one network, and return all that is asked of it."""
    name, updates, own = plan
    model, loss = train(name, lines, seed, rates[name], updates, own)
    run = {"network": name, "seed": seed, "updates": updates, "own": own, "loss": round(loss, 4)}
    run |= both_regimes(model, arrays(usual))
    rights = {str(k): free_running(model, test) == test[2][1:] for k, test in tests.items()}
    run["by words"] = {k: share(right.all(0)) for k, right in rights.items()}
    run["characters by words"] = {k: share(right) for k, right in rights.items()}
    if name in ("multiplicative", "additive"):
        run["alignment"] = alignment(model, usual, arrays(usual))
    print(json.dumps(run), flush=True)
    return run


if __name__ == "__main__":
    main()

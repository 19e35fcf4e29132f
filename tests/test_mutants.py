"""The mutants: every rule makes its mistake, nothing else is touched, and each can be run."""

import pytest

from rnnbook.lessons.exercises.mutants import load, mutants

RULES = [
    ("y = i * g", "term or factor dropped", ["y = i", "y = g"]),
    ("y = a + b", "operator exchanged", ["y = a - b"]),
    ("y = a * b", "operator exchanged", ["y = a / b"]),
    ("y = a ** 2", "term or factor dropped", ["y = a"]),
    ("y = -a", "sign or not dropped", ["y = a"]),
    ("y = not a", "sign or not dropped", ["y = a"]),
    ("y = h @ W.T", "transposition dropped", ["y = h @ W"]),
    ("y = W.mT", "transposition dropped", ["y = W"]),
    ("import np\ny = np.tanh(a)", "call dropped", ["import np\ny = a"]),
    ("y = a.sum(axis=0)", "call dropped", ["y = a"]),
    ("for t in reversed(ts):\n    f", "call dropped", ["for t in ts:\n    f"]),
    ("y = a.sum()", "function exchanged", ["y = a.mean()"]),
    ("y = max(a)", "function exchanged", ["y = min(a)"]),
    ("y = f(a, b, c)", "arguments exchanged", ["y = f(b, a, c)", "y = f(a, c, b)"]),
    ("y = f(a, b)", "argument as zeros", ["y = f(0 * a, b)", "y = f(a, 0 * b)"]),
    ("y = f(a, order='C')", "keyword dropped", ["y = f(a)"]),
    ("y = a[1]", "constant changed", ["y = a[2]", "y = a[0]"]),
    ("y = a.sum(axis=0)", "constant changed", ["y = a.sum(axis=1)", "y = a.sum(axis=-1)"]),
    ("y = 0.5", "constant changed", ["y = 0.45"]),
    ("def f(bias=True, *, n=3):\n    a", "constant changed",
     ["def f(bias=False, *, n=3):\n    a", "def f(bias=True, *, n=4):\n    a", "def f(bias=True, *, n=2):\n    a"]),
    ("y = a < b", "comparison exchanged", ["y = a <= b"]),
    ("y = a is None", "comparison exchanged", ["y = a is not None"]),
    ("y = a and b", "and, or exchanged", ["y = a or b"]),
    ("y = a and b", "clause dropped", ["y = b", "y = a"]),
    ("if a:\n    f", "condition always true", ["if True:\n    f"]),
    ("if a:\n    f", "condition always false", ["if False:\n    f"]),
    ("y = a if b else c", "condition always true", ["y = a"]),
    ("y = [a for a in b if a]", "condition always true", ["y = [a for a in b]"]),
    ("y = a[1:]", "slice shifted", ["y = a[1:-1]"]),
    ("y = a[:n]", "slice shifted", ["y = a[1:n]", "y = a[:n - 1]"]),
    ("y = a[::-1]", "slice's step dropped", ["y = a[:]"]),
    ("y += b", "statement deleted", ["pass"]),
    ("y += b", "added nothing to", ["y = b"]),
    ("f(a)", "statement deleted", ["pass"]),
    ("def f(a):\n    a = b\n    c = a", "statement deleted", ["def f(a):\n    pass\n    c = a"]),
    ("def f(a):\n    a[0] = 1\n    c = a", "statement deleted", ["def f(a):\n    pass\n    c = a"]),
    ("def f():\n    return a, b", "neighbours exchanged", ["def f():\n    return (b, a)"]),
    ("r, z = a", "neighbours exchanged", ["z, r = a"]),
    ("def f():\n    for t in range(T):\n        y = a[t]", "order reversed",
     ["def f():\n    for t in reversed(range(T)):\n        y = a[t]"]),
    ("def f():\n    for t in range(T):\n        y = a[t]", "index shifted",
     ["def f():\n    for t in range(T):\n        y = a[t + 1]"]),
    ("with no_grad():\n    f", "context dropped", ["with __import__('contextlib').nullcontext():\n    f"]),
]  # fmt: skip


@pytest.mark.parametrize("source, rule, wrong", RULES)
def test_every_rule_makes_its_mistakes(source, rule, wrong):
    assert sorted(mutant.source for mutant in mutants(source) if mutant.rule == rule) == sorted(wrong)


@pytest.mark.parametrize(
    "source, rule",
    [("y = len(a)", "argument as zeros"), ("y = np.empty_like(a)", "argument as zeros"),
     ("y = a.sum(axis=(1, 2))", "neighbours exchanged"), ("y = isinstance(a, (int, str))", "neighbours exchanged"),
     ("y = f(a), f(a)", "neighbours exchanged"), ("y, z = np.empty((2, 3, a))", "neighbours exchanged")],
)  # fmt: skip
def test_what_cannot_show_is_not_changed(source, rule):
    made = [mutant.change for mutant in mutants(source) if mutant.rule == rule]
    assert made == (["`(2, 3, a)` -> `(3, 2, a)`", "`(2, 3, a)` -> `(2, a, 3)`"] if "empty(" in source else [])


def test_an_open_size_stays_open():
    assert {mutant.source for mutant in mutants("y = a.reshape(3, -1)")} > {"y = a.reshape(2, -1)"}
    assert "y = a.reshape(3, -2)" not in {mutant.source for mutant in mutants("y = a.reshape(3, -1)")}


LAYER = '''
"""A layer, 1 + 1."""
class Layer:
    def forward(self, x: dict[1, 2], π=1):  # 2 + 2
        if x < 0:  # why
            raise ValueError(f"{x + 1}")
        z = "no digits 1"
        return x * z

    @cached(1)
    def name(self):
        def inner():
            return 'ä' and -self.a  # after letters of two bytes
        return inner
'''


def test_a_mutant_says_where_it_is_and_leaves_everything_else():
    found = {(m.function, m.line, m.change): m.source for m in mutants(LAYER)}
    assert found["Layer.forward", 5, "`x < 0` -> `x <= 0`"] == LAYER.replace("x < 0", "x <= 0")
    assert found["Layer.name.inner", 13, "`-self.a` -> `self.a`"] == LAYER.replace("-self.a", "self.a")
    for untouched in ["1 + 1", "dict[1, 2]", "2 + 2", "# why", "x + 1", "no digits 1", "cached(1)"]:
        assert all(untouched in source for source in found.values())


def test_names_choose_functions_classes_and_methods():
    def functions(*names):
        return {mutant.function for mutant in mutants(LAYER, names)}

    assert functions("forward") == functions("Layer.forward") == {"Layer.forward"}
    assert functions("name") == {"Layer.name.inner"}
    assert functions("Layer") == {"Layer.forward", "Layer.name.inner"}
    assert functions("Lay", "ward") == set()


def test_mutants_differ_from_the_source_and_from_one_another():
    sources = [LAYER, *(mutant.source for mutant in mutants(LAYER))]
    assert len(set(sources)) == len(sources)


def test_a_mutant_runs_as_a_module_of_its_own():
    source = (
        "from dataclasses import dataclass\n\n@dataclass\nclass A:\n    n: int = 1\n\ndef f(a, b):\n    return a - b"
    )
    values = {load(mutant.source, "planted").f(5, 2) for mutant in mutants(source, ["f"])}
    assert values == {5, 2, 7}
    with pytest.raises(ImportError):
        import planted  # noqa: F401

"""Promises of the compiled steps: exact to the edges of arithmetic; errors in sentences; planted mistakes caught."""

import ctypes
import functools
import platform
import re
import shutil
import subprocess
from pathlib import Path

import c_mutants
import pytest
import searches
import torch
import torch_oracle
from c_mutants import MACROS, functions, mutants_in_c
from searches import SLOW
from torch.nn.utils.rnn import pack_padded_sequence
from torch_oracle import FORMS, D, T, data, everything, largest_difference, pair

from rnnbook import in_torch
from rnnbook.in_torch import compiled
from rnnbook.in_torch.compiled import LIBRARIES
from rnnbook.lessons.exercises import mutants, rules

in_part = pytest.mark.search(SLOW, "rnnbook/in_torch/compiled/*.c")

needs_compiled_steps = pytest.mark.skipif(not LIBRARIES, reason="no C compiler was at the installation")
LAYERS = [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("GRU", {}), ("LSTM", {})]
every_layer = pytest.mark.parametrize("name, variant", LAYERS)
ONE_STEP = [
    (1, 1, 1),
    (1, 1, 18),
    (1, 4, 33),
    (1, 5, 17),
    (1, 14, 33),
    (1, 2, 70),
]  # few sequences or more, small weights or larger
LONG = [(70, 3, 9), (40, 7, 9)]  # more rows than are added up at once, in one block and in two
SHAPES = [*ONE_STEP, *LONG, (3, 1, 5), (4, 2, 16), (2, 3, 33), (2, 40, 70)]


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("steps, batch, hidden", SHAPES)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 2e-6), (torch.float64, 1e-14)])
def test_vectors_of_every_length_equal_the_reference(name, variant, steps, batch, hidden, dtype, tolerance):
    torch.manual_seed(0)
    exact = getattr(in_torch, name)(D, hidden, dtype=torch.float64, implementation="reference", **variant)
    ours = getattr(in_torch, name)(D, hidden, dtype=dtype, implementation="compiled", **variant)
    ours.load_state_dict(exact.state_dict())
    exact.load_state_dict(ours.state_dict())  # as this dtype has rounded them
    x, h = torch.randn(steps, batch, D, dtype=dtype), torch.randn(1, batch, hidden, dtype=dtype)
    hx, exact_hx = ((h, h / 2), (h.double(), h.double() / 2)) if name == "LSTM" else (h, h.double())
    found, expected = everything(ours, x, hx), everything(exact, x.double(), exact_hx)
    for key, wanted in expected.items():
        assert (found[key].double() - wanted).abs().max() < tolerance * max(1, wanted.abs().max()), key


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("steps, batch, hidden", [*ONE_STEP, (3, 7, 19)])
@pytest.mark.parametrize("cache", [0, compiled.CACHE])
def test_without_a_gradient_no_trace_is_written_and_the_numbers_are_the_same(
    name, variant, steps, batch, hidden, cache, monkeypatch
):
    monkeypatch.setattr(compiled, "CACHE", cache)
    torch.manual_seed(0)
    layer = getattr(in_torch, name)(D, hidden, dtype=torch.float64, implementation="reference", **variant)
    x, h = torch.randn(steps, batch, D, dtype=torch.float64), torch.randn(1, batch, hidden, dtype=torch.float64)
    hx = (h, 2 * h) if name == "LSTM" else h
    expected, before = layer(x, hx), h.clone()
    layer.implementation, tables = "compiled", []
    call = compiled.call
    monkeypatch.setattr(compiled, "call", lambda *given: [tables.append(given[-1]), call(*given)])
    with torch.no_grad():
        found = layer(x, hx)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    torch.testing.assert_close(h, before, rtol=0, atol=0)  # what was given is not written over
    assert tables and not any({"gates", "h_prevs", "c_prevs", "v_ns"} & arrays.keys() for arrays in tables)


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_saturated_gates_and_numbers_that_are_none_come_out_as_from_the_reference(name, variant, dtype):
    ours, _ = pair(name, dtype=dtype, own={"implementation": "compiled"}, **variant)
    x, hx = data(ours, dtype=dtype)
    x[0] *= 1e4
    x[1, 0] *= torch.finfo(dtype).max ** 0.5
    x[2, 1] = torch.nan
    found = {"compiled": ours(x, hx)[0]}
    ours.implementation = "reference"
    found["reference"] = ours(x, hx)[0]
    torch.testing.assert_close(found["compiled"], found["reference"], rtol=1e-5, atol=1e-6, equal_nan=True)
    assert found["compiled"].isnan()[:, 1].any(1).tolist() == [False, False, True, True, True]


@needs_compiled_steps
def test_what_the_compiled_steps_cannot_do_is_said():
    x = torch.zeros(T, 3, D)
    with pytest.raises(ValueError, match="reads float32 and float64, but the input is torch.bfloat16"):
        in_torch.GRU(D, 5, implementation="compiled").bfloat16()(x.bfloat16())
    with pytest.raises(ValueError, match="runs on the CPU, but the input is on meta"):
        in_torch.RNN(D, 5, implementation="compiled", device="meta")(x.to("meta"))
    with pytest.raises(ValueError, match="has no peephole; ask for 'handwritten' or 'reference'"):
        in_torch.LSTM(D, 5, implementation="compiled", peephole=True)(x)
    with pytest.raises(ValueError, match="has no reset_after=False"):
        in_torch.GRU(D, 5, implementation="compiled", reset_after=False)(x)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_compiler_at_the_installation_is_enough():
    """Else every test of the compiled steps would be left out, and nobody would notice."""
    assert LIBRARIES.keys() == compiled.DTYPES.keys() == {torch.float32, torch.float64}


def test_without_the_compiled_steps_the_others_run_and_the_reason_is_said(monkeypatch):
    monkeypatch.setattr(compiled, "LIBRARIES", {})
    layer, x = in_torch.GRU(D, 5), torch.zeros(T, 3, D)
    layer(x)
    assert layer.ran == "handwritten"
    monkeypatch.setattr(compiled, "SOURCE", Path("nowhere", "steps.c"))
    layer.implementation = "compiled"
    with pytest.raises(RuntimeError, match="needs steps.c compiled, but it is not; .* install a C compiler"):
        layer(x)


@needs_compiled_steps
def test_steps_compiled_from_another_source_are_not_run(monkeypatch, tmp_path):
    """Arrays that they do not expect would be written over without a word."""
    folder = shutil.copytree(compiled.SOURCE.parent, tmp_path / "compiled")
    monkeypatch.setattr(compiled, "SOURCE", folder / "steps.c")
    assert compiled.loaded().keys() == LIBRARIES.keys()
    compiled.SOURCE.write_text("int other;")
    assert compiled.loaded() == {}
    with pytest.raises(RuntimeError, match="it has changed since; .* then rnnbook again"):
        compiled.load(torch.float32)


def test_a_file_that_is_no_library_of_this_machine_does_not_stop_the_import(monkeypatch, tmp_path):
    for dtype in compiled.DTYPES.values():
        (tmp_path / f"steps.{dtype}.so").write_text("made elsewhere")
    monkeypatch.setattr(compiled, "SOURCE", tmp_path / "steps.c")
    assert compiled.loaded() == {}
    with pytest.raises(RuntimeError, match=r"cannot load steps.float32.so \(.*\); .* then rnnbook again"):
        compiled.load(torch.float32)


@needs_compiled_steps
@pytest.mark.parametrize(
    "name, options, dtype, runs",
    [("LSTM", {}, torch.float32, "compiled"), ("RNN", {"nonlinearity": "relu"}, torch.float64, "compiled"),
     ("GRU", {}, torch.bfloat16, "handwritten"), ("LSTM", {"peephole": True}, torch.float32, "handwritten"),
     ("GRU", {"reset_after": False}, torch.float32, "handwritten"), ("LSTM", {"proj_size": 2}, None, "reference")],
)  # fmt: skip
def test_auto_takes_the_compiled_steps_where_they_can_run(name, options, dtype, runs):
    layer = getattr(in_torch, name)(D, 5, dtype=dtype, **options)
    layer(torch.zeros(T, 3, D, dtype=dtype))
    assert layer.ran == runs


@needs_compiled_steps
def test_auto_under_autocast_goes_by_its_dtype():
    layer = in_torch.GRU(D, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(torch.zeros(T, 3, D))
    assert layer.ran == "handwritten"


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 2e-6), (torch.float64, 1e-14)])
def test_the_products_for_older_processors_give_the_same(name, variant, version, dtype, tolerance):
    torch.manual_seed(0)
    ours = getattr(in_torch, name)(D, 37, dtype=dtype, implementation="compiled", **variant)
    x, newest = torch.randn(3, 14, D, dtype=dtype), ctypes.c_int.in_dll(LIBRARIES[dtype], "version")
    expected, before = everything(ours, x), newest.value
    try:
        newest.value = version
        found = everything(ours, x)
    finally:
        newest.value = before
    assert largest_difference(found, expected) < tolerance * 100


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("cache", [0, compiled.CACHE])
def test_threads_share_the_sequences_and_change_no_digit_but_in_their_sums(name, variant, threads, cache, monkeypatch):
    """The gradients of the weights are sums over the sequences, and every thread adds up its own first."""
    monkeypatch.setattr(compiled, "CACHE", cache)
    ours, _ = pair(name, own={"implementation": "compiled"}, **variant)
    x = torch.randn(T, 29, D, dtype=torch.float64)
    lengths = [*range(T, 0, -1)] + [2] * (29 - T)
    x.requires_grad_()
    packed = pack_padded_sequence(x, sorted(lengths, reverse=True))
    found, gradients = [], []
    for count in (1, threads):
        monkeypatch.setattr(compiled, "WORTH_A_THREAD", 0)
        monkeypatch.setattr(torch, "get_num_threads", lambda count=count: count)
        y, last = ours(packed)
        dx, *grads = torch.autograd.grad(y.data.square().sum(), [x, *ours.parameters()], retain_graph=True)
        found.append([y.data, *last, dx])
        gradients.append(grads)
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-14 * other.abs().max().item())


@needs_compiled_steps
@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("cache", [0, 1 << 30])
def test_both_kinds_of_product_equal_torch(name, cache, monkeypatch):
    monkeypatch.setattr(compiled, "CACHE", cache)  # none fits: all rows in one block, the inputs' product by the BLAS
    ours, theirs = pair(name, own={"implementation": "compiled"}, bidirectional=True)
    for form in FORMS:
        x, hx = data(theirs, form)
        assert largest_difference(everything(ours, x, hx, form), everything(theirs, x, hx, form)) < 1e-12


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("inputs", [1, 2, 15, 16, 17])
@pytest.mark.parametrize("threads", [1, 2])
def test_inputs_of_one_number_and_of_more_have_the_same_gradients(name, variant, inputs, threads, monkeypatch):
    monkeypatch.setattr(compiled, "WORTH_A_THREAD", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    torch.manual_seed(inputs)
    ours = getattr(in_torch, name)(inputs, 21, dtype=torch.float64, implementation="compiled", **variant)
    exact = getattr(in_torch, name)(inputs, 21, dtype=torch.float64, implementation="reference", **variant)
    exact.load_state_dict(ours.state_dict())
    x = torch.randn(9, 14, inputs, dtype=torch.float64)
    assert largest_difference(everything(ours, x), everything(exact, x)) < 1e-12


@needs_compiled_steps
@every_layer
def test_rows_taken_at_once_never_leave_the_buffers_of_a_few_rows(name, variant, monkeypatch):
    """Python asks for all rows at once only where the product of the inputs is the BLAS's; C does not rely on it."""
    ours, _ = pair(name, own={"implementation": "compiled"}, **variant)
    x = torch.randn(T, 40, D, dtype=torch.float64)
    expected = everything(ours, x)
    monkeypatch.setattr(compiled, "in_c", lambda *given, **options: 2)
    monkeypatch.setattr(compiled, "CACHE", 0)
    assert largest_difference(everything(ours, x), expected) == 0


COMPILERS = [name for name in ("cc", "gcc", "clang") if shutil.which(name)]
FOR = ["-march=x86-64", "-march=haswell", "-march=native"] if platform.machine() == "x86_64" else ["-O0"]


@in_part
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("processor", FOR)
@pytest.mark.parametrize("real", ["float", "double"])
def test_every_compiler_takes_the_steps_without_a_warning_whatever_processor_it_is_told(
    compiler, processor, real, tmp_path
):
    """An installation with CFLAGS=-march=native would else leave the steps out without a word."""
    flags = ["-O0", "-std=gnu11", "-fopenmp-simd", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread"]
    defined = [f"-Dreal={real}", "-DMADE_FROM=0"]
    command = [compiler, *flags, processor, *defined, str(compiled.SOURCE), "-o", str(tmp_path / "steps.so")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


C_SOURCE = compiled.SOURCE.read_text(encoding="utf-8")
SEQUENCES = [(m[0], m[1], m[2]) for m in re.finditer(r"^SEQUENCE\((\w+), .*, (\w+_step)\)\)$", C_SOURCE, re.MULTILINE)]
LAYERS_OF = {"rnn": LAYERS[:2], "gru": LAYERS[2:3], "lstm": LAYERS[3:]}
EQUIVALENT = [
    r"^`(.+) < (.+)` -> `\1 <= \2`",  # a number that stands at the bound at which it is cut off
    r"^`(.+) > (.+)` -> `\1 >= \2`",
    r"^`1` -> `[02]` in `\w+ = 1`$",  # where the series begins, behind the last digit that float64 has
]


@functools.cache
def cases(name, relu):
    """What a layer is asked, and torch's answers: sequences of several lengths, and gates that are saturated."""
    variant = {"nonlinearity": "relu"} if relu else {}
    ours, theirs = pair(name, own={"implementation": "compiled"}, **variant)
    asked = [(*data(theirs, "unsorted"), "unsorted")]
    if not relu:
        x, hx = data(theirs)
        x[0] *= 1e4
        asked.append((x, hx, "batched"))
    return ours, [(*case, everything(theirs, *case)) for case in asked]


def is_caught(layers):
    for name, variant in layers:
        ours, asked = cases(name, bool(variant))
        for *case, expected in asked:
            try:
                if largest_difference(everything(ours, *case), expected) > 1e-12:
                    return True
            except AssertionError:  # no number
                return True
    return False


def with_suffix(mutant, suffix):
    """A mutant and every function that calls it, all with the suffix behind their names; and those names."""
    texts, touched = functions(C_SOURCE) | {mutant.function: mutant.text}, [mutant.function]
    for name, text in texts.items():  # what is called stands above
        if name not in touched and re.search(rf"\b({'|'.join(touched)})\(", text):
            touched.append(name)
    text = "\n".join(texts[name] for name in texts if name in touched)
    return re.sub(rf"\b({'|'.join(touched)})\(", rf"\1{suffix}(", text), touched


@pytest.fixture
def new_memory_is_no_number():
    """New tensors hold NaN, not what was computed rightly in their memory before."""
    torch.use_deterministic_algorithms(True)
    assert torch.empty(3).isnan().all() and torch.ones(2).new_empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


def sources():
    """A digest of all that the mistakes in the steps, and whether they are caught, follow from."""
    search = (__file__, c_mutants.__file__, torch_oracle.__file__, mutants.__file__, rules.__file__)
    return searches.digest(compiled.SOURCE, *sorted(compiled.SOURCE.parent.glob("*.py")), *map(Path, search))


class Planted:
    """A library in which some functions are another one's mutants."""

    def __init__(self, library, names, suffix):
        self.library, self.names, self.suffix = library, names, suffix

    def __getattr__(self, name):
        return getattr(self.library, name + self.suffix if name in self.names else name)


@needs_compiled_steps
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.slow
@pytest.mark.parametrize("function", [name for name in functions(C_SOURCE) if not re.search("tanh_.|relu_.", name)])
def test_every_mistake_in_the_steps_is_caught(function, tmp_path, monkeypatch, new_memory_is_no_number, request):
    every = {mutant.text: mutant for mutant in mutants_in_c(C_SOURCE) if mutant.function == function}
    assert len(every) > 9
    choice = searches.choose("mistakes planted in the C steps", every, {function: sources()}, lambda _: function)
    choice.tell(request.node)
    planted = [every[text] for text in choice.items]
    made = [with_suffix(mutant, f"__{k}") for k, mutant in enumerate(planted)]
    file, built = tmp_path / "steps.c", tmp_path / "steps.so"
    calls = [call.replace(name, name + f"__{k}", 1).replace(step, step + f"__{k}")
             for k, (_, touched) in enumerate(made) for call, name, step in SEQUENCES if step in touched]  # fmt: skip
    file.write_text("\n".join([C_SOURCE, MACROS, "#undef CLONES", "#define CLONES", *(t for t, _ in made), *calls]))
    flags = ["-O0", "-std=gnu11", "-shared", "-fPIC", "-Dreal=double", "-DMADE_FROM=0"]
    subprocess.run(["cc", *flags, str(file), "-o", str(built)], check=True)
    library, layers, survivors = ctypes.CDLL(str(built)), LAYERS_OF.get(function.partition("_")[0], LAYERS), []
    monkeypatch.setitem(LIBRARIES, torch.float64, library)
    assert not is_caught(layers)
    for k, (mutant, (_, names)) in enumerate(zip(planted, made, strict=True)):
        planted_in = [name for _, name, step in SEQUENCES if step in names]
        monkeypatch.setitem(LIBRARIES, torch.float64, Planted(library, planted_in, f"__{k}"))
        if not is_caught(layers) and not any(re.search(rule, mutant.change) for rule in EQUIVALENT):
            survivors.append(mutant.change)
    assert survivors == []


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("scale", [1e-4, 1e-8, 1e-30])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.float64, 1e-13)])
def test_small_numbers_keep_their_digits(name, variant, scale, dtype, tolerance):
    """Also where all is so small that the error of one is far below the last digit of 1."""
    exact = getattr(in_torch, name)(D, 5, dtype=torch.float64, implementation="reference", **variant)
    ours = getattr(in_torch, name)(D, 5, dtype=dtype, implementation="compiled", **variant)
    with torch.no_grad():
        for name, p in exact.named_parameters():
            p.copy_(torch.randn_like(p) * (0 if "bias" in name else 0.5))
    ours.load_state_dict(exact.state_dict())
    exact.load_state_dict(ours.state_dict())
    x = scale * torch.randn(T, 2, D, dtype=dtype)
    found, expected = everything(ours, x, None), everything(exact, x.double(), None)
    for key, wanted in expected.items():
        assert (found[key].double() - wanted).abs().max() <= tolerance * wanted.abs().max(), key


@needs_compiled_steps
def test_a_unit_that_is_not_a_number_hands_its_gradient_on():
    for implementation in ("compiled", "handwritten", "reference"):
        layer = in_torch.RNN(1, 1, nonlinearity="relu", implementation=implementation)
        x = torch.full((1, 1, 1), torch.nan, requires_grad=True)
        layer(x)[0].sum().backward()
        assert layer.weight_hh_l0.grad.isfinite().all() and x.grad.abs().item() > 0, implementation

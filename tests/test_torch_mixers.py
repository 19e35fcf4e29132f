"""Promises of the layers with a state of their own: the paper's loop, one parallel form, and a state to cut at."""

import re

import numpy as np
import pytest
import torch

from rnnbook.in_torch import scan
from rnnbook.in_torch.scan import LRU, MLSTM, RWKV, S4D, DeltaNet, LinearAttention, Selective
from rnnbook.in_torch.scan.matrix import MatrixState, phi

T, B, D, H = 5, 3, 2, 6  # H has to be even, for two heads
LAYERS = {
    "LRU": LRU,
    "S4D": lambda *sizes, **options: S4D(*sizes, d_state=8, **options),
    "Selective": lambda *sizes, **options: Selective(*sizes, d_state=4, **options),
    "LinearAttention": lambda *sizes, **options: LinearAttention(*sizes, heads=2, **options),
    "RWKV": lambda *sizes, **options: RWKV(*sizes, heads=2, **options),
    "MLSTM": lambda *sizes, **options: MLSTM(*sizes, heads=2, **options),
    "DeltaNet": lambda *sizes, **options: DeltaNet(*sizes, heads=2, **options),
    "DeltaNet, negative": lambda *sizes, **options: DeltaNet(*sizes, heads=2, allow_neg_eigval=True, **options),
    "DeltaNet, gated": lambda *sizes, **options: DeltaNet(*sizes, heads=2, gated=True, **options),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def drawn(name, seed=0, D=D, H=H, **options):
    """A layer with every parameter moved from where it starts, so that no zero hides a mistake."""
    torch.manual_seed(seed)
    layer = LAYERS[name](D, H, dtype=torch.float64, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return layer


def parts(state):
    """The tensors of a state."""
    return list(state) if isinstance(state, tuple) else [state]


def some_state(layer, seed=1):
    """A state that is not zero, as the layer itself makes it."""
    torch.manual_seed(seed)
    return layer(torch.randn(4, B, D, dtype=torch.float64))[1]


# ---- The papers' loops, in NumPy, one sequence and one head at a time ---------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def lru(p, x, h):
    """Orvieto et al. (2023): Λ = diag(exp(-exp(ν) + i exp(θ))), x_k = Λ x_{k-1} + exp(γ) ⊙ B u_k, y = Re(C x) + D u."""
    skip, real, imaginary = np.split(p["weight_ih"], 3)
    bias = np.split(p["bias_ih"], 3)
    C = p["C"][0] + 1j * p["C"][1]
    Lambda = np.diag(np.exp(-np.exp(p["nu"]) + 1j * np.exp(p["theta"])))
    ys = []
    for x_t in x:
        h = Lambda @ h + np.exp(p["gamma_log"]) * ((real + 1j * imaginary) @ x_t + bias[1] + 1j * bias[2])
        ys.append((C @ h).real + skip @ x_t + bias[0])
    return np.array(ys), h


def s4d(p, x, h):
    """Gu et al. (2022): Ā = exp(ΔA), B̄ = (ΔA)⁻¹(exp(ΔA) - I) ΔB with B = 1, for every channel, all conjugates too."""
    ys = []
    for x_t in x:
        u = p["weight_ih"] @ x_t + p["bias_ih"]
        y = p["D"] * u
        h = h.copy()
        for j in range(len(u)):
            for n in range(h.shape[1]):
                A, step = -np.exp(p["A_log"][j, n]) + 1j * p["A_imag"][j, n], np.exp(p["delta_log"][j])
                h[j, n] = np.exp(step * A) * h[j, n] + (np.exp(step * A) - 1) / (step * A) * step * u[j]
                term = (p["C"][0, j, n] + 1j * p["C"][1, j, n]) * h[j, n]
                y[j] += (term + term.conj()).real
        ys.append(y)
    return np.array(ys), h


def selective(p, x, h):
    """Gu & Dao (2023), as its selective_scan_ref: deltaA = exp(Δ ⊗ A), deltaB_u = (Δ u) ⊗ B, y = h C + D u."""
    ys, (rows, N) = [], h.shape
    for x_t in x:
        a = p["weight_ih"] @ x_t + p["bias_ih"]
        u, delta, B_t, C_t = a[:rows], softplus(a[rows : 2 * rows] + p["delta_bias"]), a[-2 * N : -N], a[-N:]
        h = np.exp(np.outer(delta, np.ones(N)) * -np.exp(p["A_log"])) * h + np.outer(delta * u, B_t)
        ys.append(h @ C_t + p["D"] * u)
    return np.array(ys), h


def by_head(p, x, blocks, more=0):
    """For every step: the blocks of rows, each by head, and the last rows as they are."""
    for x_t in x:
        a = p["weight_ih"] @ x_t + p["bias_ih"]
        big = a[: len(a) - more].reshape(blocks, 2, -1)
        yield (*big, a[len(a) - more :])


def linear_attention(p, x, S):
    """Katharopoulos et al. (2020): s += φ(k) vᵀ, z += φ(k), y = φ(q)ᵀs / φ(q)ᵀz."""

    def phi(a):
        return np.where(a > 0, a, np.exp(a) - 1) + 1

    s, z, ys = S[:, :, :-1].copy(), S[:, :, -1].copy(), []
    for q, k, v, _ in by_head(p, x, 3):
        y = []
        for head in range(2):
            s[head] += np.outer(phi(k[head]), v[head])
            z[head] += phi(k[head])
            y.append(phi(q[head]) @ s[head] / (phi(q[head]) @ z[head]))
        ys.append(np.concatenate(y))
    return np.array(ys), np.concatenate([s, z[:, :, None]], 2)


def rwkv(p, x, S):
    """Peng et al. (2024): wkv_t = diag(u) k_tᵀ v_t + Σ diag(w's between) k_iᵀ v_i; scaled as in fla."""
    ys, S = [], S.copy()
    for q, k, v, d, _ in by_head(p, x, 4):
        y = []
        for head in range(2):
            pair = np.outer(k[head], v[head])
            y.append((S[head] + np.diag(p["bonus"][head]) @ pair).T @ q[head] / np.sqrt(q.shape[1]))
            S[head] = np.diag(np.exp(-np.exp(d[head] + p["decay"][head]))) @ S[head] + pair
        ys.append(np.concatenate(y))
    return np.array(ys), S


def mlstm(p, x, state):
    """Beck et al. (2024) without the stabiliser, f = σ and i = exp: its C is e^m times the layer's."""
    (S, m), ys = state, []
    S = S * np.exp(m)[:, None, None]
    for q, k, v, o, gates in by_head(p, x, 4, more=4):
        i, f = np.exp(gates[:2]), sigmoid(gates[2:])
        y = []
        for head in range(2):
            key = k[head] / np.sqrt(k.shape[1])
            S[head] = f[head] * S[head] + i[head] * np.outer(key, np.append(v[head], 1))
            read = S[head].T @ q[head]
            y.append(sigmoid(o[head]) * read[:-1] / max(abs(read[-1]), 1))
        ys.append(np.concatenate(y))
    return np.array(ys), S


def delta_rule(p, x, S, most=1, gated=False):
    """Schlag et al. (2021), with unit keys: S(I - β k kᵀ) + β v kᵀ; here transposed. Gate: α S first."""
    ys, S = [], S.copy()
    for q, k, v, gates in by_head(p, x, 3, more=4 if gated else 2):
        y = []
        for head in range(2):
            key, query = k[head] / np.linalg.norm(k[head]), q[head] / np.linalg.norm(q[head])
            beta, alpha = most * sigmoid(gates[head]), 1.0
            if gated:
                alpha = np.exp(-np.exp(p["a_log"][head]) * softplus(gates[2 + head] + p["gate_bias"][head]))
            erase = np.eye(len(key)) - beta * np.outer(key, key)
            S[head] = alpha * erase @ S[head] + beta * np.outer(key, v[head])
            y.append(S[head].T @ query / np.sqrt(len(key)))
        ys.append(np.concatenate(y))
    return np.array(ys), S


ORACLES = {
    "LRU": lru,
    "S4D": s4d,
    "Selective": selective,
    "LinearAttention": linear_attention,
    "RWKV": rwkv,
    "MLSTM": mlstm,
    "DeltaNet": delta_rule,
    "DeltaNet, negative": lambda *a: delta_rule(*a, most=2),
    "DeltaNet, gated": lambda *a: delta_rule(*a, gated=True),
}


@every_layer
@pytest.mark.parametrize("seed", range(2))
def test_the_layer_computes_the_loop_of_its_paper(name, seed):
    layer = drawn(name, seed)
    x, state = torch.randn(T, B, D, dtype=torch.float64), some_state(layer)
    y, last = layer(x, state)
    p = {key: value.detach().numpy() for key, value in layer.named_parameters()}
    for b in range(B):
        begin = tuple(part[b].detach().numpy() for part in parts(state))
        expected, end = ORACLES[name](p, x[:, b].numpy(), begin if len(begin) > 1 else begin[0])
        np.testing.assert_allclose(y[:, b].detach().numpy(), expected, rtol=0, atol=1e-12 * max(1, abs(expected).max()))
        found = parts(last)[0][b].detach().numpy()
        if name == "MLSTM":  # the paper's C is e^m times the stabilised one
            found = found * np.exp(last[1][b].detach().numpy())[:, None, None]
        np.testing.assert_allclose(found, end, rtol=0, atol=1e-12 * max(1, abs(end).max()))


# ---- One parallel form, one step form -----------------------------------------------------------------------------


def by_steps(layer, x, state):
    """What the layer returns, read step by step."""
    ys = []
    for x_t in x:
        y_t, state = layer.step(x_t, state)
        ys.append(y_t)
    return torch.stack(ys), state


def with_gradients(read, layer, x, state, dy):
    """y, the last state, and the gradients with respect to x, the state and every parameter."""
    x = x.clone().requires_grad_()
    begin = [part.detach().clone().requires_grad_() for part in parts(state)]
    y, last = read(x, tuple(begin) if len(begin) > 1 else begin[0])
    seen = (y * dy).sum() + sum(part.abs().square().sum() for part in parts(last))
    return [y, *parts(last), *torch.autograd.grad(seen, [x, *begin, *layer.parameters()])]


@every_layer
@pytest.mark.parametrize("steps", [1, 2, 65, 131])  # one step; about one chunk and two of the longer ones
def test_the_parallel_form_and_its_gradients_equal_the_steps(name, steps):
    layer = drawn(name)
    x, dy, state = torch.randn(steps, B, D).double(), torch.randn(steps, B, H).double(), some_state(layer)
    expected = with_gradients(lambda *a: by_steps(layer, *a), layer, x, state, dy)
    for found, wanted in zip(with_gradients(layer, layer, x, state, dy), expected, strict=True):
        scale = max(1.0, wanted.abs().max().item())
        torch.testing.assert_close(found / scale, wanted / scale, rtol=0, atol=1e-10)


@every_layer
def test_gradients_equal_finite_differences(name):
    layer = drawn(name)
    x = torch.randn(3, 1, D, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer(x)[0], x)


@every_layer
@pytest.mark.parametrize("cut", [1, 3, 64])
def test_a_sequence_can_be_cut_in_two(name, cut):
    layer, x = drawn(name), torch.randn(70, B, D, dtype=torch.float64)
    y, last = layer(x)
    first, state = layer(x[:cut])
    second, end = layer(x[cut:], state)
    torch.testing.assert_close(torch.cat([first, second]), y, rtol=1e-11, atol=1e-11)
    for found, wanted in zip(parts(end), parts(last), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-11)


@every_layer
def test_sequences_of_a_batch_do_not_meet_and_the_past_does_not_see_the_future(name):
    layer, x = drawn(name), torch.randn(70, B, D, dtype=torch.float64)
    other = x.clone()
    other[66:, 1] += 1
    y, changed = layer(x)[0], layer(other)[0]
    torch.testing.assert_close(changed[:, [0, 2]], y[:, [0, 2]], rtol=0, atol=0)
    torch.testing.assert_close(changed[:66, 1], y[:66, 1], rtol=0, atol=0)
    assert (changed[66:, 1] - y[66:, 1]).abs().amax(1).min() > 1e-6


@pytest.mark.parametrize("name", ["LRU", "S4D", "Selective"])
def test_a_diagonal_layer_is_the_same_by_every_scan(name):
    layer, x = drawn(name), torch.randn(17, B, D, dtype=torch.float64)
    expected = layer(x)[0]
    for layer.scan in ("sequential", "hillis_steele"):
        torch.testing.assert_close(layer(x)[0], expected, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="scan should be one of 'sequential', 'chunked', 'hillis_steele', but is 'log"):
        LAYERS[name](D, H, scan="log_space")


@pytest.mark.parametrize("how", ["sequential", "chunked", "hillis_steele"])
def test_a_scan_takes_complex_numbers_and_has_their_gradient(how):
    torch.manual_seed(0)
    a, b = (torch.randn(7, 2, 3, dtype=torch.complex128, requires_grad=True) for _ in range(2))
    h = torch.randn(2, 3, dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(scan.SCANS[how], (a, b, h))


def test_linear_attention_is_a_scan_of_outer_products():
    layer, x = drawn("LinearAttention"), torch.randn(9, B, D, dtype=torch.float64)
    q, k, v = layer.qkv(torch.nn.functional.linear(x, layer.weight_ih, layer.bias_ih))
    pairs = k[..., None] * v[..., None, :]
    S = scan.chunked(torch.ones_like(pairs), pairs, torch.zeros_like(pairs[0]))
    read = torch.einsum("tbhk,tbhkv->tbhv", q, S)
    torch.testing.assert_close((read[..., :-1] / read[..., -1:]).flatten(2), layer(x)[0], rtol=0, atol=1e-12)


# ---- Sizes, types, starts, mistakes -------------------------------------------------------------------------------


@every_layer
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_state_has_the_size_that_the_layer_says_and_keeps_the_type(name, dtype):
    layer = LAYERS[name](D, H).to(dtype)
    y, state = layer(torch.randn(T, B, D, dtype=dtype))
    assert y.shape == (T, B, H) and y.dtype == dtype
    numbers = sum(part[0].numel() * (2 if part.is_complex() else 1) for part in parts(state))
    assert numbers == layer.state_size
    assert all(part.dtype in (dtype, dtype.to_complex()) and len(part) == B for part in parts(state))


@pytest.mark.parametrize(
    "name, floats",
    [("LRU", 2 * H), ("S4D", H * 8), ("Selective", H * 4), ("LinearAttention", 2 * 3 * 4), ("RWKV", 2 * 3 * 3),
     ("MLSTM", 2 * 3 * 4 + 2), ("DeltaNet", 2 * 3 * 3), ("DeltaNet, gated", 2 * 3 * 3)],
)  # fmt: skip
def test_the_state_is_as_large_as_the_docstrings_say(name, floats):
    assert LAYERS[name](D, H).state_size == floats


@every_layer
def test_a_layer_without_a_bias_reads_too_and_says_so(name):
    layer = LAYERS[name](D, H, bias=False, dtype=torch.float64)
    x = torch.randn(T, B, D, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[0], by_steps(layer, x, None)[0], rtol=0, atol=1e-11)
    assert "bias=False" in repr(layer) and "bias_ih" not in dict(layer.named_parameters())
    assert "bias" not in repr(LAYERS[name](D, H))


@every_layer
def test_mistakes_are_named(name):
    layer = LAYERS[name](D, H)
    for wrong in [(T, B, 9), (0, B, D), (T, 0, D), (T, D)]:
        with pytest.raises(ValueError, match=r"x should have shape \(T, B, 2\)"):
            layer(torch.zeros(wrong))
    with pytest.raises(ValueError, match=r"x_t should have shape \(B, 2\), but has shape \(5, 3, 2\)"):
        layer.step(torch.zeros(T, B, D))
    short = [part[:2] for part in parts(layer(torch.zeros(T, B, D))[1])]
    with pytest.raises(ValueError, match=r"(state|m) should have shape \(3, "):
        layer(torch.zeros(T, B, D), tuple(short) if len(short) > 1 else short[0])
    with pytest.raises(ValueError, match="hidden_size should be at least 1, but is 0"):
        LAYERS[name](D, 0)


def test_options_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="heads should divide hidden_size, 6, but is 4"):
        LinearAttention(D, H, heads=4)
    with pytest.raises(ValueError, match="d_state should be even, .* but is 3"):
        S4D(D, H, d_state=3)
    with pytest.raises(TypeError, match="gated should be True or False, but is 'yes'"):
        DeltaNet(D, H, gated="yes")
    assert repr(DeltaNet(D, H, heads=2, gated=True)) == "DeltaNet(2, 6, heads=2, gated=True)"
    assert repr(Selective(D, H)) == "Selective(2, 6, scan=chunked, d_state=16)"


def test_the_starts_are_those_of_the_authors():
    torch.manual_seed(0)
    size = 20_000
    layer = LRU(1, 4)
    layer.nu, layer.theta, layer.gamma_log = (torch.nn.Parameter(torch.empty(size)) for _ in range(3))
    layer.hidden_size, layer.C = size, torch.nn.Parameter(torch.empty(1))
    layer.weight_ih = torch.nn.Parameter(torch.empty(3 * size, 1))
    layer.reset_parameters()
    squared, phase = layer.factors(torch.zeros(3 * size))[0].abs() ** 2, layer.theta.exp()
    for found, most in [(squared, 1.0), (phase, 2 * np.pi)]:  # even: every tenth has a tenth of the numbers
        shares = torch.histc(found.detach(), 10, 0, most) / size
        assert (shares - 0.1).abs().max() < 0.01
    torch.testing.assert_close(layer.gamma_log.exp() ** 2 + squared, torch.ones(size), rtol=0, atol=1e-4)
    s4d_layer, mamba = S4D(2, size, d_state=8), Selective(2, size, d_state=4)
    np.testing.assert_allclose(s4d_layer.A_imag[7].detach(), np.pi * np.arange(4), rtol=1e-6)
    np.testing.assert_allclose(-s4d_layer.A_log.exp().detach(), -0.5)
    np.testing.assert_allclose(mamba.A_log.exp()[5].detach(), [1, 2, 3, 4], rtol=1e-6)
    for delta in (s4d_layer.delta_log.exp(), torch.nn.functional.softplus(mamba.delta_bias)):
        shares = torch.histc(delta.detach().log10(), 10, -3, -1) / size
        assert (shares - 0.1).abs().max() < 0.01
    gates = MLSTM(2, 12, heads=4)
    np.testing.assert_allclose(gates.bias_ih[-4:].detach(), [3, 4, 5, 6])
    assert not gates.weight_ih[-8:].any() and 0 < gates.bias_ih[-8:-4].abs().max() < 0.5


@pytest.mark.parametrize("name", ["MLSTM", "RWKV", "DeltaNet, gated"])
def test_gates_far_out_neither_overflow_nor_lose_the_gradient(name):
    layer = drawn(name)
    x = (100 * torch.randn(40, B, D, dtype=torch.float64)).requires_grad_()
    y, _ = layer(x)
    y.sum().backward()
    assert y.isfinite().all() and x.grad.isfinite().all()
    torch.testing.assert_close(by_steps(layer, x, None)[0], y, rtol=1e-8, atol=1e-8)


@every_layer
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e2, 1e4, 1e6])
def test_outputs_and_gradients_stay_finite_however_large_the_inputs_are(name, dtype, scale):
    layer = drawn(name).to(dtype)
    x = (scale * torch.randn(70, B, D, dtype=dtype)).requires_grad_()
    for y, _ in (layer(x), by_steps(layer, x, None)):
        grads = torch.autograd.grad(y.sum(), [x, *layer.parameters()])
        assert all(part.isfinite().all() for part in (y, *grads))


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-6), (torch.bfloat16, 0.01), (torch.float64, 1e-15)])
def test_phi_keeps_its_digits_and_stays_above_zero(dtype, tolerance):
    x = torch.tensor([-1e4, -200.0, -30.0, -17.0, -6.0, -0.5, 0.0, 0.5, 300.0], dtype=dtype, requires_grad=True)
    found, exact = phi(x), torch.where(x > 0, x.double() + 1, x.double().clamp(max=0).exp())
    assert (found > 0).all() and ((found - exact).abs() / exact)[2:].max() < 2 * tolerance
    (slope,) = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(slope, torch.where(x > 0, 1, exact).to(dtype), rtol=2 * tolerance, atol=1e-15)


def test_an_mlstm_whose_gates_are_far_out_reads_zero_where_the_query_is_zero():
    layer = MLSTM(1, 2)
    with torch.no_grad():
        layer.bias_ih.zero_()
        layer.weight_ih[8] = 1000  # the input gate: open by far at 1
    y, _ = layer(torch.tensor([1.0, 0.0])[:, None, None])
    torch.testing.assert_close(y[1], torch.zeros(1, 2), rtol=0, atol=0)


# ---- Precision ----------------------------------------------------------------------------------------------------

HALVES = [torch.bfloat16, torch.float16]


@every_layer
@pytest.mark.parametrize("half", HALVES)
def test_autocast_computes_about_the_same_forward_and_back_whatever_comes_in(name, half):
    layer = drawn(name).float()
    x, dy = torch.randn(70, B, D), torch.randn(70, B, H)

    def everything(x, first, autocast):
        with torch.autocast("cpu", dtype=half, enabled=autocast):
            y, state = layer(x, first)
            y_t, _ = layer.step(x[0], state)
        grads = torch.autograd.grad((y.float() * dy).mean() + y_t.float().mean(), list(layer.parameters()))
        return [part.detach() for part in (y, y_t, *parts(state), *grads)], state

    expected, first = everything(x, None, False)
    first = tuple(part.detach() for part in first) if isinstance(first, tuple) else first.detach()
    for given, start in ((x, None), (x.to(half), None), (x, first)):
        wanted = everything(x, start, False)[0]
        for found, exact in zip(everything(given, start, True)[0], wanted, strict=True):
            assert ((found - exact).abs().max() / exact.abs().max()).item() < 0.3
    assert all(part.dtype in (torch.float32, torch.complex64) for part in parts(everything(x.to(half), None, True)[1]))


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", [name for name in LAYERS if name not in ("LRU", "S4D")])
def test_a_real_layer_can_be_of_half_precision_and_reads_zeros(name, half):
    layer, exact = LAYERS[name](D, H, dtype=half), LAYERS[name](D, H)
    exact.load_state_dict(layer.state_dict())
    for x in (torch.randn(70, B, D).to(half), torch.zeros(3, B, D, dtype=half)):
        y, state = layer(x)
        wanted = exact(x.float())[0]
        assert (y - wanted).abs().max() < 0.1 * max(1, wanted.abs().max())
        grads = torch.autograd.grad(y.sum(), list(layer.parameters()))
        assert y.dtype == half and {part.dtype for part in parts(state)} == {half}
        assert all(grad.isfinite().all() for grad in grads)


@pytest.mark.parametrize("name", ["LRU", "S4D"])
@pytest.mark.parametrize("dtype", [*HALVES, torch.complex64], ids=str)
def test_a_complex_state_of_half_precision_is_refused(name, dtype):
    sentence = f"dtype should be torch.float32 or torch.float64 for a complex state, but is {dtype}"
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        LAYERS[name](D, H, dtype=dtype)
    if not dtype.is_complex:
        moved, x = LAYERS[name](D, H).to(dtype), torch.zeros(T, B, D, dtype=dtype)
        for call in (lambda: moved(x), lambda: moved.step(x[0])):
            with pytest.raises(TypeError, match=f"^{sentence}$"):
                call()


# ---- Memory, and arguments ----------------------------------------------------------------------------------------


@every_layer
def test_a_state_keeps_nothing_but_itself_alive(name):
    layer, x = LAYERS[name](D, H), torch.randn(200, B, D)
    for state in (layer(x)[1], layer.step(x[0])[1]):
        for part in parts(state):
            assert part.untyped_storage().nbytes() == part.numel() * part.element_size()


@every_layer
@pytest.mark.parametrize("wrong", ["8", None, 2.0, True, [3]], ids=repr)
def test_a_size_that_is_no_whole_number_is_named(name, wrong):
    makers = {"input_size": lambda: LAYERS[name](wrong, H), "hidden_size": lambda: LAYERS[name](D, wrong)}
    kind = type(LAYERS[name](D, H))
    if isinstance(LAYERS[name](D, H), MatrixState):
        makers["heads"] = lambda: kind(D, H, heads=wrong)
    if kind in (S4D, Selective):
        makers["d_state"] = lambda: kind(D, H, d_state=wrong)
    for argument, make in makers.items():
        with pytest.raises(TypeError, match=re.escape(f"{argument} should be a whole number, but is {wrong!r}")):
            make()


@pytest.mark.parametrize("kind", [LinearAttention, RWKV, MLSTM, DeltaNet])
def test_heads_may_be_any_whole_number(kind):
    assert kind(D, H, heads=np.int64(2)).state_size == kind(D, H, heads=2).state_size
    with pytest.raises(ValueError, match="^heads should be at least 1, but is 0$"):
        kind(D, H, heads=0)


@every_layer
def test_what_is_no_tensor_is_named(name):
    layer, x = LAYERS[name](D, H), torch.zeros(T, B, D)
    for argument, call in {
        "x should be a tensor, but is a list": lambda: layer(x.tolist()),
        "x_t should be a tensor, but is None": lambda: layer.step(None),
        "state should be .*, but is a str": lambda: layer(x, "zero"),
    }.items():
        with pytest.raises(TypeError, match=f"^{argument}$"):
            call()

"""Time the scans of minGRU against each other and against ``torch.nn``'s layers, and measure their errors.

    python benchmarks/scan.py --out benchmarks/results/scan_1_thread.json

A training step is forward and backward with the gradients of the input and of all parameters. In every round the peers
take turns; the times are minima, and the ratios those to ``torch.nn.GRU``. The errors are those of float32 against the
sequential scan in float64, of h after every step and of the gradients, as norms relative to the norm: a single number
near zero, where the layer's g has a kink, may lie on its other side in float32.
"""

import argparse
from pathlib import Path

from timing import ratios, rounds_of, set_up, write

LENGTHS = [64, 256, 1024, 4096]
SIZES = [(8, 64), (32, 256)]  # B, and D = H
SCANS = ["sequential", "chunked", "hillis_steele", "log_space"]


def training_step(layer, x, dhs):
    """Return a function without arguments that makes one training step."""

    def train():
        layer.zero_grad(set_to_none=True)
        x.grad = None
        layer(x)[0].backward(dhs)

    return train


def errors(T, B, H):
    """{scan: {"h": error, "gradient": error}} in float32."""
    import torch

    from rnnbook.in_torch import MinGRU

    torch.manual_seed(0)
    exact, layer = MinGRU(H, H, dtype=torch.float64, scan="sequential"), MinGRU(H, H)
    layer.load_state_dict(exact.state_dict())
    exact.load_state_dict(layer.state_dict())  # as float32 has rounded them
    x, dhs = torch.randn(T, B, H), torch.randn(T, B, H)

    def results(layer, dtype):
        read = x.to(dtype).requires_grad_()
        hs, _ = layer(read)
        return [hs.detach(), *torch.autograd.grad(hs, [read, *layer.parameters()], dhs.to(dtype))]

    wanted, found = results(exact, torch.float64), {}
    for scan in SCANS:
        layer.scan = scan
        each = [((a - b).norm() / b.norm()).item() for a, b in zip(results(layer, torch.float32), wanted)]
        found[scan] = {"h": each[0], "gradient": max(each[1:])}
    return found


def peers(T, B, H):
    """{peer: its training step}."""
    import torch

    from rnnbook.in_torch import MinGRU

    torch.manual_seed(0)
    x, dhs = torch.randn(T, B, H, requires_grad=True), torch.randn(T, B, H)
    layers = {"torch.nn.GRU": torch.nn.GRU(H, H), "torch.nn.LSTM": torch.nn.LSTM(H, H)}
    layers |= {scan: MinGRU(H, H, scan=scan) for scan in SCANS}
    return {peer: training_step(layer, x, dhs) for peer, layer in layers.items()}


def main(arguments=None):
    """Measure, print a line for each case, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", nargs="+", type=int, default=LENGTHS)
    parser.add_argument("--sizes", nargs="+", type=int, choices=range(len(SIZES)), default=range(len(SIZES)))
    parser.add_argument("--seconds", type=float, default=6.0, help="for each length and size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    clock, about = set_up(chosen.threads, __file__)
    rows = []
    for B, H in (SIZES[k] for k in chosen.sizes):
        for T in chosen.lengths:
            times = ratios(rounds_of(peers(T, B, H), chosen.seconds, clock), "torch.nn.GRU")
            row = {"T": T, "B": B, "H": H, "train": times, "errors_float32": errors(T, B, H)}
            rows.append(row)
            cells = [f"{peer} {value['ratio_of_minima']:.2f}" for peer, value in times.items()]
            wrong = [f"{scan} {value['gradient']:.0e}" for scan, value in row["errors_float32"].items()]
            print(f"T={T:<5} B={B:<3} H={H:<4} time:", *cells, "  error of the gradient:", *wrong, flush=True)
    write(chosen.out, {"provenance": about, "rows": rows})


if __name__ == "__main__":
    main()

"""A pytest plugin for oracles that this machine lacks: the comparison is left out, and the end of the run says so.

oneDNN, PyTorch's library of products, has no layers in bfloat16 for processors without AVX-512's or AMX's
instructions: ``torch.nn.LSTM`` raises there. And TensorFlow has no build for the newest Python. A test that asks
through ``oracle`` goes on without the answer, so it has to hold ours against something else as well.
"""

from __future__ import annotations

import pytest

LACKED = "an oracle that this machine lacks"
OF_THE_MACHINE = (
    "could not create a primitive",  # what a library says that has no code for this processor
    "has no build for this Python",
)


@pytest.fixture
def oracle(request):
    """A function that returns ``call()``, or None where this machine has no code for it; other errors stay."""

    def ask(name, call):
        try:
            return call()
        except RuntimeError as error:
            if not any(sentence in str(error) for sentence in OF_THE_MACHINE):
                raise
            request.node.user_properties.append((LACKED, name))
            return None

    return ask


def pytest_terminal_summary(terminalreporter):
    """Name each oracle that was asked in vain, with the number of tests that asked."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind if hasattr(report, "when")]
    names = [name for r in reports if r.when == "call" for key, name in r.user_properties if key == LACKED]
    if names:
        told = "; ".join(f"{name} ({names.count(name)})" for name in sorted(set(names)))
        terminalreporter.write_line(f"oracles that this machine lacks: {told}", yellow=True)

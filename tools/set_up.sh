#!/bin/sh
# Make .venv with every package at the version that constraints.txt pins. `make` calls this; it can be called again.
#   PYTHON=python3.12 make ...   uses that interpreter; without it, the first of the list below that is new enough.
set -eu
cd "$(dirname "$0")/.."
say() { printf '%s\n' "$*"; }
die() { printf '\nset-up stopped: %s\n' "$*" >&2; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python=${PYTHON:-}
if [ -n "$python" ]; then
    new_enough "$python" || die "PYTHON=$python is not Python 3.11 or newer."
else
    for candidate in python3 python3.11 python3.12 python3.13 python3.14 python; do
        if new_enough "$candidate"; then python=$candidate; break; fi
    done
    [ -n "$python" ] || die "Python 3.11 or newer is needed, and none was found; name one with PYTHON=/path/to/python3.11 make ..."
fi

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    say "Making .venv with $("$python" --version) ..."
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            package="$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')"
            say "Installing $package, which Debian and Ubuntu keep apart from Python ..."
            apt-get update -qq && apt-get install -y -qq "$package" >/dev/null
        else
            die "this Python cannot make environments; on Debian or Ubuntu: sudo apt-get install python3-venv"
        fi
    fi
    "$python" -m venv --clear .venv
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
pinned() { sed -n "s/^$1==\([^ ;]*\).*/\1/p" constraints.txt; }

say "Installing the packages of constraints.txt into .venv (a few minutes the first time) ..."
pip install -qq "pip==$(pinned pip)" "setuptools==$(pinned setuptools)"

# On Linux the plain name `torch` would bring gigabytes of CUDA. A version that ends in +cpu exists as CPU build only, so
# this can fail but never fetch the other one. It may lie where pip already looks; else it comes from PyTorch's index.
torch=$(pinned torch)
if [ "$(uname)" = Linux ] && ! pip show torch 2>/dev/null | grep -qx "Version: $torch+cpu"; then
    say "Installing the CPU build of PyTorch $torch ..."
    pip install -qq --no-deps "torch==$torch+cpu" 2>/dev/null ||
        pip install -qq --no-deps --index-url https://download.pytorch.org/whl/cpu "torch==$torch+cpu" ||
        die "the CPU build of PyTorch $torch could not be installed for $("$python" --version); see the lines above."
fi

pip install -qq --no-build-isolation --constraint constraints.txt --editable '.[torch,weights,book,dev]'
say "Done: .venv holds $(pip list --format=freeze | wc -l | tr -d ' ') packages."

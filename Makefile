# Everything runs in .venv, which the first call makes; nothing has to be installed or activated beforehand.
# `make` or `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help book serve test units check thorough portable notebooks texts page pdf epub offline slides bench gpu coursework grading renew clean browser

python := .venv/bin/python
pytest := $(python) -m pytest
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 2
NOTEBOOKS ?=
AGAIN ?=
BENCH ?=
PROCESSORS ?=

# one thread per process: small products are fastest that way, and two test processes do not fight over two cores
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PYTHONUNBUFFERED := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# nothing of another project's environment reaches this one; what Python has compiled is kept for the next process
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

help:  ## list the targets
	@echo 'Recurrent Neural Networks, Step by Step. Targets:'
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.venv/.ready: tools/set_up.sh pyproject.toml constraints.txt setup.py rnnbook/in_torch/compiled/steps.c
	@echo '== Set-up: the environment in .venv'
	@tools/set_up.sh
	@touch $@

book: .venv/.ready  ## build the book, warnings as errors, and print the page to open
	@echo '== Book: building _build/html, warnings as errors'
	@PYTHONPATH=book/_ext $(python) -m live_code .venv/share/pyodide
	@# from scratch each time: a warm build does not repeat its warnings
	@rm -rf _build/html _build/.doctrees _build/jupyter_execute
	@mkdir -p _build
	@$(python) .venv/bin/jupyter-book build . -W -n --keep-going > _build/book.log 2>&1 || { cat _build/book.log; exit 1; }
	@echo 'Built. Open  _build/html/index.html  in a browser, or run  make serve'

serve: .venv/.ready  ## serve the built book on this machine (PORT=8000)
	@test -f _build/html/index.html || $(MAKE) book
	@echo 'Serving the book at  http://$(HOST):$(PORT)/  (stop with Ctrl-C)'
	@$(python) -m http.server --bind $(HOST) --directory _build/html $(PORT)

browser: .venv/.ready
	@$(python) tools/browser.py

test: .venv/.ready browser  ## the unit tests, every stored output, the build, pages in a browser: all that a change is likely to break
	@echo '== 1 of 2: unit tests, every stored output of every notebook against a fresh run; beside them the book is built'
	@$(MAKE) --no-print-directory -j 2 units book
	@echo '== 2 of 2: the pages, as files and in a browser'
	@$(pytest) -q -n $(WORKERS) tests/built_book
	@echo '== All tests passed.'

thorough:  ## all of which `make test` runs a sixteenth where nothing has changed; notes in tests/searched.json what passed
	@$(MAKE) --no-print-directory test pytest='$(pytest) --thorough'

units: .venv/.ready
	@$(pytest) -q -n $(WORKERS) -m 'not site'

check: .venv/.ready  ## in a minute: ruff, mypy, the quick unit tests
	@$(python) -m ruff format --check --quiet . || { echo 'make check: .venv/bin/ruff format .  puts these files in form:'; $(python) -m ruff format --check .; exit 1; }
	@$(python) -m ruff check .
	@$(python) -m mypy
	@$(pytest) -q -x -n $(WORKERS) -m 'not site and not slow' tests

portable: .venv/.ready  ## check the notebooks' outputs on the processors that this one can imitate (PROCESSORS='sse avx2 ...')
	@$(python) tools/portable.py --workers $(WORKERS) $(if $(PROCESSORS),--processors $(PROCESSORS)) -- $(NOTEBOOKS)

notebooks: .venv/.ready  ## make the notebooks from book/text, run those whose code changed (NOTEBOOKS=book/rnn.ipynb AGAIN=1)
	@$(python) tools/run_notebooks.py $(if $(AGAIN),--again) $(NOTEBOOKS)

texts: .venv/.ready  ## the other way round: update the texts from notebooks edited in Jupyter (NOTEBOOKS='...')
	@$(python) tools/run_notebooks.py --texts $(NOTEBOOKS)

page: .venv/.ready  ## after editing book/text: bring the notebooks and the built book up to date in seconds
	@$(python) tools/run_notebooks.py $(NOTEBOOKS)
	@$(python) .venv/bin/jupyter-book build . -q

# the book for reading offline, made from the built pages and written to _build/paper. CHAPTERS='lstm gru' takes only
# these, SIZE=letter a different paper size
SIZE ?= A4
paper := PYTHONPATH=tools:. $(python) -m paper

_build/html/index.html:
	@$(MAKE) --no-print-directory book

pdf: .venv/.ready browser _build/html/index.html  ## make one PDF of the whole book (SIZE=letter)
	@$(paper) pdf --size $(SIZE) $(CHAPTERS)

epub: .venv/.ready browser _build/html/index.html  ## make an EPUB of the whole book for e-readers
	@$(paper) epub $(CHAPTERS)

offline: .venv/.ready _build/html/index.html  ## pack the site with its exercises into a .zip that needs no network
	@$(paper) offline

slides: .venv/.ready browser _build/html/index.html  ## for teachers: make slides of each chapter's figures and equations (CHAPTERS='lstm')
	@$(paper) slides $(CHAPTERS)

bench: .venv/.ready  ## time the layers against named peers (BENCH='--help' lists the options)
	@$(python) benchmarks/layers.py $(BENCH)

# .venv holds PyTorch for the CPU; this target takes a Python that has PyTorch with CUDA, Triton and pytest
GPU_PYTHON ?= python3
gpu:  ## on a machine with a CUDA GPU: test the kernels, time them against cuDNN, write a JSON file (GPU_PYTHON=python3)
	@$(GPU_PYTHON) -c 'import sys, torch; torch.cuda.is_available() or sys.exit("make gpu: torch finds no CUDA device")'
	@echo '== GPU: the kernels against the reference'
	@# four processes, since compiling takes most of the time; without any plugins that this Python may have
	@printf '%s\n' RNN GRU LSTM 'not RNN and not GRU and not LSTM' | \
	    TRITON_INTERPRET=0 PYTHONPATH=. PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 xargs -P 4 -I '{}' $(GPU_PYTHON) -m pytest -q \
	    -o addopts= -o filterwarnings=default -p no:cacheprovider tests/test_kernels.py -k '{}'
	@echo '== GPU: errors, and times against cuDNN'
	@TRITON_INTERPRET=0 PYTHONPATH=. $(GPU_PYTHON) benchmarks/gpu.py $(BENCH)

# for teachers: see book/teaching.md. CHAPTERS='lstm gru' takes only these
CHAPTERS ?=
coursework: .venv/.ready  ## for teachers: make notebooks, releases for nbgrader and otter, the wheel without solutions
	@$(python) -m coursework release $(CHAPTERS)
	@$(python) -m coursework bare --wheel

.venv-grading/.ready: coursework/constraints.txt
	@echo '== Set-up: nbgrader and otter-grader in .venv-grading'
	@$(python) -m venv --clear .venv-grading
	@.venv-grading/bin/python -m pip install -qq -c coursework/constraints.txt nbgrader otter-grader ipykernel numpy
	@touch $@

grading: .venv/.ready browser .venv-grading/.ready  ## for teachers: grade the same answers with nbgrader, otter, plain Python and a page
	@PYTHONPATH=book/_ext $(python) -m live_code .venv/share/pyodide
	@$(python) -m coursework routes $(or $(CHAPTERS),lstm)

renew: .venv/.ready  ## pin the newest version of each package, make .venv again with them, and run all tests
	@echo '== Renewing constraints.txt (git diff constraints.txt shows what moves)'
	@$(python) tools/pins.py --renew
	@rm -rf .venv
	@{ $(MAKE) --no-print-directory .venv/.ready && $(python) tools/pins.py && $(MAKE) --no-print-directory thorough; } || \
	    { echo 'make renew: the new versions do not pass. To go back:  git checkout constraints.txt .binder && rm -rf .venv'; exit 1; }

clean:  ## remove what make built, but keep .venv
	rm -rf _build build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

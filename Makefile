# `make demo` and `make test` need a Debian machine with Python and make; the rest they install, and say so.

JOBS ?= 2
# Tests that scikit-learn's version has no part in.
UNRELATED = bench serial

help:
	@echo "make demo   train a model, build a sketch with it, run it on a simulated Arduino Uno"
	@echo "make examples   run every example end to end on its simulated board"
	@echo "make docs   the user guide, into build/docs; a warning or a broken link fails it"
	@echo "make test   lint, docs, all tests, then most of those without boards on the oldest scikit-learn; JOBS=$(JOBS)"
	@echo "make lint   ruff and mypy"
	@echo "make bench  measure the peers and us, write the tables of README and guide; ONLY=rf10_digits: one model"

demo:
	@tools/setup.sh demo
	.venv/bin/python examples/activity/demo.py

examples:
	@tools/setup.sh examples
	.venv/bin/python examples/activity/demo.py
	OMP_NUM_THREADS=1 .venv/bin/python -m examples

test:
	@tools/setup.sh test
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory docs
	.venv/bin/pytest -n $(JOBS)
	.venv-oldest/bin/pytest -n $(JOBS) -m "not boards and not compiled" $(addprefix --ignore=tests/,$(UNRELATED))

lint:
	@tools/setup.sh lint
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

docs:
	@tools/setup.sh docs
	.venv/bin/sphinx-build -E -W --keep-going -q -b html docs build/docs

bench:
	@tools/setup.sh test
	.venv/bin/python -m bench all --jobs $(JOBS) $(if $(ONLY),--model $(ONLY))
	.venv/bin/python docs/measure.py

.PHONY: help demo examples test lint docs bench

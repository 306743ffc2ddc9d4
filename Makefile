# Every command of this project, by name. Needs Python >= 3.11 and make; the rest goes into .venv,
# pinned by hash in requirements.lock.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
OLD    := $(PYTHON) is older than Python 3.11: name another one, as in make run PYTHON=python3.11
STAMP  := $(VENV)/.installed
OUT    := build/run
LINES  ?= 100000
CONFIG ?= configs/experiment.yaml
SEEDS  ?= 1000
FIRST  ?= 0
MINUTES ?= 5
SEED    ?= 1
WORKERS ?= 3

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help venv run test fmt lint types arch check sim planted chaos bench bench-check lock clean

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

venv: $(STAMP) ## make the virtual environment in .venv

# The lock is complete: with --no-deps nothing is resolved, so no release made since can stop it.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("$(OLD)" if sys.version_info < (3, 11) else 0)'
	$(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --no-deps --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	$(PIP) check --quiet
	touch $@

run: $(STAMP) ## decide a sample of LINES lines on the fleet and in memory, and compare the two files
	rm -rf $(OUT)
	mkdir -p $(OUT)
	$(BIN)/fundload sample --lines $(LINES) --seed 1 --output $(OUT)/sample.txt
	$(BIN)/fundload run --config $(CONFIG) --input $(OUT)/sample.txt --output $(OUT)/fleet.txt
	$(BIN)/fundload run --config $(CONFIG) --input $(OUT)/sample.txt --output $(OUT)/memory.txt --profile memory
	@if cmp $(OUT)/fleet.txt $(OUT)/memory.txt; \
	then echo "The fleet's file and the memory profile's file are the same bytes: $(OUT)/fleet.txt"; \
	else echo "The two files DIFFER: $(OUT)/fleet.txt $(OUT)/memory.txt" >&2; exit 1; fi

# By two processes, each with a server of its own: most of the tests wait for processes.
test: lint types arch ## everything that must be green: lint, types, shape, tests, and branches taken
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n 2 --dist worksteal --ignore=tests/architecture
	$(BIN)/python -m tests.covered

fmt: $(STAMP) ## format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP) ## ruff (rules and format) and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -z | xargs -0 $(BIN)/codespell

types: $(STAMP) ## mypy, strict, on the packages and the tests
	$(BIN)/mypy

arch: $(STAMP) ## the shape: import direction, sizes, names, what is packaged
	$(BIN)/python -m pytest -q tests/architecture

check: lint types arch ## the quick part of `make test`, for before a commit

sim: $(STAMP) ## play SEEDS seeds of the simulator from FIRST on, and print what happened in them
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first $(FIRST)

chaos: $(STAMP) ## kill, freeze and rob a real fleet for MINUTES, a fault a second, and compare its bytes
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --seed $(SEED) --workers $(WORKERS)

planted: $(STAMP) ## take out every guard in turn, and print which test or seed notices
	$(BIN)/python -m tests.planted

bench: $(STAMP) ## CPU time per attempt, beside one RQ job per attempt
	$(BIN)/python -m tests.bench

bench-check: $(STAMP) ## hold ratios of CPU times to those that are stored: has anything become dearer?
	$(BIN)/python -m tests.bench.check

lock: ## pin the dependencies anew (needs uv; nothing else here does)
	uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet \
	  --output-file requirements.lock

clean: ## remove what `make run` and the tools wrote; keeps .venv
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find consumers kernel producer tests -name __pycache__ -prune -exec rm -rf {} +

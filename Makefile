# What a developer does every day; `make help` lists it. Needs Python 3.11 or newer with venv, and nothing else.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(if $(shell $(name) -c 'import ensurepip, sys, venv; print(1) if sys.version_info >= (3, 11) else None' 2>/dev/null),$(name))))
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := tradeconsole tests $(wildcard benchmarks strategies docs)

.DEFAULT_GOAL := help
.PHONY: help setup install run test test-storm check static lint types imports format bench picture clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(READY)  ## The virtual environment, and the checks before each commit
	@$(BIN)/pre-commit install >/dev/null

install: $(READY)  ## The virtual environment alone

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer with the venv module was found: install one" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,test]'
	@touch $@

run: $(READY)  ## Open the console (ARGS="--profile topstepx" and so on)
	@$(BIN)/tradeconsole run $(ARGS)

test: $(READY)  ## All tests (ARGS="-k ladder" and so on)
	@$(BIN)/python -m pytest $(ARGS)

test-storm: $(READY)  ## 200 seeds of the drill by lot (STORM_SEEDS=… for more)
	@STORM_SEEDS=$(or $(STORM_SEEDS),200) $(BIN)/python -m pytest tests/integration/test_drills_by_lot.py $(ARGS)

check: static test  ## All that must be well before a commit

static: $(READY)  ## The same without the tests
	@$(BIN)/ruff format --check $(SOURCES)
	@$(MAKE) --no-print-directory lint types imports

lint: $(READY)  ## Ruff
	@$(BIN)/ruff check $(SOURCES)

types: $(READY)  ## Mypy, strict
	@$(BIN)/mypy

imports: $(READY)  ## Who may import whom
	@$(BIN)/lint-imports

format: $(READY)  ## Format all code, mend what can be mended
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

bench: $(READY)  ## Measure the budgets (ARGS="feed spool" chooses)
	@$(BIN)/python benchmarks/run.py $(ARGS)

picture: $(READY)  ## Draw the picture in the README anew
	@$(BIN)/python docs/make_picture.py

clean:  ## Remove all that was made here
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find tradeconsole tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

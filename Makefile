# Everything runs from here. The first call makes .venv and installs into it.
# PYTHON=… picks the interpreter, ARGS=… is passed on.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo chat test check bench readme clean

CANDIDATES := python3.13 python3.12 python3.11 python3
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(firstword $(foreach p,$(CANDIDATES),$(shell \
	$(p) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(p)))),false)
TORCH ?= 2.13.0
BIN := .venv/bin
WORKERS ?= --numprocesses auto --dist loadfile
ifneq ($(wildcard ../shared/data),)
export SCRATCHLM_SHARED ?= $(abspath ../shared)
endif

help: ## Show these lines.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /make \1\t/' | expand -t 14

demo: .venv/installed ## Walk the whole way: raw text to a chat model. ARGS="--minutes 2"
	@$(BIN)/scratchlm run laptop $(ARGS)

chat: .venv/installed ## Talk to the model that make demo made. ARGS="notes" for another run
	@$(BIN)/scratchlm chat $(or $(ARGS),laptop)

test: .venv/installed-dev ## Run the tests. ARGS="tests/model -x"
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

check: .venv/installed-dev ## The whole gate: format, lint, types, floors, tests.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest $(WORKERS)

bench: .venv/installed-dev ## Measure the claims of the README (about an hour).
	@$(BIN)/python benchmarks/journey.py $(ARGS)

readme: .venv/installed-dev ## Fill the README's figures from benchmarks/results.
	@$(BIN)/python benchmarks/readme.py

clean: ## Delete the virtual environment and caches; runs stay.
	rm -rf .venv build src/*.egg-info .hypothesis .*_cache

.venv/created:
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "error: no Python >= 3.11 here; install one, or say make PYTHON=/its/path" >&2; exit 2; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/created pyproject.toml $(wildcard src/scratchlm/native/*.[ch])
	@echo "installing into .venv (once, a few minutes) …"
	@bash scripts/install_torch.sh $(BIN)/python $(TORCH)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/installed-dev: .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

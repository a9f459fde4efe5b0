# One word per habit. Needs Python 3.11 or newer, make and a package index; everything else is set up here.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo run test check fmt bench docs screenshots clean

help:  ## list these words
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]' --group dev
	@touch $@

demo: $(READY)  ## Nexus over the demo fleet: simulated servers, one real llama.cpp, some traffic
	$(BIN)/nexus demo

run: $(READY)  ## Nexus over whatever runs on this machine
	$(BIN)/nexus

test: $(READY)  ## all tests
	$(BIN)/python -m pytest tests --ignore=tests/screens --ignore=tests/tui
	$(BIN)/python -m pytest tests/tui/test_launch.py tests/tui/web
# Tests of screens wait most of the time, so three at once take no more of the machine.
	$(BIN)/python -m pytest tests/tui tests/screens -n 3 --ignore=tests/tui/test_launch.py \
		--ignore=tests/tui/web

check: $(READY)  ## lint, format, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

fmt: $(READY)  ## format and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(READY)  ## the numbers, as tables
	$(BIN)/python -m tests.bench

docs: $(READY)  ## regenerate the reference pages and the example configuration
	$(BIN)/python -m nexus.config.reference
	$(BIN)/python -m nexus.cli.reference

screenshots: $(READY)  ## draw every screen into screenshots/
	$(BIN)/python -m tui.screenshots

clean:  ## remove what was set up here
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

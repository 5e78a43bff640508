# Needs python3 >= 3.11 and make. Everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two tests at a time where there is more than one core; each worker has servers of its own.
WORKERS ?= $(shell [ "$$(getconf _NPROCESSORS_ONLN)" -gt 1 ] && echo 2 || echo 0)

.DEFAULT_GOAL := help
.PHONY: help run test check format bench load lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/server ## Run the platform with its demo city; prints the URL
	$(BIN)/gongdao serve --demo

test: check ## Everything CI runs: checks and tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -p no:benchmark

check: $(VENV)/dev ## Style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/dev ## Put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev ## Benchmarks, each a ratio to its named floor
	$(BIN)/python -m pytest benchmarks -o python_files='test_*.py' --benchmark-only -s

load: $(VENV)/dev ## Opening rush of 2,000 clients on 500 seats, then again with Valkey killed in the middle
	$(BIN)/python -m loadtest.run rush
	$(BIN)/python -m loadtest.run rush --kill-valkey-at 2

lock: $(VENV)/dev ## Renew uv.lock
	$(BIN)/python -m uv lock

clean: ## Remove the environment and the embedded servers' data
	rm -rf $(VENV) .gongdao

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make run PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/server: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[server]'
	@touch $@

$(VENV)/dev: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/server

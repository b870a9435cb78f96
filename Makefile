# Few verbs, for GNU make 3.81 and newer. `make run` is the whole of a first start.
#
# The environment is made from lock files with hashes by plain pip, and only when they changed.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# The first interpreter that is new enough, so that an old system python3 does not matter.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$each; break; fi; done)
# What pytest gets beside the rest: make test ARGS="tests/api -x"
ARGS ?=

.DEFAULT_GOAL := run
.NOTPARALLEL:
.PHONY: run test check conformance ci chaos chaos-planted bench bench-ledger bench-peers picture clean lock

run: $(VENV)/runtime.stamp
	@exec $(BIN)/backdesk run

test: $(VENV)/dev.stamp
	$(BIN)/pytest -n 2 $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/house
	$(BIN)/pytest -n 2 -q --no-header --hypothesis-profile=check -k test_rules \
		--cov=domain --cov=simulator --cov=sandbox tests/domain tests/simulator tests/sandbox

conformance: $(VENV)/dev.stamp
	$(BIN)/python -m conformance

ci: check test chaos conformance

# Kill everything, a minute or KILLS times; make chaos KILLS=10000 ARGS="--seed 5f3a"
chaos: $(VENV)/dev.stamp
	$(BIN)/python -m tests.chaos $(if $(KILLS),--kills $(KILLS)) $(ARGS)

# Plant one bug after another; each must be found.
chaos-planted: $(VENV)/dev.stamp
	$(BIN)/python -m tests.chaos --planted

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench

# Beside pgbench, on a database of its own; make bench-ledger ARGS="--rounds 1 --seconds 1"
bench-ledger: $(VENV)/dev.stamp
	$(BIN)/python -m bench ledger $(ARGS)

# Beside other servers on the same rows; make bench-peers ARGS="--clients 10000 --seconds 2 --rounds 1"
bench-peers: $(VENV)/dev.stamp $(if $(shell command -v npm),bench/peers/node_modules/.stamp)
	$(BIN)/python -m bench peers $(ARGS)

bench/peers/node_modules/.stamp: bench/peers/package-lock.json
	cd bench/peers && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# The README's picture of the board, of a running demo: DEMO_SCALE=0.05 make run, in a new home.
picture: $(VENV)/dev.stamp
	$(BIN)/python -m tests.stories.picture $(or $(BACKDESK_HOME),.backdesk)

# Environment and caches. Your data (.backdesk, or BACKDESK_HOME) stays.
clean:
	rm -rf $(VENV) build *.egg-info conformance/node_modules conformance/generated
	rm -rf bench/peers/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Write both lock files from the .in files; make lock UPGRADE=--upgrade takes newer versions. Extras
# stay: an older pip looks past a pin without them as soon as there is a newer release.
lock:
	@command -v uv >/dev/null || { echo "error: uv is missing: pip install uv" >&2; exit 1; }
	uv pip compile -q $(UPGRADE) --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-header requirements.in -o requirements.lock
	uv pip compile -q $(UPGRADE) --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.lock

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer found:" \
		"install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: $(PYTHON) has no venv:" \
		"install it (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing $$(grep -c '==' requirements.lock) locked packages"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	@echo "installing the tools of tests and checks"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

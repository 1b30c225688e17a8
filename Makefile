# Needs make and any python3 >= 3.11 with venv; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo up test browser lint format pins chaos audit checks-docs bench screenshots clean

help:  ## Say what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 13

setup: .venv/installed  ## Make .venv with everything in it

.venv/installed: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup  ## Run the receiver and tell it a story: every rule, end to end, over HTTPS
	$(BIN)/sender-sim demo

up: setup  ## Start both programs with their pages, ready to click; Ctrl-C stops them
	$(BIN)/sender-sim up

lint: setup  ## Check style, types and the rules of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint browser  ## Run every check and every test
	$(BIN)/pytest --numprocesses auto

browser: tests/browser/node_modules/.package-lock.json  ## Install what the browser tests take from npm

tests/browser/node_modules/.package-lock.json: tests/browser/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --silent; \
	else echo "npm is not installed: the tests that need axe-core will say so"; fi

screenshots: setup  ## Make the pictures in docs/images anew
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.browser.console_screenshots

format: setup  ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

pins: setup  ## Pin the newest versions that pyproject.toml permits
	$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --no-annotate --output-file requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --no-annotate --extra sim --extra load --extra jobs --group dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

chaos: setup  ## Kill, starve, mutate: every way to break the receiver, at length
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-chaos.txt || \
	echo "atheris cannot be installed for this Python: the part that it leads is left out"
	$(BIN)/python -m tests.chaos

audit: setup  ## Ask whether a vulnerability of what is installed is known
	$(BIN)/python -m tests.audit

checks-docs: setup  ## Write what the documents say of the checks
	$(BIN)/python -m tests.checks.table

bench: setup  ## Measure how fast everything is and write docs/performance.md (QUICK=1: in a few minutes)
	$(BIN)/python -m tests.benchmarks --write $(if $(QUICK),--quick)

clean:  ## Remove what setup and the tests made
	rm -rf .venv tests/browser/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

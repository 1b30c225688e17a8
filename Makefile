# Needs make and any python3 >= 3.11 with venv; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test lint format pins checks-docs bench clean

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

lint: setup  ## Check style, types and the rules of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint  ## Run every check and every test
	$(BIN)/pytest --numprocesses auto

format: setup  ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

pins: setup  ## Pin the newest versions that pyproject.toml permits
	$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --no-annotate --output-file requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --no-annotate --extra sim --extra load --extra jobs --group dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

checks-docs: setup  ## Write what the documents say of the checks
	$(BIN)/python -m tests.checks.table

bench: setup  ## Measure how fast everything is and write docs/performance.md (QUICK=1: in a few minutes)
	$(BIN)/python -m tests.benchmarks --write $(if $(QUICK),--quick)

clean:  ## Remove what setup and the tests made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

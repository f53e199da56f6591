# Needs Python >= 3.11, make and git; everything else comes as hash-checked packages into .venv and .arrears.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
SERVICES := ingest scoring outreach legal audit console
PROJECTS := $(wildcard shared/pyproject.toml services/*/pyproject.toml deploy/local/pyproject.toml bench/pyproject.toml)
EDITABLE := $(foreach project,$(PROJECTS),-e $(dir $(project)))
SOURCES := shared/src $(wildcard services/*/src) deploy/local/src bench/src
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
OFFLINE_HINT := "The package registry could not be reached or a package was refused: check the network or the proxy (PIP_INDEX_URL, HTTPS_PROXY) and repeat."

.PHONY: help run test demo check bench format lint types imports schemas migrations down clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

run: .venv/.run ## Start everything, load the sample portfolio, print the console's URL; Ctrl-C stops
	@exec $(BIN)/arrears up --sample

demo: .venv/.run ## Play 500 loans through 120 business days and print a summary
	@$(BIN)/arrears demo

test: .venv/.dev ## Run the whole test suite
	@$(BIN)/python -m pytest

bench: .venv/.dev ## Run the benchmarks and print their figures
	@status=0; for name in $$($(BIN)/arrears bench list); do $(BIN)/arrears bench $$name || status=1; done; exit $$status

check: lint types imports schemas migrations ## Format, lint, types, import contracts, schemas, migrations

format: .venv/.dev ## Put the code in its canonical format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: .venv/.dev ## Check format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: .venv/.dev ## Check types (strict)
	@$(BIN)/mypy $(SOURCES) tests

imports: .venv/.dev ## Check the import contracts
	@$(BIN)/lint-imports

schemas: .venv/.dev ## Check that the published schemas are current and compatible
	@$(BIN)/python -m arrears.schemas.export --check

migrations: .venv/.dev ## Check that each service's migrations make the tables its code expects
	@$(BIN)/python -m arrears_local.migrations

down: ## Stop what `arrears up --detach` started
	@$(BIN)/arrears down

clean: ## Remove the virtual environment and the tools' caches (the data in .arrears stay)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Stamps: the second start installs nothing. A changed requirement or project file brings the installation up to date.
.venv/.run: requirements/run.txt $(PROJECTS) | .venv/bin/python
	@echo "Installing what runs (hash-checked) …" >&2
	@$(PIP) install --require-hashes -r requirements/run.txt || { echo $(OFFLINE_HINT) >&2; exit 6; }
	@$(PIP) install --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "Installing what checks and tests (hash-checked) …" >&2
	@$(PIP) install --require-hashes -r requirements/dev.txt || { echo $(OFFLINE_HINT) >&2; exit 6; }
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3.11 make …" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is needed (Debian: python3-venv)." >&2; exit 2; }

# Every door has one handle: `make help` lists them. All of them set up what they need themselves.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
STACK := $(PYTHON) -m deploy.stack
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
# The order of the tests is drawn from it: the same for everybody, another one with SEED=random.
SEED ?= 1
# Files of tests that run side by side; the slow ones mostly wait.
WORKERS ?= 2
FUZZ_SECONDS ?= 120
IS_USABLE := import sys; sys.exit(sys.version_info < (3, 11))

.PHONY: help demo test check fix schemas up down status logs clean bench chaos fuzz lock set-up

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: set-up ## run everything and send the example campaign (EXIT=1: end by itself)
	@$(PYTHON) -m cli demo $(if $(EXIT),--exit)

test: check ## check, then every other test, with a real Kafka and PostgreSQL
	@echo "test: pytest ..."
	@$(PYTHON) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
		--ignore=tests/architecture \
		$(if $(filter random,$(SEED)),,--randomly-seed=$(SEED))

check: set-up ## format, lint, types, architecture, drift of the generated schemas
	@echo "check: format and lint ..."
	@$(PYTHON) -m ruff format --check --quiet .
	@$(PYTHON) -m ruff check --quiet .
	@echo "check: types ..."
	@$(PYTHON) -m basedpyright
	@echo "check: architecture ..."
	@$(PYTHON) -m pytest -q tests/architecture
	@echo "check: schemas ..."
	@$(PYTHON) -m schemas.generate --check
	@$(PYTHON) -m cli.openapi --check

fix: set-up ## format, and mend what the linter can
	@$(PYTHON) -m ruff check --fix --quiet . || true
	@$(PYTHON) -m ruff format .

schemas: set-up ## generate JSON Schema, AsyncAPI and OpenAPI anew
	@$(PYTHON) -m schemas.generate
	@$(PYTHON) -m cli.openapi

up: set-up ## start a Kafka and a PostgreSQL to work with
	@$(STACK) up

down: set-up ## stop them; their data stays
	@$(STACK) down

status: set-up ## say what runs, and where
	@$(STACK) status --all

logs: set-up ## follow the logs of both
	@$(STACK) logs || [ $$? -eq 130 ]

clean: set-up ## stop every stack of this checkout (demo, tests, ...) and delete its data
	@$(STACK) clean --all

bench: set-up ## measure the pipeline and its stages, beside the machine's raw limits
	@$(PYTHON) -m bench

chaos: set-up ## kill everything in turn under load, and count what was lost or sent twice
	@$(PYTHON) -m tests.chaos

fuzz: set-up ## feed readers and APIs what nobody would send (FUZZ_SECONDS=120)
	@$(PYTHON) -m tests.fuzz --seconds $(FUZZ_SECONDS)

lock: set-up ## pin the newest versions of requirements/*.in, with hashes
	@$(PYTHON) deploy/lock.py

set-up:
	@for python in $(PYTHONS); do \
		if $$python -c '$(IS_USABLE)' 2>/dev/null; then exec $$python deploy/set_up.py; fi; \
	done; \
	echo "set-up: no Python 3.11 or newer on PATH: install python3.11 with python3-venv" >&2; exit 1

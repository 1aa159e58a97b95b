# The only entry points, for people and for continuous integration alike. `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
LAB := $(BIN)/python -m lab

.DEFAULT_GOAL := help
.PHONY: help install up down status logs reset test check format lock bench bench-http bench-mesh bench-discovery

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(STAMP) ## start three regions and load a catalogue: CATALOGUE=<archive or folder>, else a small sample
	@$(LAB) up $(if $(CATALOGUE),--catalogue "$(CATALOGUE)")

down: $(STAMP) ## stop everything; the data stays
	@$(LAB) down

status: $(STAMP) ## every process, its health, and the sizes of the clusters
	@$(LAB) status

logs: $(STAMP) ## follow what the processes write: NAMES="messier-west-1 ..." for some
	@$(LAB) logs $(NAMES)

reset: $(STAMP) ## stop everything and erase the data: CONFIRM=1 does not ask
	@$(LAB) reset $(if $(filter 1,$(CONFIRM)),--confirm)

test: $(STAMP) ## every test: ARGS="-k name" for some
	@$(LAB) install
	@$(BIN)/python -m pytest $(ARGS)

check: $(STAMP) ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## write the lock files from pyproject.toml: ARGS=--upgrade for the newest versions
	@$(BIN)/python -m lab.lock $(ARGS)

bench: $(STAMP) ## every benchmark: ROUNDS=5
	@$(BIN)/python -m bench

bench-http: $(STAMP) ## answers from the edge cache, and through all tiers of a running region
	@$(BIN)/python -m bench http

bench-mesh: $(STAMP) ## calls through one nats-server, against other libraries and Moleculer
	@$(BIN)/python -m bench mesh

bench-discovery: $(STAMP) ## a simulated mesh of 1,000 nodes; docs/discovery.md has its table
	@$(BIN)/python -m bench discovery --write docs/discovery.md

install: $(STAMP) ## the virtual environment, with everything in it

$(STAMP): requirements-dev.lock pyproject.toml lab/install.py
	@$(PYTHON) -m lab.install $(VENV) requirements-dev.lock

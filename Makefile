# One entry for people and for CI: `make` alone lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.8

.PHONY: help
help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/.installed: locks/dev.txt pyproject.toml
	@echo "▸ Python packages into .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --require-hashes locks/dev.txt
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: install
install: .venv/.installed  ## Make .venv from the lock file

.PHONY: lock
lock:  ## Refresh the lock files, one an image and one for development
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--all-extras --group dev --output-file locks/dev.txt pyproject.toml
	for image in operator workers api; do \
		$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
			--extra $$image --constraint locks/dev.txt --output-file locks/$$image.txt pyproject.toml; done

.PHONY: fmt
fmt: install  ## Format the code
	$(BIN)/ruff check --fix --quiet . && $(BIN)/ruff format --quiet .

.PHONY: lint
lint: install  ## Check style, types and import contracts
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One entry for people and for CI: `make` alone lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.8

.PHONY: help
help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/.installed: locks/dev.txt pyproject.toml
	@echo "▸ Python packages into .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --require-hashes locks/dev.txt
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: install
install: .venv/.installed  ## Make .venv from the lock file

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

.PHONY: lock
lock:  ## Refresh the lock files: development, each image, the stand-in for Strimzi, and what builds the images
	$(LOCK) --all-extras --group dev --output-file locks/dev.txt pyproject.toml
	$(LOCK) --extra operator --constraint locks/dev.txt --output-file locks/operator.txt pyproject.toml
	$(LOCK) --extra api --extra otel --extra registry --constraint locks/dev.txt --output-file locks/api.txt pyproject.toml
	$(LOCK) --extra workers --extra otel --extra registry --constraint locks/dev.txt --output-file locks/workers.txt pyproject.toml
	$(LOCK) --group standin --constraint locks/dev.txt --output-file locks/standin.txt
	echo hatchling | $(LOCK) --constraint locks/dev.txt --output-file locks/build.txt -

.PHONY: fmt
fmt: install  ## Format the code
	$(BIN)/ruff check --fix --quiet . && $(BIN)/ruff format --quiet .

.PHONY: lint
lint: install  ## Check style, types and import contracts
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: unit
unit: install  ## Unit and contract tests: no Kafka, no cluster, seconds
	$(BIN)/pytest tests/unit tests/contract

.PHONY: integration
integration: install  ## Tests of the workers and the Task API on a real Kafka broker and a real PostgreSQL
	$(BIN)/pytest tests/integration

.PHONY: e2e
e2e: install  ## Tests of the whole product on a kind cluster of their own
	@$(BIN)/python -m dev --name eventconsumer-test prepare
	$(BIN)/pytest tests/e2e

.PHONY: test
test: lint  ## Everything: style, types, and all tests from unit to kind
	@$(BIN)/python -m dev --name eventconsumer-test prepare
	$(BIN)/pytest tests/unit tests/contract
	$(BIN)/pytest --numprocesses 2 --dist loadscope tests/integration tests/e2e

.PHONY: bench
bench: install  ## Measure on a real broker, print the table, write bench/results.json
	$(BIN)/python -m bench

.PHONY: cluster-up
cluster-up: install  ## A local kind cluster with Kafka and Strimzi's resources
	@$(BIN)/python -m dev up

.PHONY: images
images: install  ## Build the three images from this tree and load them into the local cluster
	@$(BIN)/python -m dev images

.PHONY: demo
demo: install  ## The main job: a cluster, the chart, 600 tasks, and their lag falling to 0
	@$(BIN)/python -m dev demo

.PHONY: cluster-down
cluster-down: install  ## Put the local cluster away
	@$(BIN)/python -m dev down

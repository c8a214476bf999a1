# make setup    the environment alone: .venv with pinned dependencies and this package
# make search   the main job: a search on handwritten digits, to a front of accuracy against MACs
# make test     the tests, three files at a time: where a search waits, another file goes on
# make lint     ruff and mypy
# make docs     the documentation as web pages, into build/docs
# PYTHON=... names the interpreter (3.10-3.12) when the one found is not the one wanted.
# ARGS=... goes to the command line of the search or of pytest.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
.DEFAULT_GOAL := help
.PHONY: help setup search test lint docs

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml
	@sh tools/setup.sh "$(VENV)" "$(PYTHON)"
	@touch $@

search: $(STAMP)
	@$(BIN)/python run_search.py search --confirm 20 $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# mkdocs is only needed here, so it is installed here.
docs: $(STAMP)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@$(BIN)/python -m tools.docs_pictures
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "build/docs/index.html"

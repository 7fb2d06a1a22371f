# One place for every chore.  `make demo` and `make test` need only Python 3.11+ (with venv), git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
export UV_NO_PROGRESS = 1

.PHONY: help demo test lint check proofs coverage mutants images lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

demo: $(STAMP)  ## 16 days of the main job on the embedded emulator
	$(BIN)/keyreeve demo

test: $(STAMP)  ## every test; browser tests skip where there is no chromium
	$(BIN)/python -m pytest -n auto

lint: $(STAMP)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## what a change must pass

proofs: $(STAMP)  ## every promise at full size, one line each (long)
	$(BIN)/python -m tests.proofs --record docs/promises.md

coverage: $(STAMP)  ## branch coverage of the core; fails under 95 %
	$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered tests/unit

mutants: $(STAMP)  ## mutation testing of the core (long)
	$(BIN)/mutmut run

images: $(STAMP)  ## screenshots of the mails for docs/images (needs chromium)
	$(BIN)/python -m tests.browser.screenshots

lock:  ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --group dev --extra holidays --extra sandbox --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements.lock

clean:  ## forget everything that was generated
	rm -rf $(VENV) demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage mutants

# One place for every chore.  `make demo` and `make test` need only Python 3.11+ (with venv), git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SUPPLY := .venv-supply
SCAN   := .venv-scan
export UV_NO_PROGRESS = 1

.PHONY: help demo test lint check proofs bench coverage mutants images scan sbom advisories lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

demo: $(STAMP)  ## 16 days of the main job on the embedded emulator
	$(BIN)/keyreeve demo

# Neighbouring tests share what their module made: worksteal leaves them together.
test: $(STAMP) coverage  ## every test; browser tests skip where there is no chromium
	$(BIN)/python -m pytest -n auto --dist worksteal $(addprefix --ignore=,$(QUICK))

lint: $(STAMP)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## what a change must pass

proofs: $(STAMP)  ## every promise at full size, one line each (long)
	$(BIN)/python -m tests.proofs --record docs/promises.md

# Peers have environments of their own; one that cannot be installed is skipped by name.
PEERS = .venv-c7n .venv-prowler

bench: $(STAMP) $(PEERS:%=%/.tried)  ## Keyreeve beside its floor and its peers: benchmarks/results.md (an hour)
	$(BIN)/python -m benchmarks --write benchmarks/results.md

.venv-%/.tried: benchmarks/requirements-%.txt
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	-.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

# What runs in a minute and nearly covers the core.
QUICK = tests/unit tests/stacks

coverage: $(STAMP)  ## the quick tests, and the core's branch coverage by them; fails under 95 %
	$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered $(QUICK)

mutants: $(STAMP)  ## mutation testing of the core (long)
	$(BIN)/mutmut run

images: $(STAMP)  ## screenshots of mails and report for docs/images (needs chromium)
	$(BIN)/python -m tests.browser.screenshots

sbom: $(SUPPLY)/.installed  ## dist/sbom.cdx.json: what a user installs, from the lock
	mkdir -p dist
	PYTHONWARNINGS=ignore $(SUPPLY)/bin/cyclonedx-py requirements requirements-run.lock --pyproject pyproject.toml \
	  --output-reproducible --output-format JSON --output-file dist/sbom.cdx.json

advisories: $(SUPPLY)/.installed  ## known vulnerabilities of what a user installs (needs the internet)
	$(SUPPLY)/bin/pip-audit --require-hashes --disable-pip --requirement requirements-run.lock

scan: $(STAMP) $(SCAN)/.installed  ## checkov on the stacks; every skip bears its reason
	rm -rf dist/stacks
	$(BIN)/python -m tests.stacks.sample dist/stacks
	$(SCAN)/bin/checkov --config-file .checkov.yaml

$(SCAN)/.installed: requirements-scan.lock
	test -x $(SCAN)/bin/python || $(PYTHON) -m venv $(SCAN)
	$(SCAN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-scan.lock
	touch $@

$(SUPPLY)/.installed: requirements-supply.lock
	test -x $(SUPPLY)/bin/python || $(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-supply.lock
	touch $@

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-annotate --no-header

lock:  ## resolve the four locks anew (needs uv)
	$(COMPILE) --group dev --extra channels --extra holidays --extra sandbox --output-file requirements.lock
	$(COMPILE) --extra channels --extra holidays --constraint requirements.lock --output-file requirements-run.lock
	uv pip compile --group scan --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-scan.lock
	uv pip compile --group supply --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-supply.lock

clean:  ## forget everything that was generated
	rm -rf $(VENV) $(SUPPLY) $(SCAN) $(PEERS) dist demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage mutants

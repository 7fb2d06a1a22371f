# One place for every chore.  `make demo` and `make test` need only Python 3.11+ (with venv), git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SUPPLY := .venv-supply
SCAN   := .venv-scan
DOCS   := .venv-docs
DEPLOY := .venv-deploy
export UV_NO_PROGRESS = 1
# Tests start hundreds of processes: none compiles all modules anew where a machine has this set.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo test lint check proofs fleet bench coverage mutants images docs dist wheels zips scan sbom
.PHONY: advisories lock clean package deployments deployfiles

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

demo: $(STAMP)  ## 16 days of the main job on the embedded emulator
	$(BIN)/keyreeve demo

# Most of these wait for the emulator or a browser: two a core keep both cores busy.
WORKERS = $(shell echo $$((2 * $$(nproc))))

# Neighbouring tests share what their module made: worksteal leaves them together.
test: $(STAMP) coverage  ## every test; browser tests skip where there is no chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(addprefix --ignore=,$(QUICK))

lint: $(STAMP)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## what a change must pass

proofs: $(STAMP)  ## every promise at full size, one line each (long)
	$(BIN)/python -m tests.proofs --record docs/promises.md

fleet: $(STAMP)  ## a day of 200 accounts with 200 users each, by threads and by the state machine (long)
	$(BIN)/python -m tests.fleet_at_full_size

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

docs: $(DOCS)/.installed  ## dist/site: the documentation; warnings and broken links fail
	rm -rf dist/site
	$(DOCS)/bin/sphinx-build --fail-on-warning --keep-going --nitpicky --quiet --builder html \
	  --doctree-dir dist/.doctrees docs dist/site
	$(DOCS)/bin/python -m tests.documentation.site_links dist/site

dist: $(STAMP)  ## dist/*.whl and dist/*.tar.gz, the same bytes from the same sources
	$(BIN)/python -m hatchling build --directory dist

PYTHONS  ?= $(PYTHON)
EMULATOR ?= --emulator
# pipx and uvx are tried where they are; one that is named here must be there.
TOOLS    ?=
wheels: dist  ## the wheel in an empty environment of each of PYTHONS, by each of TOOLS (needs the internet)
	$(BIN)/python -m tests.packaging.empty_environments $(EMULATOR) $(TOOLS:%=--tool=%) dist $(PYTHONS)

zips: $(STAMP)  ## zips for Lambda of both processors, and a day run from one (needs pip's index)
	$(BIN)/python -m tests.zips dist

sbom: $(SUPPLY)/.installed  ## dist/sbom.cdx.json: what a user installs, from the lock
	mkdir -p dist
	PYTHONWARNINGS=ignore $(SUPPLY)/bin/cyclonedx-py requirements requirements-run.lock --pyproject pyproject.toml \
	  --output-reproducible --output-format JSON --output-file dist/sbom.cdx.json
	$(SUPPLY)/bin/python -m tests.packaging.bill_of_materials dist/sbom.cdx.json requirements-run.lock

advisories: $(SUPPLY)/.installed  ## known vulnerabilities of what a user installs (needs the internet)
	$(SUPPLY)/bin/pip-audit --require-hashes --disable-pip --requirement requirements-run.lock

scan: $(STAMP) $(SCAN)/.installed  ## checkov on the stacks; every skip bears its reason
	rm -rf dist/stacks
	$(BIN)/python -m tests.stacks.sample dist/stacks
	$(SCAN)/bin/checkov --config-file .checkov.yaml

$(DOCS)/.installed: requirements-docs.lock
	test -x $(DOCS)/bin/python || $(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-docs.lock
	touch $@

$(SCAN)/.installed: requirements-scan.lock
	test -x $(SCAN)/bin/python || $(PYTHON) -m venv $(SCAN)
	$(SCAN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-scan.lock
	touch $@

$(SUPPLY)/.installed: requirements-supply.lock
	test -x $(SUPPLY)/bin/python || $(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-supply.lock
	touch $@

VERSION = $(shell $(BIN)/python -c "import keyreeve; print(keyreeve.__version__)")
PACKAGE = keyreeve-deployment-$(VERSION)

package: $(STAMP)  ## dist/keyreeve-deployment-*.tar.gz: the wheel, its lock, and deploy/
	rm -rf dist/keyreeve-deployment-*
	SOURCE_DATE_EPOCH=0 $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps \
	  --wheel-dir dist/$(PACKAGE) .
	cp -r requirements-run.lock LICENSE deploy docs/deployment.md dist/$(PACKAGE)/
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C dist -cf - $(PACKAGE) | gzip -n > dist/$(PACKAGE).tar.gz

PROVE_DEPLOY = KEYREEVE_DEPLOY_TOOLS=$(DEPLOY)/bin $(BIN)/python -m pytest -n 0

deployments: package  ## all that deploy/ holds, run where it belongs (Debian, root; some minutes)
	tests/deploy/install.sh $(DEPLOY) all
	$(PROVE_DEPLOY) tests/deploy/prove_*.py

deployfiles: package  ## the quick half: linted, parsed, run against stubs (Debian, root)
	tests/deploy/install.sh $(DEPLOY)
	$(PROVE_DEPLOY) $(addprefix tests/deploy/prove_,files.py jenkins.py action.py)

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-annotate --no-header

lock:  ## resolve the five locks anew (needs uv)
	$(COMPILE) --group dev --extra channels --extra holidays --extra sandbox --output-file requirements.lock
	$(COMPILE) --extra channels --extra holidays --constraint requirements.lock --output-file requirements-run.lock
	uv pip compile --group scan --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-scan.lock
	uv pip compile --group supply --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-supply.lock
	uv pip compile --group docs --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-docs.lock

clean:  ## forget everything that was generated
	rm -rf $(VENV) $(SUPPLY) $(SCAN) $(DOCS) $(DEPLOY) $(PEERS) dist demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage mutants

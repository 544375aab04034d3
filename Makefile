# Needs Python 3.11 or later with pip and venv, git and make. Everything else is made here, inside this directory.
#
#   make demo                a whole campaign against a simulated Meta (ARGS=--exit ends by itself)
#   make unit                the tests that need no database, no Redis, no browser and no process: half a minute
#   make test                the tests; what cannot run on this machine is skipped by name (T=tests/models/segments: a part)
#   make check               what CI runs: style, types, every test, coverage
#   make prove               every test, and what kills, races or draws at random for many rounds: hours (T=…, SEED=…)
#   make format              bring the code into its form, and mend what can be mended by itself
#   make shell               a Python shell with the runtime (rt), a session and every table at hand
#   make bench               the benchmarks' tables
#   make sbom                the software bill of materials of a release, from requirements.lock: build/hark.cdx.json
#   make lock                write the lock files again from pyproject.toml (UPGRADE=1 takes newer releases)
#   make clean               remove what these made; your own var/ stays

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One more than CI's machine has cores: some tests wait for a lease or a clock meanwhile.
WORKERS ?= 3
COVERAGE_FLOOR := 90
COVERED := models/*,bot/*,jobs/*
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.12 python3.11 python3.13 python3.14; do \
	command -v $$python >/dev/null && $$python -c '$(ENOUGH)' 2>/dev/null && echo $$python && break; done)

# By module, never by script: a script's first line breaks where this directory has a space in its name or is moved.
VENV := .venv
RUN := $(VENV)/bin/python -m
INSTALLED := $(VENV)/installed

# The demo and the tests inherit no setting; the tests keep the server that they are given.
OURS := HARK_% META_% SHOPIFY_% GRAPH_API_% FLASK_% DATABASE_URL% REDIS_URL% SECRET_KEY% ENCRYPTION_KEY% \
	PUBLIC_URL% DEFAULT_COUNTRY% TIME_ZONE% PYTHONPATH PYTHONHOME PYTEST_ADDOPTS COVERAGE_%
FOUND := $(filter-out HARK_TEST_POSTGRES COVERAGE_FLOOR,$(filter $(OURS),$(.VARIABLES)))
CLEAN_ENV := env $(foreach name,$(FOUND),-u $(name))

LOCK := build/uv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --annotation-style line $(if $(UPGRADE),--upgrade)

.PHONY: help demo unit test check prove lint types format shell bench sbom lock clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(INSTALLED)
	@$(CLEAN_ENV) $(RUN) flask demo $(ARGS)

# Only what a test takes decides (tests/support/needs.py): a test that starts a process without being marked so fails.
unit: $(INSTALLED)
	@mkdir -p build
	@$(CLEAN_ENV) $(RUN) pytest -n $(WORKERS) --basetemp=build/unit \
		-m 'not (redis or sqlite or postgres or browser or process)' $(T) $(ARGS)

test: $(INSTALLED)
	@rm -rf build/test build/coverage && mkdir -p build
	@$(CLEAN_ENV) REQUIRE_ALL=$(REQUIRE_ALL) $(if $(COVERAGE),COVERAGE_FILE=build/coverage/data $(RUN) coverage run -m,$(RUN)) \
		pytest -n $(WORKERS) -rfEs --no-fold-skipped --basetemp=build/test -o faulthandler_timeout=120 $(T) $(ARGS)
ifdef COVERAGE
	@COVERAGE_FILE=build/coverage/data $(RUN) coverage combine --quiet
	@COVERAGE_FILE=build/coverage/data $(RUN) coverage report --include='$(COVERED)' --fail-under=$(COVERAGE_FLOOR)
endif

check: lint types
	@$(MAKE) test REQUIRE_ALL=1 COVERAGE=1

# The rounds are long, so a test that hangs is told after half an hour; the seed is printed first.
prove: $(INSTALLED)
	@mkdir -p build
	@$(CLEAN_ENV) REQUIRE_ALL=$(REQUIRE_ALL) $(RUN) pytest -n $(WORKERS) -rfEs --no-fold-skipped --basetemp=build/prove \
		-o faulthandler_timeout=1800 --prove $(if $(SEED),--seed=$(SEED) --hypothesis-seed=$(SEED)) $(T) $(ARGS)

lint: $(INSTALLED)
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(VENV)/bin/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo

types: $(INSTALLED)
	@$(RUN) mypy

format: $(INSTALLED)
	@$(RUN) ruff check --fix --quiet . || true
	@$(RUN) ruff format .

# Your own settings and database, as `flask` itself has them.
shell: $(INSTALLED)
	@$(RUN) flask shell

bench: $(INSTALLED)
	@set -e; for program in tests/benchmarks/[!_]*.py; do \
		[ -e "$$program" ] || { echo "no benchmarks here" >&2; exit 1; }; \
		$(CLEAN_ENV) $(RUN) "$$(echo "$${program%.py}" | tr / .)" $(ARGS) || exit; \
	done

# An environment that works is kept and brought up to date; a broken one (its Python went, the directory moved) is made anew.
$(INSTALLED): requirements.lock requirements-dev.lock
	@if ! { $(VENV)/bin/python -c '$(ENOUGH)' && $(VENV)/bin/python -m pip --version; } >/dev/null 2>&1; then \
		if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(ENOUGH)' 2>/dev/null; then \
			echo "Hark needs Python 3.11 or later$(if $(PYTHON), and $(PYTHON) is none): install one or say make PYTHON=/path/to/python" >&2; exit 1; fi; \
		echo "making the environment in $(VENV) (once, a minute or two)" >&2; \
		"$(PYTHON)" -m venv --clear $(VENV) >/dev/null || { \
			echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }; \
	fi
	@PIP_USER=0 $(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-cache-dir --no-input \
		--require-hashes -r requirements-dev.lock
	@touch $@

# The same lock gives the same file, byte for byte; it asks nobody.
sbom: $(INSTALLED)
	@mkdir -p build
	@$(VENV)/bin/python -W ignore -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml \
		--mc-type application --output-reproducible --of JSON -o build/hark.cdx.json
	@echo build/hark.cdx.json

lock: build/uv/bin/uv
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

build/uv/bin/uv: $(INSTALLED)
	@$(VENV)/bin/python -m venv --clear build/uv
	@build/uv/bin/python -m pip install -qq --disable-pip-version-check uv

clean:
	rm -rf $(VENV) build var/demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# Everything a newcomer types. Each step of the set-up leaves a stamp in .venv, so nothing is done twice, and a change of
# a lock file redoes only what depends on it. PYTHON=/path/to/python make setup chooses another Python.

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
SPARK41 := .venv-spark41
AIRFLOW := .venv-airflow
S3 := .venv-s3
LOCKER := .venv-lock
DEMO_DIR ?= demo
PYTEST_ARGS ?=
BENCHMARKS ?= $(sort $(wildcard tests/benchmarks/test_*.py))
LOCK_ARGS ?=

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
LOCKED := --require-hashes --no-deps --no-build-isolation -r
COMPILE = $(LOCKER)/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" $(LOCK_ARGS)

# Any Python from 3.10 on; the one that the tests run on most often comes first.
define create_venv
for python in "$(PYTHON)" python3.11 python3.12 python3.10 python3.13 python3 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || continue; \
	seen=$$python; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	echo "Environment $(1): $$("$$python" --version)"; \
	"$$python" -m venv $(1) && exit 0; \
done; \
if [ -n "$$seen" ]; then \
	echo "omniseg set-up: $$seen has no venv module. Install it (Debian, Ubuntu: apt install python3-venv)" >&2; \
else \
	echo "omniseg set-up: needs Python 3.10 or newer, found $$(python3 --version 2>&1 || echo none)." >&2; \
	echo "Install one (Debian, Ubuntu: apt install python3 python3-venv; Fedora: dnf install python3; macOS: brew install python@3.12)" >&2; \
	echo "or name one: make setup PYTHON=/path/to/python3" >&2; \
fi; \
exit 10
endef

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types unit bench soak lock clean
.DELETE_ON_ERROR:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/bootstrap ## environment, locked packages, Java where there is none, Delta's jars, archive of classes

demo: setup ## segments of a real retailer's customers, end to end (outputs in DEMO_DIR, default demo/)
	@$(BIN)/omniseg demo --dir "$(DEMO_DIR)"

test: lint types unit ## lint, strict types, all tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

unit: setup $(STAMPS)/java lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# A process for each: Java, which only ends with it, has the keys of its beginning and the memory of all that it did.
bench: setup ## measure the figures of the README on this machine (BENCHMARKS=file for one of them)
	@failed=0; for file in $(BENCHMARKS); do \
		$(BIN)/python -m pytest -m bench -s $(PYTEST_ARGS) $$file || failed=1; \
	done; exit $$failed

soak: setup $(STAMPS)/java $(SPARK41)/stamp $(AIRFLOW)/stamp $(S3)/stamp ## the long sweeps of faults and seeds
	$(BIN)/python -m pytest -m soak --timeout 7200 $(PYTEST_ARGS)

$(STAMPS)/venv:
	@$(call create_venv,$(VENV))
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/build: requirements-build.lock | $(STAMPS)/venv
	@$(BIN)/python $(PIP_INSTALL) $(LOCKED) $<
	@touch $@

$(STAMPS)/packages: requirements.lock $(STAMPS)/build
	@echo "Installing the locked packages (once; about 3 minutes and 2 GB)"
	@$(BIN)/python $(PIP_INSTALL) $(LOCKED) $<
	@touch $@

$(STAMPS)/omniseg: pyproject.toml $(STAMPS)/packages
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

BOOTSTRAP := bootstrap java trust versions class_archive lake/rehearsal
$(STAMPS)/bootstrap: $(STAMPS)/omniseg requirements-java.lock $(BOOTSTRAP:%=lib/omniseg/%.py)
	@$(BIN)/python -m omniseg.java >/dev/null 2>&1 || $(BIN)/python $(PIP_INSTALL) $(LOCKED) requirements-java.lock
	@$(BIN)/python -m omniseg.bootstrap
	@touch $@

# The Java from PyPI, also where the machine has its own: tests read its trust store, and `make soak` runs Spark on it.
$(STAMPS)/java: requirements-java.lock $(STAMPS)/bootstrap
	@$(BIN)/python $(PIP_INSTALL) $(LOCKED) $<
	@touch $@

# The second tested pair of Spark and Delta, for the handshake test only.
$(SPARK41)/stamp: tests/handshake/requirements.lock lib/omniseg/versions.py $(STAMPS)/bootstrap
	@echo "Installing the other tested pair of Spark and Delta (once, for the handshake test)"
	@test -x $(SPARK41)/bin/python || $(BIN)/python -m venv $(SPARK41)
	@$(SPARK41)/bin/python $(PIP_INSTALL) $(LOCKED) requirements-build.lock
	@$(SPARK41)/bin/python $(PIP_INSTALL) $(LOCKED) $<
	@PYTHONPATH=lib JAVA_HOME="$$($(BIN)/python -m omniseg.java)" $(SPARK41)/bin/python -m omniseg.bootstrap
	@touch $@

# The real Airflow, for the test of the example DAG only: its packages and ours exclude each other.
$(AIRFLOW)/stamp: tests/schedulers/requirements.lock | $(STAMPS)/venv
	@echo "Installing Airflow (once, for the test of the example DAG)"
	@test -x $(AIRFLOW)/bin/python || $(BIN)/python -m venv $(AIRFLOW)
	@$(AIRFLOW)/bin/python $(PIP_INSTALL) --require-hashes --no-deps --only-binary :all: -r $<
	@touch $@

# A store that speaks S3, and what Spark needs to speak to one, for the test of a warehouse in an object store only.
$(S3)/stamp: tests/s3/requirements.lock tests/s3/jars.lock $(STAMPS)/bootstrap
	@echo "Installing an S3-compatible store (once, for the test of a warehouse in it)"
	@test -x $(S3)/bin/python || $(BIN)/python -m venv $(S3)
	@$(S3)/bin/python $(PIP_INSTALL) --require-hashes --no-deps --only-binary :all: -r $<
	@$(BIN)/python -m tests.s3.jars
	@touch $@

lock: $(LOCKER)/bin/uv ## resolve the dependencies again (LOCK_ARGS=--upgrade for newer ones)
	$(COMPILE) --extra demo --extra dev pyproject.toml --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --group build --output-file requirements-build.lock
	$(COMPILE) --group java --output-file requirements-java.lock
	$(COMPILE) --group handshake --output-file tests/handshake/requirements.lock
	$(COMPILE) --group airflow --output-file tests/schedulers/requirements.lock
	$(COMPILE) --group s3 --output-file tests/s3/requirements.lock

$(LOCKER)/bin/uv:
	@$(call create_venv,$(LOCKER))
	@$(LOCKER)/bin/python $(PIP_INSTALL) uv==0.13.9

clean: ## remove the environments, the caches and the demo
	rm -rf $(VENV) $(SPARK41) $(AIRFLOW) $(S3) $(LOCKER) "$(DEMO_DIR)" .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

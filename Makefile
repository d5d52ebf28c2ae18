# Everything a person needs: `make demo` looks at Novamind, `make test` tests it. Both set themselves up first.

SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := $(VENV)/uv/bin/uv
STAMP := $(VENV)/.stamp
LOCKS := requirements/base.lock requirements/dev.lock
ARGS ?=

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export TF_CPP_MIN_LOG_LEVEL ?= 3
unexport PYTHONDONTWRITEBYTECODE  # where it is set, every process compiles Django and TensorFlow anew

# Values with the shape of real ones, so that `check --deploy` looks at the settings production runs with.
AS_IN_PRODUCTION := ENVIRONMENT=production DEMO=0 \
	SECRET_KEY=only-for-the-deployment-check-0123456789-abcdefghijklmnop \
	JWT_SECRET_KEY=only-for-the-deployment-check-9876543210-zyxwvutsrqponm \
	AUDIT_SEAL_KEY=only-for-the-deployment-check-5678901234-mnopqrstuvwxyz \
	METRICS_TOKEN=only-for-the-deployment-check CRISIS_TEXT=only-for-the-deployment-check ALLOWED_HOSTS=clinic.invalid \
	DATABASE_URL=postgresql://app:unused@database.invalid/novamind \
	REDIS_URL=rediss://broker.invalid/0 CACHE_URL=rediss://cache.invalid/0 \
	EMAIL_PROVIDER=amazon_ses SITE_URL=https://clinic.invalid/

.PHONY: help setup demo test check fix lock
help:
	@echo "make demo    a clinic with synthetic patients on this machine; ARGS=\"--port 8001 --reset\""
	@echo "make test    the tests, without those that need a browser or kill processes; ARGS=\"-k actogram\""
	@echo "make check   style, types, architecture, deployment settings, migrations, known weaknesses"
	@echo "make fix     what can be corrected by machine"
	@echo "make setup   the environment in .venv (the others do this themselves)"
	@echo "make lock    resolve the dependencies of pyproject.toml anew"

setup: $(STAMP)
	@echo "setup: ready in $(VENV)"

demo: $(STAMP)
	@$(BIN)/python manage.py demo $(ARGS)

test: $(STAMP)
	@echo "test: everything except the markers 'processes', 'browser' and 'exhaustive' (.ci/run runs those too)"
	@ENVIRONMENT=test $(BIN)/python -m pytest -m "not processes and not browser and not exhaustive" -n 2 --dist worksteal $(ARGS)

check: $(STAMP)
	@echo "check 1/7: ruff" && $(BIN)/ruff check .
	@echo "check 2/7: format" && $(BIN)/ruff format --check .
	@echo "check 3/7: types" && $(BIN)/mypy
	@echo "check 4/7: imports go down only" && $(BIN)/lint-imports
	@echo "check 5/7: settings as in production" && \
		$(AS_IN_PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@echo "check 6/7: migrations" && ENVIRONMENT=test $(BIN)/python manage.py makemigrations --check --dry-run
	@echo "check 7/7: known weaknesses in code and packages" && $(BIN)/python .ci/weaknesses.py

fix: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

COMPILE = $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock: $(UV)
	@echo "lock 1/3: what runs" && $(COMPILE) -o requirements/base.lock
	@echo "lock 2/3: and what tests it" && $(COMPILE) --group dev -c requirements/base.lock -o requirements/dev.lock
	@echo "lock 3/3: and what a GPU worker needs" && $(COMPILE) --extra gpu -c requirements/base.lock -o requirements/gpu.lock

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "setup: no python3 here; on Debian: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "setup: $$($(PYTHON) --version) is not Python 3.11, 3.12 or 3.13, for which the packages are locked; PYTHON=/path/to/python3.11 chooses one"; exit 1; }
	@echo "setup 1/3: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "setup: this Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }

# uv lives in a folder of its own: syncing the environment to the lock would remove it.
$(UV): requirements/uv.lock | $(BIN)/python
	@echo "setup 2/3: the installer (uv)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@rm -rf $(VENV)/uv
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes --target $(VENV)/uv -r requirements/uv.lock
	@touch $@

$(STAMP): $(LOCKS) $(UV)
	@echo "setup 3/3: the packages of requirements/dev.lock (about 2 GB unpacked; seconds where they are cached, else minutes)"
	@$(UV) pip sync --python $(BIN)/python --require-hashes requirements/dev.lock
	@touch $@

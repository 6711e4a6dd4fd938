# Two commands for a fresh machine with Python 3.11 or newer, git and make; no root.
#
#   make run     install into .venv, apply the checked-in declaration, show the history and how to install from the feeds
#   make test    install what development needs; linters, types, tests, coverage
#
#   make lint    only linters and types
#   make bench-history   what reading a large history costs, beside git's own pass (BENCH: where the repository is generated)
#   make bench-policy    what a pass over 100,000 published versions costs, with every rule and a snapshot of advisories
#   make lock    resolve pyproject.toml anew and write the lock files
#   make clean   remove what the above made, but not .feeds, which is the store
#
# Packages are installed by hash from the lock files. No address of an index stands there: pip's own configuration, or a
# mirror that it names, says where they come from. The lock files are whole, so pip resolves nothing (--no-deps): pip 23 would let the newest
# coverage[toml] of the index in beside the locked coverage, and stop. PYTHON=/path/to/python3 picks the interpreter, JOBS the number of
# test processes, PYTEST more arguments for pytest.

.PHONY: help run test lint bench-history bench-policy lock clean
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
JOBS ?= 2
PYTEST ?=
BENCH ?= build/bench
PIP := $(PY) -m pip --disable-pip-version-check --no-input
UV_COMPILE := UV_NO_CONFIG=1 $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

# ---------------------------------------------------------------------------------------------------- installation

# Made anew if it is missing, or if the Python that it was made with has gone.
ifneq ($(shell test -e $(VENV)/.made && $(PY) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null),True)
.PHONY: $(VENV)/.made
endif
$(VENV)/.made:
	@for python in $(PYTHON); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Creating $(VENV) with $$("$$python" --version)."; \
	        "$$python" -m venv --clear $(VENV) && touch $@; exit; \
	    fi; \
	done; \
	echo "Python 3.11 or newer is needed and was not found as any of: $(PYTHON). Name it: make PYTHON=/path/to/python3" >&2; exit 1

# The package itself goes in with the build backend of the lock file, so nothing is fetched that has no hash.
$(VENV)/.runtime: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing reconciler and what it needs (requirements.lock)."
	@$(PIP) install -qq --require-hashes --no-deps -r requirements.lock
	@$(PIP) install -qq --no-index --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.development: $(VENV)/.runtime requirements-dev.lock
	@echo "Installing what development needs (requirements-dev.lock)."
	@$(PIP) install -qq --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

# --------------------------------------------------------------------------------------------------------------- run

run: $(VENV)/.runtime
	@if [ "$$(git rev-parse --is-shallow-repository 2>/dev/null)" = true ]; then \
	    echo "This clone is shallow, and the history says who approved what: fetching the rest of it."; \
	    git fetch --quiet --unshallow || echo "The remote does not give it." >&2; \
	fi
	@$(PY) -m reconciler apply; status=$$?; \
	case $$status in \
	    0) ;; \
	    6) printf '\n%s\n%s\n' \
	        "Some packages are waiting: their upstream cannot be reached from this machine (above). Everything else is done;" \
	        "run \`make run\` again where it can be reached. Nothing is lost meanwhile." ;; \
	    *) exit $$status ;; \
	esac
	@echo; $(PY) -m reconciler history
	@printf '%s\n' '' \
	    'To install from the approved feeds, serve them (any static web server does), and in another terminal:' '' \
	    '    python3 -m http.server -d .feeds/feeds 8080 --bind 127.0.0.1' '' \
	    '    pip install --index-url http://127.0.0.1:8080/approved-pypi/simple/ rich' \
	    '    nuget install Newtonsoft.Json -Version 13.0.3 -Source http://127.0.0.1:8080/approved-nuget/v3/index.json' '' \
	    'npm needs nginx in front, with the configuration that `$(VENV)/bin/reconciler serve --print-nginx` prints:' '' \
	    '    npm install --registry http://127.0.0.1:8080/approved-npm/ @babel/code-frame' '' \
	    'The command itself: $(VENV)/bin/reconciler --help'

# -------------------------------------------------------------------------------------------------------- development

# The first line finds a lock file that is behind pyproject.toml.
lint: $(VENV)/.development
	$(PIP) check
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# The first figure is for everything, the second one for what decides and for what reads hostile archives.
test: $(VENV)/.development lint
	$(PY) -m pytest -n $(JOBS) --dist loadfile --cov --cov-report= $(PYTEST)
	$(PY) -m coverage report --skip-covered --fail-under=90
	$(PY) -m coverage report --skip-covered --include='reconciler/decide/*,reconciler/ecosystems/*' --fail-under=95

bench-history: $(VENV)/.development
	$(PY) -m tests.bench.history $(BENCH)

bench-policy: $(VENV)/.development
	$(PY) -m tests.bench.policy $(BENCH)

# The runtime lock has the build backend too: see .runtime. The second file is resolved within the first one. The third is for the one
# client among the tests' that is a Python program with dependencies of its own; those that are node's have tests/clients/node/.
lock: $(VENV)/.development
	$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > $(VENV)/build.in
	$(UV_COMPILE) pyproject.toml $(VENV)/build.in --output-file requirements.lock
	$(UV_COMPILE) pyproject.toml $(VENV)/build.in --extra dev --constraints requirements.lock --output-file requirements-dev.lock
	echo 'poetry>=2.5' > $(VENV)/clients.in
	$(UV_COMPILE) $(VENV)/clients.in --output-file requirements-clients.lock
	npm install --prefix tests/clients/node --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund

clean:
	rm -rf $(VENV) .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find reconciler tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One command for each thing; `make` lists them. PYTHON=… names the Python that makes .venv.
.DEFAULT_GOAL := help
.PHONY: help install run test test-slow test-clients check bench soak clean distclean

VENV := .venv
BIN := $(VENV)/bin
TSC := tests/node_modules/typescript7/bin/tsc
LIBRARIES := tools/page_libraries.json
NODE_PACKAGES := tests/node_modules/.package-lock.json
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python3.10)

# an environment whose Python is gone was not installed, whatever its stamps say
$(shell test -x $(BIN)/python || rm -f $(VENV)/.installed $(VENV)/.installed-dev)

define bootstrap
	@for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || continue; \
		exec "$$python" tools/bootstrap.py $(VENV) $(1); \
	done; \
	echo "Python 3.10 or later is needed, and none of these is one: $(PYTHONS). Install it, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1
endef

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(VENV)/.installed ## set up .venv: packages, the embedded model, the page's libraries (make -B install: check and repair it)

run: $(VENV)/.installed ## start the service, on HEADRACE_BIND or http://127.0.0.1:8000
	@case "$${WEB_CONCURRENCY-1}" in ""|*[!0-9]*) \
		echo "Headrace cannot start. WEB_CONCURRENCY is '$$WEB_CONCURRENCY': it must be a whole number of 1 or more." >&2; \
		exit 1 ;; \
	esac; exec $(BIN)/gunicorn -c gunicorn.conf.py

# Each service that a test starts, and each of pytest's processes, would compile all modules again without bytecode.
test test-slow test-clients: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/.installed-dev ## run the tests that are not slow; ARGS="-k stop" goes to pytest instead, in one process
	@$(BIN)/python -m pytest $(or $(ARGS),-n 4 -m "not slow")

test-slow: $(VENV)/.installed-dev ## run the slow ones: clients of others, browsers, long faults; make test is without them
	@$(BIN)/python -m pytest -n 4 -m slow

test-clients: $(VENV)/.installed-dev $(NODE_PACKAGES) ## drive published programs: Claude Code, Codex, …; the first run installs 4 GB in .programs
	@$(BIN)/python tools/client_programs.py
	@tools/offline $(BIN)/python -m pytest $(or $(ARGS),-n 3 -m programs tests/programs)

check: $(VENV)/.installed-dev $(NODE_PACKAGES) ## lint, format, types, layers, and the other architecture rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p flask_headrace -m pytest_flask_headrace
	$(BIN)/lint-imports
	$(BIN)/python tools/api_docs.py --check
	$(TSC) -p tsconfig.json
	$(TSC) -p tsconfig.pure.json
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/page/test_layers.py

bench: $(VENV)/.installed-dev ## measure what the README promises, beside its peers
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/.installed-dev ## run it under load for long, and look for leaks
	@$(BIN)/python -m benchmarks.soak $(ARGS)

clean: ## remove what the tools left behind, except .venv
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -not -path './.programs/*' -not -path '*/node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## remove .venv, .programs and the libraries of the chat page too
	rm -rf $(VENV) .programs flask_headrace/static/libraries

$(NODE_PACKAGES): tests/package-lock.json
	@npm ci --prefix tests --no-audit --no-fund || { \
		echo "TypeScript checks the page's JavaScript: install Node 20 or later with npm, then run the same command again." >&2; \
		exit 1; \
	}
	@touch $@

$(VENV)/.installed: pyproject.toml $(LIBRARIES)
	$(call bootstrap)
	@$(BIN)/python $(LIBRARIES:json=py) --or-go-without
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(LIBRARIES)
	$(call bootstrap,--dev)
	@$(BIN)/python $(LIBRARIES:json=py) --or-go-without
	@touch $(VENV)/.installed $@

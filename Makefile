# What a person does with this repository. `make` alone lists it.
# PYTHON=... chooses the interpreter; ARGS=... goes to the program that a target runs.

.DEFAULT_GOAL := help
.PHONY: help demo demo-link test test-programs test-link check lint tour bench soak clean

VENV := .venv
BIN := $(VENV)/bin
NEEDS := pyproject.toml .ci/constraints.txt .ci/install
PROFILE ?= wifi-bad
SECONDS ?= 300
export PYTHON
# The tests start hundreds of programs; without kept bytecode each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 19

demo: $(VENV)/.installed-app ## drive a simulated car: installs what is missing, then opens the app
	@$(BIN)/rcapp --demo $(ARGS)

demo-link: $(VENV)/.installed-app ## the same over bad Wi-Fi, as root: PROFILE=wifi-edge, see docs/link.md
	@$(BIN)/python .ci/system-libraries link
	@$(BIN)/python -m benchmarks.demo $(PROFILE) $(ARGS)

test: $(VENV)/.installed-dev ## the test suite, off screen
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-programs: $(VENV)/.installed-dev ## the long tests: both programs, real keys, every tutorial, the soak in short
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m programs -n 2 --dist loadfile $(ARGS)

test-link: $(VENV)/.installed-dev ## pynet over emulated bad Wi-Fi, as root: docs/link.md
	@$(BIN)/python .ci/system-libraries link
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m link tests/link $(ARGS)

check: lint test test-programs ## formatting, lint, types, import contracts and the tests

lint: $(VENV)/.installed-dev ## the part of check that runs no tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tour: $(VENV)/.installed-app ## every screen by mouse and key: pictures in build/tour, faults named
	@$(BIN)/python -m rcapp.views.tour $(ARGS)

bench: $(VENV)/.installed-bench ## measure what was not yet, side by side with peers; writes docs/benchmarks.md
	@$(BIN)/python .ci/system-libraries bench
	@$(BIN)/python -m benchmarks --resume $(ARGS); missed=$$?; $(BIN)/python -m benchmarks.report; exit $$missed

soak: $(VENV)/.installed-dev ## move files while either end is killed again and again: SECONDS=300
	@$(BIN)/python -m benchmarks.files.soak --seconds $(SECONDS) $(ARGS)

clean: ## remove what make made: .venv, build and caches
	rm -rf $(VENV) build dist *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps keep a second start quick: nothing is installed again until its needs change.
$(VENV)/.installed-app: $(NEEDS)
	@.ci/install app

$(VENV)/.installed-dev: $(NEEDS)
	@.ci/install dev

$(VENV)/.installed-bench: $(NEEDS)
	@.ci/install bench

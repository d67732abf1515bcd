# Every command of this project. The environment is made once, in .venv, and made again when what it was built from changes.
# PYTHON=… chooses the interpreter that makes it; without it, the first of the names below that is new enough.

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check install -q
BUILT_FROM := pyproject.toml CMakeLists.txt src/thalweg/_version.py $(wildcard core/*.* core/*/*.* build_backend/*.py)

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test check fix docs bench bench-compare bench-descent bench-estimators bench-explanations bench-spam bench-tables acceptance sanitize test-neon build-without-compiler clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-24s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.installed ## install, train on an embedded data set, say where the model and the report are
	@$(VENV)/bin/thalweg demo

test: $(VENV)/.installed-dev ## the whole test suite
	@$(RUN) -m pytest -q -n auto

check: $(VENV)/.installed-dev ## formatting, lint, types, order of imports; changes nothing
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m pyright
	@$(RUN) -m pytest -q tests/contracts/test_imports.py

fix: $(VENV)/.installed-dev ## format, and repair what lint can repair
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

docs: $(VENV)/.installed-dev ## write docs/reference.md, docs/api.md, the numbers of docs/gradient-descent.md and all pictures again
	@$(RUN) docs/make_reference.py
	@$(RUN) docs/make_api.py
	@$(RUN) docs/make_picture.py
	@$(RUN) docs/make_tutorial.py

bench: $(VENV)/.installed-dev ## speed of training beside scikit-learn, PyTorch, JAX, those installed (half an hour)
	@$(RUN) benchmarks/engines.py

bench-compare: $(VENV)/.installed-dev ## network against trees on real tables and on constructed ones (an hour)
	@$(RUN) benchmarks/compare.py tables
	@$(RUN) benchmarks/compare.py constructed

bench-descent: $(VENV)/.installed-dev ## the cost of a step of descent, and L-BFGS beside SciPy's
	@$(RUN) benchmarks/descent.py

bench-estimators: $(VENV)/.installed-dev ## tw.MLPClassifier beside scikit-learn's: fits, one row, pickles
	@$(RUN) benchmarks/estimators.py

bench-explanations: $(VENV)/.installed-dev ## how long a trace, one weight, and whole commands take
	@$(RUN) benchmarks/explanations.py

bench-spam: $(VENV)/.installed-dev ## the spam filter on real mail: both sets of features, at random and by time
	@$(RUN) benchmarks/spam.py

bench-tables: $(VENV)/.installed-dev ## side by side with scikit-learn on real tables
	@$(RUN) benchmarks/tables.py

acceptance: $(VENV)/.installed-dev ## the long runs: many thousand tables, killed processes
	@HYPOTHESIS_PROFILE=acceptance $(RUN) -m pytest -q -m acceptance

sanitize: $(VENV)/.installed-dev ## the engine's tests on cores that look for wrong addresses, undefined behaviour, races (minutes)
	@tests/sanitize.sh address $(RUN)
	@tests/sanitize.sh thread $(RUN)

test-neon: ## the kernels for 64-bit Arm, cross-compiled and run under qemu (minutes)
	@tests/neon.sh

build-without-compiler: ## prove that an empty environment builds with no compiler on the path (minutes)
	@set -e; python=$$($(find_python)); build_backend/prove_without_compiler.sh "$$python"

clean: ## remove the environment and everything made
	rm -rf $(VENV) build dist wheelhouse thalweg-demo .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ── the environment ──────────────────────────────────────────────────────────────────────────────────────────────────

# Prints the interpreter to use, or says what is missing.
define find_python
for name in $(or $(PYTHON),$(PYTHONS)); do \
  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$name"; exit 0; fi; \
done; \
echo "Thalweg needs Python 3.11 or later; none of these is: $(or $(PYTHON),$(PYTHONS)). Name one: make PYTHON=/path/to/python3" >&2; \
exit 1
endef

$(RUN):
	@set -e; python=$$($(find_python)); echo "Making the environment $(VENV) with $$($$python --version) …"; \
	$$python -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo "This Python cannot make environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.installed: $(BUILT_FROM) | $(RUN)
	@echo "Building and installing Thalweg (the first time takes a minute; several where there is no C++ compiler) …"
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(BUILT_FROM) | $(RUN)
	@echo "Building and installing Thalweg with its development tools (the first time takes a minute or two) …"
	@$(PIP) -e '.[dev]'
	@touch $(VENV)/.installed $@

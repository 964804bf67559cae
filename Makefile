# make demo   set up, then run both shipped workflows on the embedded database
# make test   set up, then check and test everything
# make screens  build the screens again, when something of web/ has changed
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.demo-ready
TEST_STAMP := $(VENV)/.test-ready
TEST_PROCESSES ?= 3
DEMO_ARGS ?=
SCREENS := src/careloom/screens/index.html
WEB := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)
NODE_MODULES := web/node_modules/.careloom-lock

# RapidOCR asks for the OpenCV that needs a desktop's libraries; without them the headless one serves.
HEADLESS = $(BIN)/python -c 'import cv2' 2>/dev/null || $(BIN)/python -m pip install --quiet \
  --disable-pip-version-check --force-reinstall --no-deps opencv-python-headless

# Where screens are checked they may not be missing; elsewhere everything else works without them.
ifeq ($(CI),true)
export CARELOOM_REQUIRE_SCREENS ?= 1
endif

SCREENS_THERE = test -f $(SCREENS) || { cat $(dir $(SCREENS))NOT_BUILT 2>/dev/null; echo "The screens \
are not built. Everything else works; try again with: make screens"; }

.PHONY: demo test lint screens screens-check bench bench-ui bench-engine bench-fhir bench-triage bench-ai torture model fhir-model evaluate clean

demo: $(STAMP)
	@$(BIN)/careloom demo $(DEMO_ARGS)

# Tests that wait, for a lease or a page, leave the cores to the others: one process more than cores.
test: $(TEST_STAMP)
	@$(MAKE) --no-print-directory -j2 lint screens-check
	@CARELOOM_TEST_DATA="$(CARELOOM_TEST_DATA)" CARELOOM_SEEDS="$(CARELOOM_SEEDS)" \
	  $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile -q $(TEST_ARGS)

screens: $(BIN)/python
	@CARELOOM_REQUIRE_SCREENS=1 \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .

screens-check: $(TEST_STAMP)
	@cd web && ../$(BIN)/node node_modules/typescript/bin/tsc --noEmit
	@cd web && ../$(BIN)/node node_modules/vitest/vitest.mjs run --silent --reporter=dot

lint: $(TEST_STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(TEST_STAMP)
	@$(BIN)/python benchmarks/engine.py --seconds 2 --repeats 1 --concurrency 1,32 --no-flagships
	@$(BIN)/python benchmarks/triage.py --repeats 1
	@$(BIN)/python benchmarks/fhir.py --seconds 2 --repeats 1 --connections 16 --patients 340

bench-engine: $(TEST_STAMP)
	@$(BIN)/python benchmarks/engine.py $(BENCH_ARGS)
	@$(BIN)/python benchmarks/engine_scale.py $(SCALE_ARGS)
	@$(BIN)/python benchmarks/schedules.py

bench-fhir: $(TEST_STAMP)
	@$(BIN)/python benchmarks/fhir.py $(FHIR_ARGS)
	@$(BIN)/python benchmarks/fhir_search.py
	@$(BIN)/python benchmarks/fhirpath.py

bench-ai: $(TEST_STAMP)
	@$(BIN)/python benchmarks/ai.py $(AI_ARGS)

bench-triage: $(TEST_STAMP)
	@$(BIN)/python benchmarks/triage.py

bench-ui: $(TEST_STAMP)
	@$(BIN)/python benchmarks/ui.py $(UI_ARGS)

torture: $(TEST_STAMP)
	@$(BIN)/python benchmarks/torture.py $(TORTURE_ARGS)

model: $(TEST_STAMP)
	@$(BIN)/python benchmarks/model.py $(MODEL_ARGS)

fhir-model: $(TEST_STAMP)
	@$(BIN)/python benchmarks/fhir_model.py $(FHIR_MODEL_ARGS)

evaluate: $(TEST_STAMP)
	@$(BIN)/python training/chest_xray/evaluate.py
	@$(BIN)/python training/referral/evaluate.py
	@$(BIN)/python training/redaction/evaluate.py
	@$(BIN)/python training/dicom_text/evaluate.py

$(BIN)/python:
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; say which with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(STAMP): $(BIN)/python pyproject.toml hatch_build.py $(WEB)
	@echo "Installing Careloom (about half a minute when packages are cached)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(HEADLESS)
	@$(SCREENS_THERE)
	@touch $(STAMP)

$(TEST_STAMP): $(STAMP) pyproject.toml tests/system-packages.sh tests/clients/node/package-lock.json
	@echo "Installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@$(HEADLESS)
	@$(BIN)/npm ci --prefix tests/clients/node --no-audit --no-fund --loglevel=error >/dev/null
	@test -f $(NODE_MODULES) || \
	  $(BIN)/npm ci --prefix web --no-audit --no-fund --loglevel=error >/dev/null
	@sh tests/system-packages.sh
	@touch $(TEST_STAMP)

clean:
	@rm -rf $(VENV) build dist

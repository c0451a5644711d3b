# `make demo` and `make test` need python3 (3.11 or later), make and PyPI; each sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test check docs notebooks zoo clean

demo: $(VENV)/installed
	$(BIN)/python -m trainers.train --preset=digits_diagonal_bilstm --data=digits --workdir=runs/demo \
	    --batch_size=32 --steps=2000 --learning_rate=2e-3 --eval_every=100 --eval_images=0 --num_samples=0 \
	    --log_seconds=1
	$(BIN)/python -m trainers.sample --model=runs/demo/model.keras --out=runs/demo/samples.png --num_images=64
	$(BIN)/python -m trainers.complete --model=runs/demo/model.keras --out=runs/demo/completions.png
	$(BIN)/python -m trainers.evaluate --model=runs/demo/model.keras --split=test
	$(BIN)/python -m export.saved_model --model=runs/demo/model.keras --out=runs/demo/serving/digits
	$(BIN)/python -m export.check --model_dir=runs/demo/serving/digits --model=runs/demo/model.keras
	$(BIN)/python -m export.serving_config --base=runs/demo/serving
	@echo "Draw with it in your browser: $(BIN)/python -m export.demo --model=runs/demo/model.keras"

test: check
	$(BIN)/python -m pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1))  # Tests wait for processes of their own.

check: docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

notebooks: $(VENV)/installed-dev
	$(BIN)/python notebooks/execute.py

zoo: $(VENV)/installed
	$(BIN)/python -m trainers.verify

$(VENV)/installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) runs/demo

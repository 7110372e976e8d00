# `make quickstart` and `make test` work in a fresh clone; the first of them installs into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt
# With `--auto_resume` a finished run is not repeated and an interrupted one goes on.
TRAIN := $(RUN) basicsr/train.py --auto_resume -opt options/quickstart

.PHONY: install quickstart train-xs test test-faults check format clean-quickstart

install: $(VENV)/installed

# BasicSR builds against torch: with torch there and no build isolation, pip does not fetch it a second time.
$(VENV)/installed: setup.py constraints.txt pyproject.toml
	$(PYTHON) setup.py check-python
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch (the CUDA build unpacks to some 5 GB; this takes minutes) ..."
	$(PIP) torch torchvision
	$(PIP) setuptools wheel cython numpy
	$(PIP) --no-build-isolation basicsr
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

quickstart: $(VENV)/installed
	$(RUN) -m kdsr_tools quickstart data
	$(TRAIN)/train_teacher.yml
	$(TRAIN)/train_student.yml
	$(TRAIN)/train_no_idr.yml
	$(RUN) -m kdsr_tools quickstart report

# The shipped model anew, from photographs in datasets/train, validated on datasets/Kodak24: see docs/results.md.
train-xs: $(VENV)/installed
	$(RUN) -m kdsr_tools tiles datasets/train --to datasets/xs_train.lmdb
	$(RUN) basicsr/train.py --auto_resume -opt options/xs/train_teacher.yml
	$(RUN) basicsr/train.py --auto_resume -opt options/xs/train_student.yml
	$(RUN) -m kdsr_tools convert experiments/train_xs_student/models/net_g_latest.pth results/kdsr-xs-x4.safetensors \
		--precision fp16 --overwrite

# To train anew, after a change of options.
clean-quickstart:
	rm -rf experiments/quickstart_* results/quickstart datasets/quickstart

test: $(VENV)/installed
	$(RUN) -m pytest

# Also the slow tests of docs/reliability.md: kills by the dozen, a full disk, 2,000 iterations, minutes of fuzzing.
test-faults: $(VENV)/installed
	$(RUN) -m pytest -m "faults or not faults" tests/compat tests/launch tests/data/test_strangers_files.py \
		tests/model/test_strange_options.py

check: $(VENV)/installed
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .

format: $(VENV)/installed
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

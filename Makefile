# `make quickstart` and `make test` work in a fresh clone; the first of them installs into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP_OPTIONS := --quiet --disable-pip-version-check -c constraints.txt
PIP := $(RUN) -m pip install $(PIP_OPTIONS)
# Where pip looks for PyTorch: nothing for its usual build (on Linux that for CUDA: 5.3 GB when installed), or the index
# with the build for CPUs alone (0.7 GB) that PyTorch's own installation page names: make install TORCH_INDEX=ADDRESS
TORCH_INDEX ?=
# With `--auto_resume` a finished run is not repeated and an interrupted one goes on.
TRAIN := $(RUN) basicsr/train.py --auto_resume -opt options/quickstart

.PHONY: install quickstart train-shipped train-sharp heads test test-faults check format clean-quickstart

install: $(VENV)/installed

# BasicSR is installed by a command of our own, since on Python 3.13 and newer its setup.py needs help.
$(VENV)/installed: setup.py constraints.txt pyproject.toml
	$(PYTHON) setup.py check-python
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch (the CUDA build unpacks to some 5 GB; this takes minutes) ..."
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch torchvision
	$(RUN) -m kdsr_compat.install_basicsr $(PIP_OPTIONS)
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

quickstart: $(VENV)/installed
	$(RUN) -m kdsr_tools quickstart data
	$(TRAIN)/train_teacher.yml
	$(TRAIN)/train_student.yml
	$(TRAIN)/train_no_idr.yml
	$(RUN) -m kdsr_tools quickstart report

# The shipped models anew, from photographs in datasets/train, validated on datasets/Kodak24: see docs/results.md.
# One of them alone: make train-shipped SIZES=xs
SIZES ?= xs s
train-shipped: $(SIZES:%=results/kdsr-%-x4.safetensors)

datasets/blind_train.lmdb: | $(VENV)/installed
	$(RUN) -m kdsr_tools tiles datasets/train --to $@ --most-tiles 12

results/kdsr-%-x4.safetensors: experiments/blind_%_student/models/net_g_latest.pth
	$(RUN) -m kdsr_tools convert $< $@ --precision fp16 --overwrite

# The sharp models anew, from the faithful ones; docs/training.md says which weights they need.
SHARP ?= xs s
train-sharp: $(SHARP:%=results/kdsr-%-sharp-x4.safetensors)

results/kdsr-%-sharp-x4.safetensors: experiments/blind_%_student/models/net_g_latest.pth
	$(RUN) basicsr/train.py --auto_resume -opt options/blind/$*/sharp.yml
	$(RUN) -m kdsr_tools convert experiments/blind_$*_sharp/models/net_g_latest.pth $@ --precision fp16 --overwrite \
		--set sharpens=kdsr-$*-x4

# BasicSR writes net_g_latest.pth at the end of a run, and `--auto_resume` goes on with one that was interrupted.
experiments/blind_%_student/models/net_g_latest.pth: experiments/blind_%_teacher/models/net_g_latest.pth
	$(RUN) basicsr/train.py --auto_resume -opt options/blind/$*/student.yml

experiments/blind_%_teacher/models/net_g_latest.pth: | datasets/blind_train.lmdb
	$(RUN) basicsr/train.py --auto_resume -opt options/blind/$*/teacher.yml

# Heads for `kdsr diagnose`, put into a model's file and tested on pictures that they have not seen: see docs/diagnose.md.
MODEL ?= kdsr_tools/checkpoints/weights/kdsr-s-x4.safetensors
heads: | $(VENV)/installed
	$(RUN) -m kdsr_tools inspect $(MODEL) --images datasets/train --save-heads $(MODEL) --overwrite \
		--test-images datasets/Kodak24

.PRECIOUS: experiments/blind_%_teacher/models/net_g_latest.pth experiments/blind_%_student/models/net_g_latest.pth

# To train anew, after a change of options.
clean-quickstart:
	rm -rf experiments/quickstart_* results/quickstart datasets/quickstart

# Fails where less than 90 % of the lines of what ships were run. Films need PyAV, which does not exist for Python 3.10:
# there, their tests skip and their lines do not count.
UNCOVERED = $(if $(wildcard $(VENV)/lib/*/site-packages/av),none,kdsr_tools/upscale/video/*)
test: $(VENV)/installed
	UNCOVERED='$(UNCOVERED)' $(RUN) -m pytest --cov

# Also the slow tests of docs/reliability.md: kills by the dozen, a full disk, 2,000 iterations, minutes of fuzzing.
test-faults: $(VENV)/installed
	$(RUN) -m pytest -m "faults or not faults" tests/compat tests/launch tests/data/test_strangers_files.py \
		tests/test_setup.py tests/model/test_strange_options.py tests/model/test_mistakes.py

check: $(VENV)/installed
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

format: $(VENV)/installed
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

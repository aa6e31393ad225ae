# Two commands do all set-up: `make run` and `make test`. Each makes .venv, installs the pinned packages
# and fetches the face models, once, and then works offline.

.DEFAULT_GOAL := help
.PHONY: help run detect test test-slow test-beam check install face-models

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; give another with `make PYTHON=/path/to/python test`.
PYTHON ?= $(shell for p in python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$p && break; done)
TOO_OLD := 'jaxfake needs Python 3.12 or newer and found none: install one or name it, make PYTHON=/path/to/python3.12 run'
# Changes whenever the pins do.
STAMP := $(VENV)/installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
# Apache Beam wants older packages than training is pinned to, so it has an environment of its own.
BEAM_VENV := .venv-beam
BEAM_STAMP := $(BEAM_VENV)/installed-$(shell cat pyproject.toml constraints-beam.txt | cksum | cut -d' ' -f1)

help:
	@echo 'make run    trains, evaluates and reports on the embedded data: runs/mover/report.html'
	@echo 'make detect  draws a toy clip and asks the detector of make run about it: runs/detected/report.html'
	@echo 'make test   runs the tests'
	@echo 'make test-slow  runs the tests that take long; CI runs them too'
	@echo 'make test-beam  makes .venv-beam, with Apache Beam and Dask, and runs the tests of work on many machines'
	@echo 'make check  formatting, lint and types'

run: install face-models
	$(BIN)/python -m jaxfake.main --config=configs/mover.py

detect: run
	$(BIN)/python -m tools.toy_clip runs/toy_clip.mp4
	$(BIN)/python -m jaxfake.detect runs/toy_clip.mp4 --model=runs/mover --out=runs/detected

test: install face-models
	$(BIN)/python -m pytest

test-slow: install face-models
	$(BIN)/python -m pytest -m 'slow and not network'

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

install: $(STAMP)

$(STAMP):
	$(call environment,$(VENV),dev,constraints.txt)

test-beam: $(BEAM_STAMP)
	$(BEAM_VENV)/bin/python -m jaxfake.faces.model_files
	$(BEAM_VENV)/bin/python -m pytest -n 0 -m 'not network' tests/beam tests/data/preparation/test_beam_crops.py \
		tests/inference/jobs/test_by_beam.py

$(BEAM_STAMP):
	$(call environment,$(BEAM_VENV),beam$(COMMA)dask$(COMMA)dev,constraints-beam.txt)

COMMA := ,
# Folder, extras, pins.
define environment
	@test -n "$(PYTHON)" || { echo $(TOO_OLD); exit 2; }
	rm -rf $(1)
	if command -v uv >/dev/null; then \
		uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(1) && \
		VIRTUAL_ENV=$(1) uv pip install --quiet -e '.[$(2)]' -c $(3); \
	else \
		$(PYTHON) -m venv $(1) && \
		$(1)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(2)]' -c $(3); \
	fi
	touch $@
endef

face-models: install
	$(BIN)/python -m jaxfake.faces.model_files

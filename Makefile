# make run | test | fast | check | bench | screenshot | clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test fast check bench screenshot clean chromium

run: $(VENV)/run.stamp
	$(BIN)/python app.py

test: $(VENV)/dev.stamp chromium check
	$(BIN)/python -m pytest

fast: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not browser"

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/run.stamp
	$(BIN)/python -m benchmarks.three_answers

screenshot: $(VENV)/dev.stamp chromium
	$(BIN)/python -m tests.browser.screenshot

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	touch $@

# The browser suite drives Debian's chromium, OCR is Debian's tesseract; where they cannot be installed, their tests
# say so and are skipped.
chromium:
	@{ command -v chromium && command -v tesseract; } >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium tesseract-ocr >/dev/null; } \
	|| echo "chromium or tesseract is not installed and cannot be: the browser suite or the tests of OCR will be skipped"

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache

# Everything runs in a virtual environment of its own, .venv, which each
# target sets up as far as it needs it. All that must be there is
# Python >= 3.11 and a Rust toolchain. `make help` lists the targets.

PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,\
  $(shell $(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# Without this PyO3 may configure itself for another Python and rebuild.
export PYO3_PYTHON := $(CURDIR)/$(PY)

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -name Cargo.toml -o -path '*/src/*' -type f)

FUZZ_SECONDS ?= 600
RANDOM_STRINGS ?= 1000000
BENCH_FLAGS ?=

.PHONY: help demo build test test-rust test-python exact lint format stubs docs wheel bench \
  bench-linear fuzz fuzz-build clean

help:
	@echo 'make demo          encode, show, count and decode a text with a small vocabulary'
	@echo 'make test          build, and run the Rust and Python tests'
	@echo 'make exact         the comparison with the owners on $(RANDOM_STRINGS) random strings a vocabulary'
	@echo 'make lint          formatting, clippy, ruff, mypy, stubtest'
	@echo 'make format        rewrite Rust and Python sources in the house format'
	@echo 'make docs          the site, into site/'
	@echo 'make wheel         an abi3 wheel, into dist/'
	@echo 'make bench         bench/encode against the peers: tables in bench/results/'
	@echo 'make bench-linear  bench/linear: instructions for 1 MB and 10 MB (needs valgrind or perf)'
	@echo 'make fuzz          each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) (needs nightly and cargo-fuzz)'
	@echo 'make clean         remove the environment and everything built'

# --- set-up ------------------------------------------------------------

$(VENV)/.made: constraints.txt
	@test -n "$(PYTHON)" || { echo 'error: no Python >= 3.11 found; install one, or name it: make PYTHON=/path/to/python3' >&2; exit 1; }
	@command -v cargo >/dev/null || { echo 'error: no cargo found; install a Rust toolchain, see https://rustup.rs' >&2; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo 'Setting up $(VENV)'
	@$(PIP) pip
	@touch $@

# Dependency groups are installed by name; a change to either file re-checks.
$(VENV)/.group-%: $(VENV)/.made pyproject.toml constraints.txt
	@echo 'Installing the "$*" tools into $(VENV)'
	@$(PIP) --group $*
	@touch $@

# A release build, installed in place: Python sources need no rebuild.
$(VENV)/.built: $(VENV)/.group-base $(RUST_SOURCES) pyproject.toml README.md
	@echo 'Building the extension (release)'
	@env -u CONDA_PREFIX VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet
	@touch $@

build: $(VENV)/.built

# --- use -----------------------------------------------------------------

demo: $(VENV)/.built
	@$(PY) examples/demo.py

# --- tests -----------------------------------------------------------------

test: test-rust test-python

test-rust: $(VENV)/.made
	cargo test --locked -p tokenseam-core

test-python: $(VENV)/.built $(VENV)/.group-test
	$(PY) -m pytest

exact: $(VENV)/.built $(VENV)/.group-test
	TOKENSEAM_REQUIRE_SHARED=1 TOKENSEAM_RANDOM_STRINGS=$(RANDOM_STRINGS) $(PY) -m pytest -m exact

# --- checks ------------------------------------------------------------------

lint: stubs
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

stubs: $(VENV)/.built $(VENV)/.group-lint
	$(PY) -m mypy.stubtest tokenseam._core

format: $(VENV)/.group-lint
	cargo fmt --all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.group-docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

wheel: $(VENV)/.group-base
	$(BIN)/maturin build --release --strip --out dist

# --- measurements -----------------------------------------------------------

bench: $(VENV)/.built $(VENV)/.group-bench
	$(PY) -m bench.encode $(BENCH_FLAGS)

bench-linear: $(VENV)/.made
	cargo build --locked --release -p tokenseam-core --example encode_file
	$(PYTHON) -m bench.linear $(BENCH_FLAGS)

fuzz-build:
	cargo +nightly fuzz build

fuzz:
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { echo 'error: needs a nightly toolchain and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz' >&2; exit 1; }
	set -e; for target in $$(cargo +nightly fuzz list); do \
	  echo "== $$target"; cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096; \
	done

clean:
	rm -rf $(VENV) target site dist

# SPDX-License-Identifier: MIT
# A friendly face over Meson: the build itself is in meson.build. `make` alone prints what there is.

SHELL := /bin/bash
BUILD ?= build

# `make run TRAIN_ARGS="dcgan --data shapes --steps 500"` trains something else.
TRAIN_ARGS ?= dcgan --data glyphs --batch 64 --steps 1000 --ema 0.99
# Handed to `meson setup`, e.g. MESON_ARGS="-Donednn_root=/opt/onednn". Takes effect in a new build folder.
MESON_ARGS ?=
# `make test TESTS="graph ops"` runs only those programs; `make fuzz FUZZ_SECONDS=600` looks longer.
TESTS ?=
FUZZ_SECONDS ?= 30
FUZZ ?=
BENCH ?=
# `make peers PEERS="dcgan-64" PEERS_PYTHON=venv/bin/python` compares only that, with the PyTorch of that Python.
PEERS ?=
PEERS_PYTHON ?= python3
PREFIX ?= /usr/local
DESTDIR ?=

ASAN = build-asan
FUZZERS = build-fuzz

SOURCES = $$(git ls-files '*.c' '*.h')

.DEFAULT_GOAL := help
.PHONY: help run build test check fuzz bench peers growth fmt lint install clean
.SUFFIXES:

help:
	@printf 'Ganymede: GANs and their relatives in C\n\n'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-15s %s\n", $$1, $$2 }'

run: ## install what is missing, build, and train a DCGAN for about a minute
	@scripts/setup.sh build
	@$(MAKE) -s --no-print-directory program
	@$(BUILD)/ganymede train $(TRAIN_ARGS)

build: ## the optimised program at build/ganymede
	@scripts/setup.sh build
	@$(MAKE) -s --no-print-directory program
	@printf 'built %s\n' $(BUILD)/ganymede

test: ## every test, a sanitizer pass, a smoke run of the fuzzers; the last line counts them
	@scripts/setup.sh $(if $(TESTS),test,dev)
	@$(MAKE) -s --no-print-directory $(BUILD)/.tests
	@ninja -C $(BUILD) $(NINJA_QUIET)
	@$(if $(TESTS),,$(MAKE) -s --no-print-directory $(ASAN)/build.ninja $(FUZZERS)/build.ninja)
	@$(if $(TESTS),,ninja -C $(ASAN) $(NINJA_QUIET) sanitized)
	@$(if $(TESTS),,ninja -C $(FUZZERS) $(NINJA_QUIET))
	@scripts/run-tests.sh $(BUILD) $(TESTS)

check: ## the tests again, under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/setup.sh test
	@$(MAKE) -s --no-print-directory $(ASAN)/build.ninja
	@ninja -C $(ASAN) $(NINJA_QUIET)
	@scripts/run-tests.sh $(ASAN) --timeout-multiplier 8 $(TESTS)

fuzz: ## libFuzzer over every parser, FUZZ_SECONDS=30 each; FUZZ="png npy" for some
	@scripts/setup.sh dev
	@$(MAKE) -s --no-print-directory $(FUZZERS)/build.ninja
	@ninja -C $(FUZZERS) $(NINJA_QUIET)
	@scripts/run-fuzz.sh $(FUZZERS) $(FUZZ_SECONDS) $(FUZZ)

bench: ## how fast whole training steps are; BENCH="dcgan-64 --seconds 5" for some
	@scripts/setup.sh build
	@$(MAKE) -s --no-print-directory program
	@$(BUILD)/ganymede bench $(BENCH)

peers: ## the same nets in PyTorch and JAX, turn about; PEERS="dcgan-64 gan-mlp" for some
	@scripts/setup.sh build
	@$(MAKE) -s --no-print-directory program
	@$(PEERS_PYTHON) bench/peers/compare.py $(BUILD)/ganymede $(PEERS) || test $$? = 77

growth: ## what batch, width, side, threads and data cost; a million steps without a leak; PARTS="batch leak" for some
	@scripts/setup.sh build
	@$(MAKE) -s --no-print-directory program
	@bench/growth.sh $(BUILD)/ganymede $(PARTS)

fmt: ## clang-format every C file in place
	@scripts/setup.sh dev
	@clang-format -i $(SOURCES)

lint: ## formatting, clang-tidy, shellcheck, and the house rules
	@scripts/setup.sh dev
	@$(MAKE) -s --no-print-directory $(BUILD)/.tests
	@scripts/lint.sh $(BUILD)

install: ## program, library, headers, pkg-config file and man page, under PREFIX
	@scripts/setup.sh build
	@$(MAKE) -s --no-print-directory program
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean: ## remove what the build made (runs stay)
	@rm -rf build build-asan build-fuzz compile_commands.json

# ---- what the targets above stand on -----------------------------------------------------------------------------------

# ninja prints a line for each file only when something fails.
NINJA_QUIET = --quiet

.PHONY: program
program: $(BUILD)/build.ninja
	@ninja -C $(BUILD) $(NINJA_QUIET) ganymede

$(ASAN)/build.ninja:
	@meson setup $(ASAN) $(MESON_ARGS) -Dtests=enabled -Dbuildtype=debugoptimized -Db_sanitize=address,undefined \
		-Db_lundef=false >/dev/null

$(FUZZERS)/build.ninja:
	@CC=clang meson setup $(FUZZERS) $(MESON_ARGS) -Dfuzz=true -Dtests=disabled -Dbuildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false >/dev/null

$(BUILD)/build.ninja:
	@meson setup $(BUILD) $(MESON_ARGS)
	@ln -sfn $(BUILD)/compile_commands.json compile_commands.json

# The tests are switched on once they are asked for: a build must not need cmocka.
$(BUILD)/.tests:
	@if test -f $(BUILD)/build.ninja; then meson configure $(BUILD) -Dtests=enabled; \
		else $(MAKE) -s --no-print-directory $(BUILD)/build.ninja MESON_ARGS="$(MESON_ARGS) -Dtests=enabled"; fi
	@touch $@

# The two commands: `make demo` and `make test`. Both set up what they need first, once.
BIN := .venv/bin
EXAMPLE = firmware/library/Glyphite/examples/classify
C_FILES = $(shell git ls-files '*.c' '*.h' '*.cc' '*.cpp' '*.ino' ':!$(EXAMPLE)/model.*')

# Compiler and host logic; no training, no emulated board, no build of an environment.
QUICK = tests/contract

.PHONY: demo test quick check readme example dist format setup clean

demo: setup
	$(BIN)/glyphite demo

test: setup
	GLYPHITE_STRICT_TESTS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

quick: setup
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(QUICK)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)

readme: setup
	$(BIN)/python -m tools.readme

example: setup
	$(BIN)/python -m tools.example

# The wheel, the sdist, and the Arduino library with the Uno's model as C for every board.
dist: setup
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist
	$(BIN)/glyphite export models/uno --arduino --out dist/Glyphite-$$($(BIN)/python -m hatchling version).zip

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

setup: .venv/.installed

.venv/.installed: tools/setup.sh tools/apt-packages.txt constraints.txt pyproject.toml
	tools/setup.sh

clean:
	rm -rf build

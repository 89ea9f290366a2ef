# The two commands: `make demo` and `make test`. Both set up what they need first, once.
BIN := .venv/bin
EXAMPLE = firmware/library/Glyphite/examples/classify
C_FILES = $(shell git ls-files '*.c' '*.h' '*.cc' '*.cpp' '*.ino' ':!$(EXAMPLE)/model.*')

.PHONY: demo test check readme example format setup clean

demo: setup
	$(BIN)/glyphite demo

test: setup
	GLYPHITE_STRICT_TESTS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)

readme: setup
	$(BIN)/python -m tools.readme

example: setup
	$(BIN)/python -m tools.example

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

setup: .venv/.installed

.venv/.installed: tools/setup.sh tools/apt-packages.txt constraints.txt pyproject.toml
	tools/setup.sh

clean:
	rm -rf build

# The two commands: `make demo` and `make test`. Both set up what they need first, once.
BIN := .venv/bin
LIBRARY = firmware/library/Glyphite
TSC = tools/page/node_modules/typescript/bin/tsc
C_FILES = $(shell git ls-files '*.c' '*.h' '*.cc' '*.cpp' '*.ino' ':!$(LIBRARY)/src/uno' \
	':!$(LIBRARY)/examples/see_digits/digits.h')

# Compiler and host logic; no training, no emulated board, no build of an environment.
COMPILER = tests/convert/compiler
CONTRACT = tests/contract
QUICK = $(addprefix $(CONTRACT)/,test_imports.py test_third_party.py test_twins.py test_version.py \
	test_wire_header.py test_workflows.py) \
	tests/convert/test_boards.py tests/convert/test_metrics.py tests/convert/test_workspace.py \
	$(addprefix $(COMPILER)/,ir memory/test_plan.py ops/test_tables.py passes \
	targets/test_proofs.py test_describe.py) tests/convert/quantize/test_calibration.py \
	tests/host/device/wire tests/host/measure/bench/test_cycles.py \
	tests/host/measure/test_digit_picture.py tests/host/report \
	tests/firmware/test_application.py tests/firmware/test_frame_c.py \
	tests/convert/data/test_sources.py tests/train/networks/test_augment.py

# What Python compiles is kept: tests start it some hundred times.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test quick check readme schema example page notebook dist format setup clean

demo: setup
	$(BIN)/glyphite demo

# Three processes on two cores: one that waits for a board leaves its core to another. Threads of
# libraries would wait for work busily, and take a tenth of the cores' time.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: export TF_NUM_INTRAOP_THREADS = 1
test: export TF_NUM_INTEROP_THREADS = 1
test: setup
	GLYPHITE_STRICT_TESTS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

quick: setup
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(QUICK)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)
	@if [ -f $(TSC) ]; then node $(TSC) --project host/glyphite/host/page; \
	else echo "The page's types stay unchecked: npm is not installed."; fi

readme: setup
	$(BIN)/python -m tools.readme

schema: setup
	$(BIN)/python -m tools.report_schema

example: setup
	$(BIN)/python -m tools.example

page: setup
	cd tools/page && npm ci --silent
	$(BIN)/python -m tools.saved_page

notebook: setup
	$(BIN)/python -m tools.notebook

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

.venv/.installed: tools/setup.sh tools/apt-packages.txt constraints.txt pyproject.toml \
		tools/page/package-lock.json
	tools/setup.sh

clean:
	rm -rf build

# What there is to do here: `make help`. Every command installs what it needs.

GOLDENS ?= # A folder of cases; empty: the repository's own.
ROWS ?= # What `make bench` measures; empty: all.
PEERS ?= # What it compares with; empty: all.
RUNS ?= 1 # How often.
ALSO ?= # Programs on another libtorch, as build/current/benchmarks.

.DEFAULT_GOAL := help
.PHONY: help demo test test-current test-asan test-tsan goldens bench \
        bench-current bench-quick format check dependencies clean

help:
	@echo 'make demo          train a recurrent network and let it write'
	@echo 'make test          build, run all tests and check documents and format'
	@echo 'make test-current  the same tests on a current libtorch (5 GB, once)'
	@echo 'make test-asan     the tests with address and undefined-behaviour checks'
	@echo 'make test-tsan     the thread tests with data-race checks'
	@echo 'make goldens       compare with recorded outputs (GOLDENS=DIR for others)'
	@echo 'make bench         compare speed with other libraries (8 GB, once; half an'
	@echo '                   hour; ROWS="mlp_train ..." PEERS="pytorch ..." for a part)'
	@echo 'make bench-quick   the speed of this library alone'
	@echo 'make format        format the sources'
	@echo 'make clean         remove build/'

dependencies:
	@tools/install_dependencies

demo: dependencies
	@tools/build release char_rnn
	@OMP_WAIT_POLICY=passive build/release/examples/char_rnn \
	  --output build/release/char_rnn.safetensors

test: dependencies
	@tools/build release
	@ctest --preset release
	@tools/check
	@echo 'make test: all passed'

test-current: dependencies
	@torch=$$(tools/install_current_libtorch) && echo "libtorch: $$torch" && \
	  tools/build current all "-DCMAKE_PREFIX_PATH=$$torch" '-ULibtorch_*'
	@ctest --preset current
	@echo 'make test-current: all passed'

test-asan: dependencies
	@tools/build asan
	@ctest --preset asan
	@echo 'make test-asan: all passed'

# The thread sanitizer of GCC 12 cannot place its memory on some kernels unless
# addresses are not randomised.
test-tsan: dependencies
	@tools/build tsan
	@if setarch -R true 2>/dev/null; then setarch -R ctest --preset tsan; \
	  else ctest --preset tsan; fi
	@echo 'make test-tsan: all passed'

goldens: dependencies
	@tools/build release run_goldens
	@build/release/run_goldens $(GOLDENS)

bench: dependencies
	@tools/build release benchmarks
	@tools/bench --rows "$(ROWS)" --peers "$(PEERS)" --runs $(RUNS) \
	  $(addprefix --also ,$(ALSO))

# Both libtorch versions on one page, three times: make bench-current, then
# make bench RUNS=3 ALSO=build/current/benchmarks
bench-current: dependencies
	@torch=$$(tools/install_current_libtorch) && \
	  tools/build current benchmarks "-DCMAKE_PREFIX_PATH=$$torch" '-ULibtorch_*' \
	    -DSONNET_BUILD_BENCHMARKS=ON

# One JSON line for each row, and nothing else, on standard output.
bench-quick: dependencies
	@tools/build release sonnet_benchmarks >&2
	@build/release/benchmarks/sonnet_benchmarks --seconds 0.2 --repeats 3 \
	  $(addprefix --row ,$(ROWS))

format: dependencies
	@tools/sources | xargs -r clang-format -i

check: dependencies
	@tools/check

clean:
	@rm -rf build

# make demo: from a fresh Debian 12 to a proven matrix. make test: from a fresh Debian 12 to a passed test run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test soak fuzz bench docs lint clean constraints

demo: $(VENV)/core
	$(BIN)/bootworthy prove '*/*/qemu-microvm-*'
	$(BIN)/bootworthy matrix
	$(BIN)/bootworthy matrix --format html > matrix.html
	@echo; echo "The same as a page: matrix.html. Every tick's record: $(BIN)/bootworthy evidence"

test: $(VENV)/dev
	$(BIN)/pytest tests/unit -n 2 -q
	$(BIN)/pytest tests/tools tests/boot -n 2 --dist loadfile -q

# Twenty proofs of each cell, a hundred kills, kernels compiled several times: hours, for figures that go into the docs.
soak: $(VENV)/dev
	$(BIN)/pytest soak -q

# Layers, volumes and kernels that nobody would make, each for FUZZ_TIME seconds. What is found is a file crash-*: it
# goes into the tests that the file in fuzz/ names.
FUZZ_TIME ?= 200
fuzz: $(VENV)/fuzz
	mkdir -p fuzz/corpus/layers fuzz/corpus/volumes fuzz/corpus/kernels
	$(VENV)/fuzz/bin/python fuzz/layers.py fuzz/corpus/layers -max_len=16384 -max_total_time=$(FUZZ_TIME)
	$(VENV)/fuzz/bin/python fuzz/volumes.py fuzz/corpus/volumes -max_len=700 -len_control=0 -max_total_time=$(FUZZ_TIME)
	$(VENV)/fuzz/bin/python fuzz/kernels.py fuzz/corpus/kernels -max_len=16384 -max_total_time=$(FUZZ_TIME)

# Us and others side by side, on inputs that it makes in BENCH_HOME (20 GB): half an hour, for docs/performance.md.
bench: $(VENV)/dev
	scripts/system bench
	$(BIN)/python -m benchmarks --json benchmarks.json

# What docs/checks.md and docs/lint.md say of the rules, from the rules; the questions of docs/resolve.md, from the
# tests' data.
docs: $(VENV)/dev
	$(BIN)/python -m tests.check_page
	$(BIN)/python -m tests.lint_page
	$(BIN)/python -m tests.resolve_page

lint: $(VENV)/dev
	$(BIN)/ruff format src tests soak benchmarks
	$(BIN)/ruff check --fix src tests soak benchmarks
	$(BIN)/mypy

$(VENV)/core: constraints.txt pyproject.toml scripts/system
	scripts/system demo
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --require-hashes -r constraints.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev: constraints-dev.txt pyproject.toml scripts/system scripts/peers scripts/newer
	scripts/system test
	$(PYTHON) -m venv $(VENV)
	scripts/peers $(VENV)/peers docker-registry containerd runc docker.io podman conmon
	scripts/newer $(VENV)/newer trixie erofs-utils mkfs.erofs fsck.erofs
	$(BIN)/pip install -q --require-hashes -r constraints-dev.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $(VENV)/core $@

# Its own, because atheris brings a compiled runtime that nothing else here needs.
$(VENV)/fuzz: constraints-dev.txt
	$(PYTHON) -m venv $@
	$@/bin/pip install -q --require-hashes -r constraints-dev.txt
	$@/bin/pip install -q atheris
	touch $@

# Pin again what pyproject.toml asks for; needs pip-tools.
constraints:
	for extra in "" dev; do pip-compile -q --generate-hashes --allow-unsafe --strip-extras $${extra:+--extra $$extra} \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --build-deps-for editable \
		-o constraints$${extra:+-$$extra}.txt pyproject.toml; done

clean:
	rm -rf $(VENV) matrix.html

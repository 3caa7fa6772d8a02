# The development commands; `.ci/run` calls the same ones. `make setup` comes first.
.PHONY: setup check test test-long test-kernels web probes bench bench-quick bench-web bench-probes screenshots profile faults soak soak-files run requirements

BIN := .venv/bin

# A virtual environment with everything, the web client, the kernel probes, the bench's Node peer, and what the
# tests have of Node.
setup:
	python3 run.py setup
	@if command -v npm >/dev/null; then npm ci --prefix bench && npm ci --prefix tests/tus && npm ci --prefix tests/firefox; \
	else echo "npm is missing: the bench goes without its Node peer, the tests without tus-js-client and Firefox"; fi

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/web.py --check

test:
	python3 run.py test

# The tests that take their time: further walks of the journeys, both toolkits, lines cut at every moment.
test-long:
	$(BIN)/python -m pytest -m long --numprocesses=2 --dist=loadfile

# The probes on other kernels, some minutes long: Debian's, fetched by apt-get, in machines that qemu makes.
# KERNELS: Debian's packages of other ones.
KERNELS :=
test-kernels:
	PYTHONPATH=src:tests $(BIN)/python -m kernel.other_kernel $(KERNELS)

# The web client, into the package; with its sizes.
web:
	$(BIN)/python scripts/web.py

# The kernel probes, into the package; needs clang and libbpf's headers.
probes:
	$(BIN)/python scripts/probes.py

# Hubbub and its peers in turns, some minutes long: see bench/README.md.
bench:
	$(BIN)/python bench/run.py
	$(BIN)/python bench/storage.py
	$(BIN)/python bench/durable.py
	$(BIN)/python bench/files.py

bench-quick:
	$(BIN)/python bench/run.py --quick
	$(BIN)/python bench/storage.py --quick
	$(BIN)/python bench/durable.py --quick
	$(BIN)/python bench/files.py --quick
	$(BIN)/python bench/dashboards.py --quick
	$(BIN)/python bench/probes.py --quick
	$(BIN)/python bench/web.py --quick

# The web client in Chromium, and what open dashboards cost the server.
bench-web:
	$(BIN)/python bench/web.py
	$(BIN)/python bench/dashboards.py

# What kernel probes cost; as root.
bench-probes:
	$(BIN)/python bench/probes.py

# docs/pictures, anew.
screenshots:
	$(BIN)/python scripts/pictures.py

# A flame graph of the fan-out, into bench/out.
profile:
	$(BIN)/python bench/profile.py

# The log's crash tests, more of them than `make test` has time for.
SEEDS ?= 20000
faults:
	PYTHONPATH=tests $(BIN)/python -m log.faults --seeds $(SEEDS)

# Clients of every dialect against a server that is killed again and again, MINUTES long.
MINUTES := 10
soak:
	PYTHONPATH=tests $(BIN)/python -m survival.soak --minutes $(MINUTES)

# Files over bad lines, ROUNDS times.
ROUNDS := 200
soak-files:
	TRANSFERS_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -q -o timeout=0 tests/faults/test_transfers_impaired.py

run:
	python3 run.py serve

# Pin anew what pyproject.toml asks for. Versions that still fit stay; delete a line to have it newer.
PIN := build/pin/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
NOTE := Made from pyproject.toml by `make requirements`; not edited by hand.

requirements:
	python3 -m venv build/pin
	build/pin/bin/pip install --quiet pip-tools
	$(PIN) --all-build-deps --all-extras --output-file requirements.txt pyproject.toml
	cp requirements.txt requirements-serve.txt
	$(PIN) --all-build-deps --output-file requirements-serve.txt pyproject.toml
	python3 -c 'from scripts import web; print(web.NODE_WHEEL)' | $(PIN) --output-file requirements-node.txt -
	sed -i '1i # Hashed versions of everything: run time, tests, development, bench, build.\n# $(NOTE)' requirements.txt
	sed -i '1i # Hashed versions of run time and build alone; the same stand in requirements.txt.\n# $(NOTE)' requirements-serve.txt
	sed -i '1i # Node, which builds the web client where the machine has none that will do (scripts/web.py).\n# $(NOTE)' requirements-node.txt

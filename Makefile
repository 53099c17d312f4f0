# Saliency Survey. `make demo` and `make test` work on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-faults test-front soak stack lint bench screenshots docs package pin lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: .venv/.installed-dev ## environment with everything, tests and benchmarks too

demo: .venv/.installed-demo ## the whole product on this machine: http://localhost:$(PORT)
	PORT=$(PORT) $(BIN)/python manage.py demo

test: .venv/.installed-dev ## all tests: SQLite, then PostgreSQL and Redis (in TEST_WORKERS processes, one more than CPUs)
	$(BIN)/python -m tests.run

test-slow: .venv/.installed-dev ## the slow suite
	$(BIN)/python -m tests.run --slow

test-faults: .venv/.installed-dev ## kills, fills and cuts off parts of the running site: what is lost? a quarter of an hour
	$(BIN)/python -m tests.faults $(FAULTS)

test-front: .venv/.installed-dev ## the browser suite and some faults through nginx with the file of deploy/
	BROWSER_FRONT=1 $(BIN)/python -m pytest -n 3 --dist worksteal tests/browser
	$(BIN)/python -m tests.faults --front $(FAULTS)

soak: .venv/.installed-dev ## participants up to 1,000,000 acknowledged answers; ^C, and it goes on at the next start
	$(BIN)/python -m tests.faults.soak $(SOAK)

stack: .venv/.installed-dev ## what docker-compose.yml runs, as ordinary processes: nginx, PostgreSQL, Redis, S3, workers
	$(BIN)/python -m tests.stack $(STACK)

lint: .venv/.installed-dev ## ruff, mypy, import contracts, migrations, advisories of dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.advisories

bench: .venv/.installed-dev ## benchmarks: prints what README and docs quote
	$(BIN)/python -m benchmarks

screenshots: .venv/.installed-dev ## every page of participants and the desk, light and dark, into screenshots/
	$(BIN)/python -m tests.browser.screenshots

pin: .venv/.installed-dev ## images of docker-compose.yml by digest instead of tag, where a registry is reached
	$(BIN)/python -m deploy.pin_images

docs: .venv/.installed-dev ## the documentation as a site, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

package: .venv/.installed-dev ## a wheel of the whole product, into dist/
	$(BIN)/hatchling build -t wheel

lock: ## pins every version with hashes, without index addresses; of each package the version of dev for every role
	@pin() { $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url \
	    --python-version 3.11 --custom-compile-command "make lock" -q "$$@" || exit 1; }; \
	pin --extra=dev -o requirements/dev.txt; \
	pin -c requirements/dev.txt -o requirements/web.txt; \
	for role in worker worker-gpu reports demo; do \
	  pin --extra=$$role -c requirements/dev.txt -o requirements/$$role.txt; \
	done

clean: ## environment, caches and the demo's data
	rm -rf .venv .data .mypy_cache .ruff_cache .pytest_cache .hypothesis

# uv installs several times faster; where it cannot reach the index as configured for pip, pip does it.
.venv/.installed-%: requirements/%.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --require-hashes -r $< \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

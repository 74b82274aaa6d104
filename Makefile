# timbre: `make run` and `make test` need nothing but Python 3.11 or 3.12, pip and git.

PYTHON ?= python3
# dvc runs each stage as `python stages/...`: that must be the python of .venv.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup run share fetch test lint bench clean

help: ## list what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

setup: ## install everything, pinned, into .venv (the others do it by themselves)
	@$(PYTHON) tools/setup.py

run: setup ## bring the whole line up to date: recordings in, streaming model and report out
	@python stages/check.py
	dvc repro

share: setup ## send results to where other clones find them; once with REMOTE=/a/path, ssh://host/path, s3://bucket/path or webdav://host/path
	@timbre share $(if $(REMOTE),"$(REMOTE)")

fetch: setup ## bring what others have shared; `dvc repro` then runs only what nobody has run yet
	@timbre fetch

test: setup ## run all tests, files side by side on all cores
	OMP_NUM_THREADS=1 python -m pytest --numprocesses auto --dist loadfile

lint: setup ## check format and style
	ruff format --check .
	ruff check .

bench: setup ## measure speed and memory on this machine
	@for script in benchmarks/bench_*.py benchmarks/streaming.py; do echo "== $$script"; python $$script || exit 1; done

clean: ## delete .venv and what tools leave behind (data, models and reports stay; `dvc gc` is for those)
	rm -rf .venv .pytest_cache .ruff_cache build src/timbre.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

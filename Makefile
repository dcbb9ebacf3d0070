# Every target makes .venv first where it is not yet there; `make PYTHON=/path/to/python3` chooses the interpreter.
.POSIX:
.PHONY: help demo test check lock clean bootstrap

help:
	@echo "make demo    three service providers on this machine confirm a day's trades with one another"
	@echo "make test    the whole test suite"
	@echo "make check   lint, form, types, tidiness"
	@echo "make lock    write requirements/*.txt anew from pyproject.toml (needs uv)"
	@echo "make clean   remove .venv and all caches of this checkout"

bootstrap:
	@scripts/bootstrap

demo: bootstrap
	@rm -rf build/demo
	@.venv/bin/yakujo demo --keep build/demo

test: bootstrap
	@scripts/test

check: bootstrap
	@scripts/check

lock:
	@scripts/lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

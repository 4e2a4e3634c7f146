# make demo    build a city and run the sinkhole drill      make test    the tests
# make serve   the pages, on a local address                make check   linters and the architecture's contracts
# make bench   the measurements (ONLY=name for one)         make docs    regenerate the generated pages of docs/
# make lock    resolve the locked lists anew (needs uv)
PYTHON ?= python3
CITY ?=
ONLY ?=
export PYTHON
RUN = .venv/bin/python -m cityloom

.PHONY: demo serve test check bench docs lock base-env test-env bench-env
.DEFAULT_GOAL := demo

base-env:
	@sh tools/setup.sh base
test-env: base-env
	@sh tools/setup.sh test
bench-env: test-env
	@sh tools/setup.sh bench

demo: base-env
	@$(RUN) demo $(if $(CITY),--city "$(CITY)")

serve: base-env
	@$(RUN) serve

test: test-env
	@.venv/bin/python -m pytest -n 2 --dist worksteal

check: test-env
	@.venv/bin/python tools/check.py

bench: bench-env
	@.venv/bin/python -m bench $(if $(ONLY),--only "$(ONLY)")

docs: test-env
	@.venv/bin/python tools/docs.py

lock:
	@for list in base test bench; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$([ $$list = base ] || echo -c requirements/base.txt) requirements/$$list.in -o requirements/$$list.txt || exit 1; done

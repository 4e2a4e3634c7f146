# make demo    build a city and run the sinkhole drill      make test    the tests
# make serve   the pages, on a local address                make check   linters and the architecture's contracts
# make bench   the measurements (ONLY=name for one)         make docs    regenerate the generated pages of docs/
# make lock    resolve the locked lists anew (needs uv)     make islands build the map for the browser (serve does, too)
PYTHON ?= python3
CITY ?=
ONLY ?=
export PYTHON
# without compiled modules every process of a city would compile all of its libraries anew, and take three times as long
unexport PYTHONDONTWRITEBYTECODE
RUN = .venv/bin/python -m cityloom
ISLANDS = sh tools/setup.sh web && .venv/bin/python tools/islands.py

.PHONY: demo serve islands test check bench docs lock base-env spark-env test-env bench-env
.DEFAULT_GOAL := demo

base-env:
	@sh tools/setup.sh base
test-env: base-env
	@sh tools/setup.sh test
spark-env:
	@VENV=.venv-spark sh tools/setup.sh spark
bench-env: test-env
	@sh tools/setup.sh bench

demo: base-env
	@$(RUN) demo $(if $(CITY),--city "$(CITY)")

serve: base-env
	@$(ISLANDS) || true
	@$(RUN) serve

islands: base-env
	@$(ISLANDS)

test: test-env
	@if [ -x /usr/bin/chromium ]; then $(ISLANDS) || true; fi
	@.venv/bin/python -m pytest -n 3 --dist worksteal

check: test-env
	@.venv/bin/python tools/check.py

bench: bench-env
	@.venv/bin/python -m bench $(if $(ONLY),--only "$(ONLY)")

docs: test-env
	@.venv/bin/python tools/docs.py

lock:
	@for list in base test bench web spark; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$([ $$list = base ] || echo -c requirements/base.txt) requirements/$$list.in -o requirements/$$list.txt || exit 1; done

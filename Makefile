# `make` or `make help` lists the targets. Every target prepares the machine first (tests/setup).
# Every one runs in the environment that tests/env.sh describes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Scripts change to folders below the checkout, not to others of the same name.
unexport CDPATH

ENV := . tests/env.sh;
# The tests import the collection by its full name, through the link that tests/setup makes.
PYTEST := $(ENV) PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH" pytest
STEPS := sanity lint units archive page integration
ARGS ?=

.PHONY: help
help: ## list the targets
	@sed -En 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo
	@echo "ARGS='...' hands options on: make units ARGS='-k reload -x', make sanity ARGS='--test pylint'"

.PHONY: setup
setup: ## install what is missing: Debian packages (as root) and the virtual environment
	@tests/setup

.PHONY: demo
demo: setup ## a rolling restart over three real Odoo servers under load
	@$(ENV) tests/demo/demo $(ARGS)

.PHONY: test
test: setup ## all that CI runs: sanity, lint, units, archive, page, integration
	@tests/gate $(STEPS)

.PHONY: lint
lint: setup ## formatting, style, types, YAML, playbooks, shell scripts, changelog fragments
	@tests/lint

.PHONY: sanity
sanity: setup ## ansible-test sanity, without an ignore file
	@tests/sanity $(ARGS)

.PHONY: units
units: setup ## unit tests
	@$(PYTEST) tests/unit $(ARGS)

.PHONY: archive
archive: setup ## what is released: built, installed where nothing else is, and judged by galaxy-importer, antsibull-docs, reuse
	@tests/archive $(ARGS)

.PHONY: page
page: setup ## the page of a report in a headless browser
	@$(PYTEST) tests/page $(ARGS)

.PHONY: integration
integration: setup ## tests against real Odoo servers in the lab (as root)
	@tests/integrate $(ARGS)

.PHONY: thorough
thorough: setup ## integration with the tests that the gate leaves out: near-doubles, and the lab's own (as root)
	@FLEETOPS_ALL=1 tests/integrate $(ARGS)

.PHONY: versions
versions: setup ## what depends on the version, on Odoo from checkouts: ODOO="~/src/odoo@17.0 ..." (as root)
	@ODOO='$(ODOO)' RECORD='$(RECORD)' DEBIAN='$(DEBIAN)' tests/versions $(ARGS)

.PHONY: planted
planted: setup ## more than twenty causes planted on real servers: the first finding must name each (as root)
	@FLEETOPS_PLANTED=1 FLEETOPS_ALL=1; export FLEETOPS_PLANTED FLEETOPS_ALL; \
	$(PYTEST) tests/integration/test_planted.py -s --timeout 400 $(ARGS)

.PHONY: faults
faults: setup ## every fault that a rolling restart may meet, injected into a real one (as root)
	@$(PYTEST) tests/faults $(ARGS)

.PHONY: hostile
hostile: setup ## attacks by service users and by a third user, on real servers (as root)
	@$(PYTEST) tests/hostile $(ARGS)

.PHONY: ee
ee: setup ## build the execution environment with podman, and roll in it; all of awx_setup twice; the rulebook (as root)
	@$(ENV) venv=$$FLEETOPS_CACHE/ansible-rulebook-1.3.2; \
	[[ ! -x $$(command -v java) || -e $$venv/bin/ansible-rulebook ]] || { \
		"$$FLEETOPS_PYTHON" -m venv "$$venv"; \
		"$$venv/bin/pip" install -qq --disable-pip-version-check ansible-rulebook==1.3.2; }; \
	PATH+=:$$venv/bin; PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH" pytest tests/ee $(ARGS)
	@FLEETOPS_ALL=1; export FLEETOPS_ALL; $(PYTEST) tests/integration/test_awx_setup.py $(ARGS)

.PHONY: awx
awx: setup ## a real AWX from its source, with the lab as its fleet: AWX=DIR DAB=DIR (git repositories of AWX and django-ansible-base; as root)
	@AWX='$(AWX)' DAB='$(DAB)'; export AWX DAB; $(PYTEST) tests/awx -rs $(ARGS)

.PHONY: fuzz
fuzz: setup ## 100,000 random process trees through classifier and rules
	@FLEETOPS_FUZZ=100000; export FLEETOPS_FUZZ; $(PYTEST) tests/unit/signals/test_fuzz.py --timeout 600 $(ARGS)

.PHONY: coverage
coverage: setup ## how much of the code unit tests and modules on the lab's hosts run; fails below 95 % of the core (as root)
	@tests/coverage/measure $(ARGS)

.PHONY: mutation
mutation: setup ## break the classifier, the rules, the decision and the parser on purpose: unit tests must notice
	@tests/mutation/mutate $(ARGS)

.PHONY: scale-steps
scale-steps: setup ## 50 random steps of scaling on Odoo 19 and 14, side by side (as root)
	@export FLEETOPS_SCALE_STEPS=50 FLEETOPS_ALL=1; \
	$(PYTEST) tests/integration/test_workers.py -k random_steps $(ARGS)

.PHONY: quit
quit: setup ## all that asks by QUIT for ten minutes on each kind of server, and 2,000 dumps, under a load that provokes the end of processes (as root)
	@FLEETOPS_QUIT_SECONDS=600 FLEETOPS_QUIT_DUMPS=2000 FLEETOPS_ALL=1; export FLEETOPS_QUIT_SECONDS FLEETOPS_QUIT_DUMPS FLEETOPS_ALL; \
	$(PYTEST) tests/integration/test_quit.py -s --timeout 3600 $(ARGS)

.PHONY: docs
docs: setup ## write docs/reference from ansible-doc and docs/troubleshooting.md from the codes; a unit test tells when
	@$(ENV) export PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH:."; \
	python -m tests.docs.reference; python -m tests.docs.troubleshooting

.PHONY: images
images: setup ## take the pictures of the guides again (docs/images)
	@$(ENV) PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH:." python -m tests.page.images

.PHONY: docsite
docsite: setup ## guides and reference as HTML, by antsibull-docs and Sphinx: tests/output/docsite
	@tests/docs/docsite $(ARGS)

.PHONY: bench
bench: setup ## what a look and a roll cost, against what one would do without us (as root)
	@$(ENV) PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH:." python tests/bench/bench.py
	@$(ENV) PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH:." python tests/bench/payload.py
	@$(ENV) python tests/bench/cost.py
	@$(ENV) PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH:." python tests/bench/instances.py
	@$(ENV) python tests/bench/roll.py $(ARGS)

.PHONY: bench-dumps
bench-dumps: setup ## what reading and explaining stack dumps costs, against odoo-activity, which it fetches
	@$(ENV) theirs=$$FLEETOPS_CACHE/odoo-activity; \
	[[ -e $$theirs/odoo_activity ]] || "$$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-deps \
		--target "$$theirs" odoo-activity==0.31.0; \
	PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH" python tests/bench/dumps.py "$$theirs"

.PHONY: bench-page
bench-page: setup ## what the page of a thousand hosts costs, and whether it can be used
	@$(ENV) PYTHONPATH="$$ANSIBLE_COLLECTIONS_PATH:." python -m tests.bench.page $(ARGS)

.PHONY: matrix
matrix: setup ## units on Python 3.8 to 3.14, sanity on ansible-core 2.16 to 2.21, and rolls on these (as root)
	@$(ENV) nox $(ARGS)

.PHONY: fresh
fresh: setup ## demo and test in a Debian 12 made for it, which has nothing else; --cluttered: which has too much (as root)
	@tests/fresh/fresh $(ARGS)

.PHONY: lab-up lab-down
lab-up: setup ## bring the lab's hosts up
	@$(ENV) tests/lab/lab up $(ARGS)
lab-down: setup ## take them down, leave nothing behind
	@$(ENV) tests/lab/lab down $(ARGS)

.PHONY: format
format: setup ## let ruff rewrite what it can
	@$(ENV) files=(. $$(git grep --no-color -lE --untracked -e '^#!.*python' | grep -v '\.py$$')); \
	ruff check --fix-only "$${files[@]}"; ruff format "$${files[@]}"

.PHONY: lock
lock: ## renew tests/requirements.txt, archive.txt and docsite.txt from the files .in beside them
	@new=$$(mktemp -d); trap 'rm -rf "$$new"' EXIT; \
	for name in requirements archive docsite; do \
		"$${FLEETOPS_PYTHON:-/usr/bin/python3}" -m venv --clear "$$new"; \
		"$$new/bin/pip" install --quiet --disable-pip-version-check -r "tests/$$name.in"; \
		{ echo "# Written by 'make lock' from $$name.in; every release that was chosen, so that all"; \
		  echo "# machines run the same."; \
		  "$$new/bin/pip" freeze; } >"tests/$$name.txt"; \
	done

.PHONY: clean
clean: ## remove what the tools leave in the checkout, and its link for Ansible
	@rm -rf .ansible .cache .hypothesis .mypy_cache .nox .pytest_cache .ruff_cache tests/output \
		changelogs/.plugin-cache.yaml fleetops-odoo-*.tar.gz
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
	@$(ENV) rm -rf "$$ANSIBLE_COLLECTIONS_PATH"

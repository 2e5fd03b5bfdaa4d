# Few targets, each complete: `make run` and `make test` set up everything they need.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# GPU=1: the environment by locks/gpu.txt, beside the other; for recipes with train.gpus on this machine's card.
VENV := .venv$(if $(filter-out 0,$(GPU)),-gpu)
comma := ,
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Nothing here reports home.
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1

.PHONY: help setup run test test-fast test-release check report up down bench bench-seeds bench-smollm2 bench-one-gpu bench-fresh bench-pressure bench-build bench-writers bench-control bench-sync bench-refill bench-engine conformance bench-verifier mutants bench-answers-training bench-flow bench-answers bench-consoles screenshots fuzz gpu-lock dist reference clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## The environment from the lock (every other target does this itself): [GPU=1]
	@scripts/setup.sh $(if $(filter-out 0,$(GPU)),--gpu)

# What a recipe takes from packages of the index is installed when it is asked for, beside the environment.
RUNS := $(or $(RECIPE),$(shell sed -n 's/^recipe: //p' params.yaml))
export VERIF_PACKAGES := $(or $(VERIF_PACKAGES),$(CURDIR)/.packages)

run: setup ## The pipeline, all seven stages: make run [RECIPE=name] [DATA=file] [IFEVAL=its prompts] [GPU=1]
	@scripts/packages.sh --recipe $(RUNS)
	@verif run $(if $(RECIPE),--recipe $(RECIPE)) $(if $(DATA),--data $(DATA)) \
	  $(if $(IFEVAL),--set 'evaluate.benchmarks=[{name: held-back}$(comma) {name: ifeval$(comma) path: $(abspath $(IFEVAL))}]') $(ARGS)

test: setup ## The tests, end to end included
	@# Real servers on a busy machine: what fails once is tried once more and shown as R.
	@python -m pytest -m "not slow and not e2e and not release" -n 2 --dist loadfile --reruns 1
	@# What trains or serves a model uses every core, so nothing runs beside it. Both halves run whatever the first says.
	@status=0; \
	python -m pytest -m "slow and not e2e and not release" -n 2 --dist loadfile --durations 25 --reruns 1 || status=$$?; \
	python -m pytest -m "e2e and not release" --durations 25 --reruns 1 || status=$$?; \
	exit $$status

test-fast: setup ## No training and nothing slow (under 2 minutes)
	@python -m pytest -m "not slow and not e2e and not release" -n 2 --dist loadfile

test-release: setup ## Before a release or with new pins, beside `make test`: what seldom changes (over 20 minutes)
	@python -m pytest -m release --durations 25 --reruns 1

check: setup ## Linter, formatter and type checker
	@ruff check .
	@ruff format --check .
	@mypy

report: setup ## Build the report page from what is there
	@verif report

up: setup ## Prefect, MLflow and a worker on loopback; deploys the flows
	@python -m flows.server up

down: setup ## Ends what `make up` started
	@python -m flows.server down

bench: setup ## The main figures on this machine (a fresh run: about 20 minutes)
	@python -m benchmarks.main

bench-seeds: setup ## The gain with three seeds (about an hour)
	@python -m benchmarks.main --seeds 3

bench-smollm2: setup ## A real model here, before and after (hours; goes on where it stopped): [SEEDS=3] [IFEVAL=file] [RECIPE=smollm2-rules]
	@scripts/packages.sh --recipe $(or $(RECIPE),smollm2)
	@python -m benchmarks.smollm2 --recipe $(or $(RECIPE),smollm2) --seeds $(or $(SEEDS),1) $(if $(IFEVAL),--ifeval '$(abspath $(IFEVAL))')

bench-fresh: setup ## Ten fresh trainings, seeds 1 to 5 twice (hours; goes on where it stopped): [PLANTED=1] [AT_ONCE=2] [FRESH=file]
	@python -m benchmarks.fresh $(if $(PLANTED),--planted) --at-once $(or $(AT_ONCE),1) $(if $(FRESH),--file '$(abspath $(FRESH))')

bench-pressure: setup ## After `make run`: does the audit under pressure foretell which judge is fooled? (an hour; goes on where it stopped)
	@python -m benchmarks.foretold

bench-build: setup ## `verif build` in the local world, truth known: proof, defects, copies, kills (half an hour; goes on where it stopped)
	@python -m benchmarks.build $(if $(ROWS),--verinstruct '$(abspath $(ROWS))')

bench-writers: setup ## What survives of models' proposals behind vLLM: two tiny writers trained here, or [MODEL=folder PAIRS=file]
	@python -m benchmarks.build_writers $(if $(MODEL),--model '$(abspath $(MODEL))' --pairs '$(abspath $(PAIRS))')

bench-sync: setup ## After `make run`: DPO online, semi-online and offline, GRPO, hard or soft rewards alone (goes on where it stopped)
	@python -m benchmarks.sync

bench-refill: setup ## After `make run`: GRPO with prompts by pass rate, and with those without contrast replaced (goes on where it stopped)
	@python -m benchmarks.refill

bench-control: setup ## After `make bench`: supervised training for the time that reinforcement took
	@python -m benchmarks.same_time

bench-engine: setup ## Rules, checkers and language detection against their peers
	@python -m benchmarks.engine

conformance: setup ## verif and its peers against published verdicts: the table of docs/conformance.md
	@python -m benchmarks.conformance

bench-verifier: setup ## The verifier service under load
	@python -m benchmarks.verifier

mutants: setup ## Spoil what keeps the promises, a line at a time: does a test notice? (about 15 minutes; goes on where it stopped)
	@python -m benchmarks.mutants

bench-answers-training: setup ## What each verifier of answers teaches, three seeds (an hour; goes on where it stopped)
	@python -m benchmarks.answers_training

bench-flow: setup ## What orchestration costs over bare DVC
	@python -m benchmarks.flow

bench-answers: setup ## Reference answers: rules and built-in model on HardVerify-Math, attacks, hostile expressions
	@python -m benchmarks.answers

bench-consoles: setup ## What the three consoles show of the run that lies here (after `make run`)
	@python -m benchmarks.consoles

screenshots: setup ## Pictures of the consoles' pages, after `make up` and a run there: .verif/screenshots
	@python scripts/screenshots.py

fuzz: setup ## Fuzzers, each for SECONDS (600): make fuzz [SECONDS=60] [SEED=1] [FUZZ="proof rows"]
	@python tests/fuzz $(FUZZ) --seconds $(or $(SECONDS),600) --seed $(or $(SEED),0)

bench-one-gpu: ## The recipe smollm2-rules on this machine's GPU, in an environment by locks/gpu.txt: [SECONDS=540] [IFEVAL=file] [TRAIN=json]
	@python -m benchmarks.one_gpu --seconds $(or $(SECONDS),540) $(if $(IFEVAL),--ifeval '$(abspath $(IFEVAL))') $(if $(TRAIN),--train '$(TRAIN)')

gpu-lock: setup ## locks/gpu.txt: what one NVIDIA GPU needs, by veRL's own pins; shows how it differs from the laptop's
	@python scripts/gpu_lock.py

dist: setup ## sdist and wheel of the version into dist/, installed into an empty environment and tried
	@python -m pytest tests/test_installed.py -q
	@rm -rf dist && uv build -q --no-build-isolation --python $(VENV)/bin/python -o dist . && ls dist

reference: setup ## docs/reference/ from the code
	@python scripts/reference.py

clean: ## Removes what runs made (keeps the environment and the cache)
	@rm -rf data models reports dvc.lock .verif .mypy_cache .ruff_cache .hypothesis build dist *.egg-info

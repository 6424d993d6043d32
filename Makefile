# make help lists the targets. Everything that make installs goes to .cache/, what the runner keeps to .hydrant/; both are ignored by git.

ifeq ($(shell command -v go),)
$(error Go is needed, 1.26 or newer: install it and put it on the PATH)
endif

CACHE := $(CURDIR)/.cache
BIN := $(CACHE)/bin
VENV := $(CACHE)/venv
CHECKOV := $(CACHE)/checkov
# What the runner keeps. make clean removes what is made there, and nothing else that may be in it.
DATA ?= .hydrant
MADE := version s3 meta kinesis firehose logs sqs waiting notify secrets build token demo

# sam build tells nobody the architecture. make build finds it out and gives it here; by hand it is the default of template.yaml, or what
# ARCHITECTURE=x86_64 sam build --build-in-source says. The runner gives its own machine, as GOOS and GOARCH.
ARCHITECTURE ?= arm64
GOOS := linux
GOARCH = $(or $(patsubst x86_64,amd64,$(filter arm64 x86_64,$(ARCHITECTURE))),$(error ARCHITECTURE is arm64 or x86_64, not "$(ARCHITECTURE)"))
ARTIFACTS_DIR ?= $(CACHE)/build/$(@:build-%=%)
# The same sources give the same bytes: no folder, no commit and no time is in them.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w"
DEPLOY = $(VENV)/bin/python .ci/deploy.py $(VENV)/bin/sam
FUNCTIONS = $(shell awk '/^  [A-Za-z]/ {id = $$1} /^    Type: AWS::Serverless::Function$$/ {sub(":", "", id); print id}' template.yaml)

export SAM_CLI_TELEMETRY := 0
# Python leaves no __pycache__ beside the scripts of .ci.
export PYTHONDONTWRITEBYTECODE := 1
# Nothing here asks an instance for its credentials, but what reaches a stack: that does, unless whoever runs it has said otherwise.
METADATA_DISABLED := $(AWS_EC2_METADATA_DISABLED)
export AWS_EC2_METADATA_DISABLED := true
deploy delete redrive where $(if $(STACK),smoke): export AWS_EC2_METADATA_DISABLED := $(METADATA_DISABLED)

.DEFAULT_GOAL := help
.PHONY: help cost cost-check demo run redrive where invoke smoke test soak check check-events bench format generate validate scan build deploy delete try-deploy reproducible emulator build-TransformFunction build-DlqFunction build-AuthorizerFunction generated benchstat token openapi contract parquet roundtrip compaction erasure clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {n = split($$2, parts, " \\| "); printf "  make %-13s %s\n", $$1, parts[1]; for (i = 2; i <= n; i++) printf "  %-18s   %s\n", "", parts[i]}' $(MAKEFILE_LIST)

demo: $(BIN)/hydrant-local $(BIN)/demo ## send every request under events/api and show where it went
	@$(BIN)/demo -runner $(BIN)/hydrant-local -data $(DATA)/demo -build $(DATA)/build

run: $(BIN)/hydrant-local ## serve template.yaml on this machine until Ctrl-C | ARGS="-parameter Name=Value -api 127.0.0.1:0" DATA=.hydrant
	@exec $(BIN)/hydrant-local -data $(DATA) $(ARGS)

invoke: $(BIN)/hydrant-local ## run one function with one event | FUNCTION=TransformFunction EVENT=events/transform/batch.json | ENV="NAME=value ..."
	@$(BIN)/hydrant-local invoke -data $(DATA) $(foreach v,$(ENV),-env '$(v)') $(ARGS) "$$FUNCTION" "$$EVENT"

test: ## run all tests
	go vet ./...
	go test ./...
	@command -v curl >/dev/null || echo "curl is not installed: the commands that the runner prints were not run"
	@command -v node >/dev/null || echo "node is not installed: the JavaScript of docs/send.md was not run"

smoke: $(BIN)/smoke $(if $(STACK),,$(BIN)/hydrant-local) ## send marked events through a deployed stack, check their rows, run the probes of docs/unproven.md | STACK=name (none: the local runner) ARGS="-json"
	@$(BIN)/smoke $(if $(STACK),-stack '$(STACK)',-runner $(BIN)/hydrant-local -build $(DATA)/build) $(ARGS)

soak: $(BIN)/hydrant-local $(BIN)/soak ## post events while everything fails, and account for each | ARGS="-seeds 10 -duration 1m -seed 1"
	@$(BIN)/soak -runner $(BIN)/hydrant-local $(ARGS)

check: format cost-check workflows validate scan try-deploy build reproducible emulator contract parquet roundtrip compaction erasure ## check format, lint, template.yaml, builds, the contract and Parquet files

format: $(BIN)/gofumpt $(BIN)/staticcheck
	@unformatted=$$($(BIN)/gofumpt -l functions pkg); test -z "$$unformatted" || { echo "not formatted (run .cache/bin/gofumpt -w on them):"; echo "$$unformatted"; exit 1; }
	go vet ./...
	$(BIN)/staticcheck ./...
	@test -z "$$(go mod tidy -diff)" || { echo "go.mod or go.sum is not tidy: run go mod tidy"; exit 1; }

bench: $(BIN)/hydrant-local $(BIN)/load ## print how fast and how big the service and the runner are
	go test -run '^$$' -bench . -benchmem ./pkg/event ./pkg/dlq ./pkg/authorizer ./functions/transform ./functions/dlq ./functions/authorizer
	go test -run '^$$' -bench . -cpu 1 ./pkg/transform
	@$(BIN)/load -runner $(BIN)/hydrant-local

cost: $(BIN)/hydrant-local ## write docs/cost.md from prices and template.yaml | ARGS="-size 1024 -array 100" prints a bill (-help: the rest)
	@go run ./pkg/tools/cost -runner $(BIN)/hydrant-local $(ARGS)

cost-check: $(BIN)/hydrant-local
	@go run ./pkg/tools/cost -runner $(BIN)/hydrant-local -check

redrive: ## print which quarantined events would be sent once more | ARGS="-reason attempts_exhausted -from 2026-11-22" | ARGS="-go" sends them | STACK=name (a deployed stack; none: the local runner)
	@go run ./pkg/tools/redrive $(if $(STACK),-stack '$(STACK)') $(ARGS)

# An id is any text: neither make nor the shell reads it.
where: override export ID := $(value ID)
where: ## print every place that a request or an event is in | ID=... STACK=name (a deployed stack)
	@go run ./pkg/tools/where -id "$$ID" $(if $(STACK),-stack '$(STACK)') $(ARGS)

token: ## make a token for the authorizer, and a local key for it | ARGS="-serve -producer shop-web" or ARGS="-static -producer shop-web"
	@go run ./pkg/tools/token -dir $(DATA)/token $(ARGS)

generate: ## write what follows from pkg/event/catalogue.go
	@go run ./pkg/tools/generate

check-events: $(BIN)/check-events ## judge events as the stream will | FILE=events.jsonl (or standard input) JSON=1
	@$(BIN)/check-events $(if $(JSON),-json) $(if $(FILE),"$$FILE")

workflows: $(BIN)/actionlint ## check .github/workflows
	@$(BIN)/actionlint
	@loose=$$(grep -n 'uses: [^.]' .github/workflows/*.yml | grep -vE '@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$$'); test -z "$$loose" || { echo "not pinned to a commit, with its version behind it:"; echo "$$loose"; exit 1; }

validate: $(VENV)/installed ## validate template.yaml, as written and as SAM expands it
	PYTHON=$(VENV)/bin/python .ci/validate

scan: $(VENV)/installed $(CHECKOV)/installed ## have checkov read what is deployed; each finding is mended, or has its reason in template.yaml
	@$(VENV)/bin/python .ci/scan.py $(CHECKOV)/bin/checkov

build: $(VENV)/installed ## sam build: the functions as sam deploy uploads them | ENV=default (the environment of samconfig.toml whose Architecture they are for) | ARGS="--parameter-overrides Architecture=x86_64"
	@$(DEPLOY) build '$(or $(ENV),default)' $(ARGS)

deploy: $(VENV)/installed ## build, and deploy to an environment of samconfig.toml | ENV=default, staging or prod | ARGS="--parameter-overrides Name=Value" (any of sam deploy's)
	@$(DEPLOY) deploy '$(or $(ENV),default)' $(ARGS)

delete: $(VENV)/installed ## say what stays when an environment's stack is deleted, ask, and delete it | ENV=default, staging or prod | YES=1 does not ask
	@YES='$(YES)' $(DEPLOY) delete '$(or $(ENV),default)' $(ARGS)

try-deploy: $(VENV)/installed ## try what builds, deploys, deletes and reaches a stack, with programs that stand for SAM, Go and AWS
	@$(VENV)/bin/python .ci/try_deploy.py $(VENV)

reproducible: ## build the functions twice and compare the bytes
	@.ci/reproducible $(FUNCTIONS)

emulator: $(BIN)/hydrant-local $(VENV)/installed ## run events/ through AWS's Runtime Interface Emulator
	@$(VENV)/bin/python .ci/emulator.py
	@$(VENV)/bin/python .ci/sam_local.py $(BIN)/hydrant-local $(DATA)/build

# sam local invoke takes no other variables of --env-vars than those that the template has of a function, and that is none that says where AWS is. This
# template has them, and is for nothing else.
%/local.yaml: %/template.yaml
	@awk '{print} /^ *Variables:$$/ {sub(/Variables:/, ""); for (i = split("ENDPOINT_URL REGION ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN", n); i; i--) print $$0 "  AWS_" n[i] ": \"\""}' $< >$@

openapi: $(VENV)/installed ## write docs/openapi.yaml, the contract for clients, from the API's body in template.yaml
	@$(VENV)/bin/python .ci/openapi.py

contract: $(BIN)/hydrant-local $(VENV)/installed ## try docs/openapi.yaml against the runner with schemathesis (SEED=, EXAMPLES=60)
	@$(VENV)/bin/python .ci/openapi.py -check
	@$(VENV)/bin/python .ci/contract.py $(BIN)/hydrant-local $(DATA)/build $(CACHE)/contract $(or $(SEED),$$(date +%s)) $(or $(EXAMPLES),60)

parquet: $(BIN)/hydrant-local $(BIN)/demo $(VENV)/installed ## compare what DuckDB reads in a demo's Parquet files
	@$(BIN)/demo -runner $(BIN)/hydrant-local -quiet -rows $(CACHE)/demo.jsonl -data $(CACHE)/demo -build $(DATA)/build
	@$(VENV)/bin/python .ci/parquet.py $(CACHE)/demo/s3 $(CACHE)/demo.jsonl
	@rm -rf $(CACHE)/demo $(CACHE)/demo.jsonl

roundtrip: $(BIN)/hydrant-local $(BIN)/events $(VENV)/installed ## the same with random valid events | EVENTS=3000 SEED=... (the same events again)
	@$(VENV)/bin/python .ci/roundtrip.py $(BIN)/hydrant-local $(BIN)/events $(DATA)/build $(CACHE)/roundtrip $(or $(SEED),$$(date +%s)) $(or $(EVENTS),3000)

compaction: $(BIN)/hydrant-local $(BIN)/events $(VENV)/installed ## run the compaction's statements on real files with DuckDB | SEED=... (the same again)
	@$(VENV)/bin/python .ci/compaction.py $(BIN)/hydrant-local $(BIN)/events $(DATA)/build $(CACHE)/compaction $(or $(SEED),$$(date +%s))

erasure: $(BIN)/hydrant-local $(BIN)/demo $(BIN)/events $(VENV)/installed ## take users out of the runner's files as docs/erasure.md says | SEED=...
	@$(VENV)/bin/python .ci/erasure.py $(BIN)/hydrant-local $(BIN)/demo $(BIN)/events $(DATA)/build $(CACHE)/erasure $(or $(SEED),$$(date +%s))

# What was generated from the catalogue must fit it: conversion drops a column that the table lacks, silently.
generated:
	@go run ./pkg/tools/generate -check

# sam build and the local runner call these, with ARTIFACTS_DIR.
build-TransformFunction: generated
	GOOS=$(GOOS) GOARCH=$(GOARCH) $(GO_BUILD) -tags lambda.norpc -o $(ARTIFACTS_DIR)/bootstrap ./functions/transform

build-DlqFunction: generated
	GOOS=$(GOOS) GOARCH=$(GOARCH) $(GO_BUILD) -tags lambda.norpc -o $(ARTIFACTS_DIR)/bootstrap ./functions/dlq

build-AuthorizerFunction:
	GOOS=$(GOOS) GOARCH=$(GOARCH) $(GO_BUILD) -tags lambda.norpc -o $(ARTIFACTS_DIR)/bootstrap ./functions/authorizer

# A runner holds kinesis/version with flock(2) for as long as it lives. A machine without the command of that name is not asked.
clean: ## remove what was built, and what the local runner keeps
	@for data in '$(DATA)' '$(DATA)/demo'; do \
		test ! -f "$$data/kinesis/version" || ! command -v flock >/dev/null || flock -n "$$data/kinesis/version" true || \
			{ echo "$$data is in use by a runner: end it first. Nothing was removed."; exit 1; }; \
	done
	rm -rf $(CACHE)/bin $(CACHE)/build $(CACHE)/test .aws-sam
	@for made in $(MADE); do rm -rf '$(DATA)'/$$made; done; rmdir '$(DATA)' 2>/dev/null || test ! -d '$(DATA)' || echo "left in $(DATA), which hydrant did not make: $$(ls -A '$(DATA)' | tr '\n' ' ')"

# go build knows best whether there is anything to do.
$(BIN)/hydrant-local: FORCE
	@test -x $@ || echo "building the local runner; the first time takes a minute or two"
	@go build -trimpath -o $@ ./pkg/local
$(BIN)/demo $(BIN)/events $(BIN)/load $(BIN)/smoke $(BIN)/soak $(BIN)/check-events: FORCE
	@go build -trimpath -o $@ ./pkg/tools/$(@F)

$(BIN)/gofumpt $(BIN)/staticcheck $(BIN)/benchstat $(BIN)/actionlint: .ci/tools/go.mod .ci/tools/go.sum
	go -C .ci/tools build -o $(BIN)/ tool

benchstat: $(BIN)/benchstat

$(VENV)/installed: .ci/requirements.txt
# Of its own: it wants other versions of what SAM needs.
$(CHECKOV)/installed: .ci/checkov-requirements.txt

# It is a copy of what was asked for. Times say nothing: the files of a new clone are younger than what an older one has installed.
$(VENV)/installed $(CHECKOV)/installed: FORCE
	@cmp -s $(filter %.txt,$^) $@ || { \
		python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed for this: install it and put it on the PATH as python3"; exit 1; }; \
		echo "installing $(filter %.txt,$^) into $(patsubst $(CURDIR)/%,%,$(@D)); a few minutes the first time"; \
		python3 -m venv --clear $(@D) && $(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $(filter %.txt,$^) && cp $(filter %.txt,$^) $@; }

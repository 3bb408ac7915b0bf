# `make` lists the targets.

GOLANGCI_LINT := v2.15.0
GOVULNCHECK   := v1.9.0
GOFUMPT       := v0.12.0

# A linter has to be built with the Go it is to understand.
BIN     := $(CURDIR)/.bin/$(shell go env GOVERSION)
MODULES := . $(patsubst %/go.mod,%,$(wildcard examples/routers/go.mod internal/bench/peers/go.mod internal/bench/promql/go.mod))

FUZZTIME   ?= 10s
BENCHFLAGS ?=

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: test
test: ## run all tests, against real servers; installs what is missing where it can
	scripts/test.sh

.PHONY: test-full
test-full: ## test, beside a server of the PromQL engine's own version too, then fuzz for half a minute a target
	scripts/install-servers.sh full
	scripts/test.sh
	scripts/fuzz.sh 30s

.PHONY: soak
soak: test-full ## test-full, then fuzz for five minutes a target
	@echo "No test runs for hours yet: long fuzzing is all that comes on top."
	scripts/fuzz.sh 5m

.PHONY: fuzz
fuzz: ## fuzz each target for FUZZTIME (10s)
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## measure against other libraries, with BENCHFLAGS
	cd internal/bench/peers && go run . $(BENCHFLAGS)

M4      ?= ../shared/data/m4
M4FILES  = -train $(M4)/$(1)_train.csv.gz -test $(M4)/$(1)_test.csv.gz

.PHONY: forecast
forecast: ## forecast the M4 series and hold the scores to their bounds
	go run ./internal/eval/forecast -freq hourly $(call M4FILES,hourly) -max-owa 0.50 -max-msis 8.5 -min-cover 0.92 -max-cover 0.975 -max-p50 50 -max-p99 200
	go run ./internal/eval/forecast -freq weekly $(call M4FILES,weekly) -max-owa 0.88 -max-msis 19 -min-cover 0.92 -max-cover 0.975 -max-p50 50 -max-p99 200
	go run ./internal/eval/forecast -freq daily $(call M4FILES,daily) -max-owa 1.02 -max-p50 50 -max-p99 200
	go run ./internal/eval/forecast -freq daily $(call M4FILES,daily) -back 1 -through 40 -min-cover 0.92 -max-cover 0.975

NAB ?= ../shared/data/nab

.PHONY: lstm
lstm: ## forecast a series with the LSTM and hold it to its bounds
	go run ./internal/eval/lstm -data $(NAB)/realKnownCause/nyc_taxi.csv -labels $(NAB)/labels/combined_windows.json -max-mae 734 -max-epoch 1.5 -max-step 20

.PHONY: nab
nab: ## score the detectors on the Numenta Anomaly Benchmark and hold the default to its bounds
	go run ./internal/eval/anomaly -data $(NAB) -detector all -score -min-standard 74.9 -min-low-fp 67 -min-low-fn 80.4 -min-windows 105 -max-false 299
	go run ./internal/eval/anomaly -data $(NAB) -loco -min-loco-standard 69 -min-loco-low-fp 60 -min-loco-low-fn 76

OPS ?= ../shared/data/ops

.PHONY: ops
ops: ## score the detectors on labelled series of services
	go run ./internal/eval/anomaly -data $(OPS) -detector all -ops -max-false-a-day 0.1

IFOREST ?= ../shared/data/iforest

.PHONY: iforest
iforest: ## fit isolation forests and hold AUC and times to their bounds
	go run ./internal/eval/iforest -data $(IFOREST) -below 0.01 -max-fit 20 -max-score 500

.PHONY: size
size: ## measure what each package adds to a binary
	go run ./internal/bench/size

.PHONY: lint
lint: vet golangci-lint govulncheck gofumpt tidy ## run all static checks

.PHONY: vet
vet:
	@for module in $(MODULES); do (cd $$module && go vet ./...) || exit 1; done

# golangci-lint runs staticcheck, all of it: alone, it would know no //nolint.
.PHONY: golangci-lint
golangci-lint: $(BIN)/golangci-lint-$(GOLANGCI_LINT)
	$< run ./...

.PHONY: govulncheck
govulncheck: $(BIN)/govulncheck-$(GOVULNCHECK)
	scripts/govulncheck.sh $<

.PHONY: gofumpt
gofumpt: $(BIN)/gofumpt-$(GOFUMPT)
	@files=$$($< -l .) && if [ -n "$$files" ]; then echo "not formatted by gofumpt:"; echo "$$files"; exit 1; fi

.PHONY: tidy
tidy:
	@for module in $(MODULES); do (cd $$module && go mod tidy -diff) || exit 1; done

.PHONY: format
format: $(BIN)/golangci-lint-$(GOLANGCI_LINT) ## format the code and group its imports
	$< fmt ./...

# install PACKAGE: builds a tool at the version that ends the target's name.
install = GOBIN=$(BIN) go install $(1)@$* && mv $(BIN)/$(notdir $(1)) $@

$(BIN)/golangci-lint-%:
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)

$(BIN)/govulncheck-%:
	$(call install,golang.org/x/vuln/cmd/govulncheck)

$(BIN)/gofumpt-%:
	$(call install,mvdan.cc/gofumpt)

# `make help` lists what there is. `go build ./...` and `go run ./cmd/picloud`
# need Go alone; the tests need more, and tools/need installs it on Debian.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
# One static program without a C library: smaller in memory, and the same on every
# system. Only the race detector needs C.
export CGO_ENABLED := 0
# Extra flags for go test: make test TESTFLAGS='-run TestServe -v'
TESTFLAGS ?= -timeout 30m
# RACE=1 runs the packages where goroutines meet under the race detector.
RACE ?=
RACE_PACKAGES := ./internal/... ./cmd/...
# SQLite's code, which is C made Go, is not watched: it is not ours, it knows goroutines only
# through what calls it, and watching it takes three quarters of the time.
RACE_FLAGS := -race -gcflags=modernc.org/...=-race=false

# Modules of their own keep what only they need out of PiCloud's go.mod.
MODULES := deploy/caddy bench/languages

# The dashboard, which Go embeds. Without Node.js a page says that it was not built.
DASHBOARD := web/build/index.html.gz
NODE_MODULES := web/node_modules/.package-lock.json
DASHBOARD_SOURCES := api/openapi.yaml $(wildcard web/*.js web/*.json) $(shell find web/src web/static web/scripts -type f ! -name '*.gen.ts')

.PHONY: help run build dashboard test bench fuzz arm64 lint generate verify schema

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: dashboard ## start PiCloud on embedded SQLite in ./data, at http://127.0.0.1:8080
	$(GO) run ./cmd/picloud serve

build: dashboard ## build every program into ./bin
	$(GO) build -o bin/ ./cmd/...

dashboard: ## build the dashboard, if there is Node.js and a source has changed
	@if tools/need --only-ask node; then $(MAKE) --no-print-directory $(DASHBOARD); \
	else echo "Without Node.js (20.19, 22.12 or newer) and npm there is no dashboard; everything else works." >&2; fi

$(DASHBOARD): $(DASHBOARD_SOURCES) $(NODE_MODULES)
	cd web && npm run build

$(NODE_MODULES): web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund

test: ## run every test, on SQLite and PostgreSQL
	@tools/need postgresql chromium node curl strace
	@$(MAKE) --no-print-directory $(DASHBOARD) $(NODE_MODULES)
ifeq ($(RACE),)
	$(GO) test $(TESTFLAGS) ./...
else
	$(GO) test $(TESTFLAGS) $$($(GO) list ./... | grep -vE '/(internal|cmd)/')
	CGO_ENABLED=1 $(GO) test $(RACE_FLAGS) $(TESTFLAGS) $(RACE_PACKAGES)
endif
	@for module in $(wildcard $(MODULES)); do \
	  echo "cd $$module && $(GO) test $(TESTFLAGS) ./..."; \
	  (cd "$$module" && $(GO) test $(TESTFLAGS) ./...); \
	done
	cd web && npm run check && npm test && npm run test:postgres

bench: ## measure; the figures of docs/benchmarks.md come from here
	$(GO) run ./bench/engine
	cd bench/languages && $(GO) run .
	$(GO) run ./bench/start
	$(GO) run ./bench/http
	$(GO) run ./bench/idle
	$(GO) run ./bench/deliver
	$(GO) run ./bench/queue -for 30s
	$(GO) test ./internal/bootstrap -run xxx -bench BenchmarkManyApps -benchtime 300x

# Each target of the engine in turn: make fuzz FUZZTIME=8h. What it finds is kept under testdata/fuzz.
FUZZTIME ?= 20m
FUZZ_TARGETS := FuzzParse:./rhai/syntax FuzzFormat:./rhai/syntax FuzzRun:./rhai FuzzDifferential:./rhai FuzzWorld:./rhai

fuzz: ## look for scripts that break the engine, FUZZTIME for each target
	@for target in $(FUZZ_TARGETS); do \
	  $(GO) test -run '^$$' -fuzz "^$${target%%:*}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$${target#*:}"; \
	done

arm64: ## compare the engine's answers and counts on an emulated ARM processor with those recorded
	@tools/need qemu
	GOARCH=arm64 $(GO) test -exec qemu-aarch64-static ./rhai -run 'Conformance|RecordedCounts' -count=1 -timeout 60m
	GOARCH=arm64 $(GO) test -exec qemu-aarch64-static ./rhai/internal/fpmath -count=1 -timeout 60m

lint: ## go vet, staticcheck and gofumpt
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	@unformatted=$$($(GO) tool -modfile=tools/go.mod gofumpt -l $$(git ls-files '*.go' ':!:*.gen.go')); \
	if [ -n "$$unformatted" ]; then echo "not in gofumpt's form (make generate puts them right):" >&2; echo "$$unformatted" >&2; exit 1; fi

generate: ## rewrite every generated file, and the form of the Go files
	$(GO) generate ./...
	BLESS=1 $(GO) test ./internal/bootstrap/settings -run 'TestConfigurationPage' -count=1
	BLESS=1 $(GO) test ./rhai ./internal/executor -run 'LibraryReference|TestReference|TestTrialReference' -count=1
	$(GO) tool -modfile=tools/go.mod gofumpt -w $$(git ls-files '*.go' ':!:*.gen.go')

verify: lint ## fail if a generated file is not what its source makes
	@before=$$(git ls-files -z -co --exclude-standard | xargs -0 sha256sum); \
	$(MAKE) --no-print-directory generate >/dev/null; \
	after=$$(git ls-files -z -co --exclude-standard | xargs -0 sha256sum); \
	if [ "$$before" != "$$after" ]; then \
	  echo "these files are generated and were out of date; commit them as they are now:" >&2; \
	  diff <(echo "$$before") <(echo "$$after") | sed -n 's/^> [0-9a-f]*  /  /p' >&2; exit 1; \
	fi

schema: ## compare both databases' schemas with the golden texts (BLESS=1 rewrites them)
	@tools/need postgresql
	$(GO) test ./internal/store/... -run 'Schema' -count=1

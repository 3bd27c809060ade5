# Thin on purpose: every target is one command that can be typed by hand.
# go-duckdb's Arrow interface needs the build tag; a build without it stops and says so.
TAGS    := duckdb_arrow
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo none)
DATE    ?= $(shell git log -1 --format=%cs 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

.PHONY: build demo test lint bench record torture

build:
	go build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/pitwall .

demo: build
	./bin/pitwall demo $(ARGS)

test:
	go test -tags $(TAGS) ./...

# The long form of the tests that kill writers and break requests: make torture FOR=1h
FOR ?= 10m
torture:
	PITWALL_TORTURE=$(FOR) go test -tags $(TAGS) -count=1 -v -timeout 0 -run 'Torture|Killed' ./snapshots

lint:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi
	go vet -tags $(TAGS) ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags $(TAGS) ./...

bench:
	go test -tags $(TAGS) -run '^$$' -bench . -benchtime 1x ./...

record:
	./vhs/record

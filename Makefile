# The habits: fmt lint test bench golden. Every target works from a fresh clone.
LINT := go tool -modfile=.ci/tools.mod golangci-lint

.PHONY: build fmt lint test bench soak golden

build: ## the binary, as it is released: no cgo, stripped
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o yardarm ./cmd/yardarm

fmt: ## format Go and CUE
	$(LINT) fmt
	go run ./cmd/yardarm fmt

lint: ## what a machine can check without running the tests
	$(LINT) run
	cd bench && go tool -modfile=../.ci/tools.mod golangci-lint run
	go mod tidy -diff
	go run ./cmd/yardarm check
	go run ./cmd/yardarm fmt --check
	go tool -modfile=.ci/actionlint.mod actionlint

test: ## every test, with the race detector; installs what they need first
	.ci/install
	CGO_ENABLED=0 go build ./...
	go test -race -timeout 15m ./...
	go test -run 'Uniform|Independent' ./eval -keys 1000000
	cd bench && go test ./...

bench: ## every benchmark, and the engine beside LaunchDarkly's; compare figures of one run only
	go test -run '^$$' -bench . -benchmem -p 1 ./...
	go test -p 1 ./sync/daemon ./sync/hub -run '^$$' -bench 'Push/10000|Reconnect/10000' -benchtime 10x -large
	cd bench && go test -run '^$$' -bench . -benchmem ./... && go run .

SOAK := 10m
soak: ## what goes wrong, for SOAK each: bad networks, kills, full disks, hostile clients, with a table of it; and flat memory
	go test ./sync/soak -soak $(SOAK) -v -timeout 3h
	go test ./compile -run '^TestMemoryIsFlat$$' -soak -v -timeout 1h
	go test ./cmd/yardarm -run '^$$' -bench '^BenchmarkServeIdle$$' -benchtime 1x -commits 10000 -timeout 3h

golden: ## write the golden files and vectors anew; the diff is yours to read
	go test ./compile/folder ./sync/feed ./diff/render -update
	go test -run '^TestReadmeDiff$$' ./cmd/yardarm -update

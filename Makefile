# The commands of this repository; `make help` lists them.

CARGO ?= cargo
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What the tests start as real processes, on Debian.
TEST_PACKAGES := prometheus prometheus-alertmanager util-linux curl iproute2
TEST_PROGRAMS := prometheus prometheus-alertmanager amtool setpriv curl ip

.PHONY: help run test test-packages sim sim-search mutants upstream-tests fuzz bench dist sbom lint lint-dependencies

help:
	@echo 'make run         build and start a server with a demo webhook that prints what it receives'
	@echo 'make test        install what the tests need, and run them all'
	@echo 'make sim         replay a simulated cluster step by step: make sim SEED=7, or one node: make sim NODES=1 SEED=7, or one with somebody hostile: make sim HOSTILE=1 SEED=7'
	@echo 'make sim-search  simulate many seeds on all cores and print those that break a rule: FROM=0 TO=1000'
	@echo 'make fuzz        try all decoders with broken input on all cores; HOURS=0.5'
	@echo 'make mutants     change the code in small ways and print the changes that no test notices; MUTANTS=files'
	@echo 'make upstream-tests  run the acceptance tests of upstream with our server and amtool (needs Go); STRICT=1'
	@echo 'make bench       compare speed and memory with the Go Alertmanager'
	@echo 'make dist        build a stripped binary for distribution with a list of its parts (SBOM), and print their sizes'
	@echo 'make lint        formatting, clippy, and of the dependencies: licences, sources, advisories'

# The server listens on port 9093 and keeps its data in ./data; both programs end with ^C.
run:
	$(CARGO) build --release -p bellwether
	@trap 'kill $$hook 2>/dev/null' EXIT; trap 'exit 0' INT TERM; \
	./target/release/bellwether demo-webhook 127.0.0.1:5001 & hook=$$!; \
	./target/release/bellwether server --config.file=examples/bellwether.yml --cluster.listen-address=

test: test-packages
	$(CARGO) test --workspace

# A real mail server.
TEST_PACKAGES += python3-aiosmtpd python3-venv
TEST_PROGRAMS += aiosmtpd

# Nothing is installed, and no network is needed, if all programs are there already.
test-packages:
	@for program in $(TEST_PROGRAMS); do \
		command -v $$program >/dev/null || missing=yes; \
	done; \
	install="$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(TEST_PACKAGES)"; \
	if [ -n "$$missing" ]; then $$install || { $(SUDO) apt-get update && $$install; }; fi

# An emulator of AWS; it comes from PyPI, into its own folder.
MOTO := target/moto
test: test-moto
.PHONY: test-moto
test-moto: test-packages
	@rm -f $(MOTO)-unreachable
	@test -x $(MOTO)/bin/moto_server \
	|| { python3 -m venv $(MOTO) && $(MOTO)/bin/pip install --quiet 'moto[server]==5.2.5'; } \
	|| { touch $(MOTO)-unreachable; echo 'PyPI cannot be reached: the test with an emulator of AWS is skipped'; }

# NODES=1 replays one node; without it the seed decides how large the cluster is. ONE_TARGET=1 lets some
# alerts be posted to one node only; such seeds may break a rule.
sim:
	@test -n "$(SEED)" || { echo 'which seed? make sim SEED=7'; exit 2; }
	$(CARGO) run -p bellwether-sim -- replay $(if $(NODES),--nodes $(NODES)) $(if $(ONE_TARGET),--one-target) $(if $(HOSTILE),--hostile) --seed $(SEED)

# The seeds from FROM to before TO. To go on after an interruption, start from a later seed.
sim-search:
	@test -n "$(FROM)" -a -n "$(TO)" || { echo 'which seeds? make sim-search FROM=0 TO=1000'; exit 2; }
	$(CARGO) run --release -p bellwether-sim -- search $(if $(NODES),--nodes $(NODES)) $(if $(ONE_TARGET),--one-target) $(if $(HOSTILE),--hostile) --from $(FROM) --to $(TO)

# Takes about 20 seconds for each change, and there are thousands: MUTANTS names some of the files.
MUTANTS ?= crates/engine/src/**/*.rs crates/memberlist/src/*.rs crates/memberlist/src/machine/**/*.rs \
	crates/memberlist/src/cluster/**/*.rs crates/journal/src/**/*.rs crates/config/src/rules.rs
mutants:
	@command -v cargo-mutants >/dev/null || $(CARGO) install --locked cargo-mutants
	$(CARGO) mutants $(foreach files,$(MUTANTS),--file '$(files)') --output target

# An input that fails is kept in fuzz/corpus, from where `make test` tries it too: commit it with the mend.
fuzz:
	$(CARGO) run --release -p bellwether-fuzz -- $(or $(HOURS),0.5)

# Compared with the Alertmanager that we follow where there is Go to build it, else with Debian's. Its
# web pages are not in the source; an empty one takes their place.
UPSTREAM_VERSION := v0.35.0
GO_ALERTMANAGER := $(CURDIR)/target/upstream/alertmanager
bench: test-packages
	@if command -v go >/dev/null; then $(MAKE) $(GO_ALERTMANAGER); \
	else echo 'go is not installed: the comparison is with the Alertmanager of Debian'; fi
	$(CARGO) build --release -p bellwether
	export GO_ALERTMANAGER_BIN=$(if $(shell command -v go),$(GO_ALERTMANAGER),$$(command -v prometheus-alertmanager)); \
	$(CARGO) run --release -p bellwether-bench --bin bellwether-bench \
	&& $(CARGO) run --release -p bellwether-bench --bin bellwether-bench -- --cluster
	$(CARGO) run --release -p bellwether-bench --bin turns
	@if command -v valgrind >/dev/null; then $(CARGO) run --release -p bellwether-bench --bin hot-paths; \
	else echo 'valgrind is not installed: instructions of the hot paths are not counted'; fi

$(GO_ALERTMANAGER):
	rm -rf $(@D) && mkdir -p $(@D)
	cp -r "$$(cd $(@D) && go mod download -json github.com/prometheus/alertmanager@$(UPSTREAM_VERSION) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')" $(@D)/source
	chmod -R u+w $(@D)/source
	cd $(@D)/source && for ui in app mantine-ui; do mkdir -p ui/$$ui/dist && touch ui/$$ui/dist/index.html; done
	cd $(@D)/source && go build -o $@ \
		-ldflags '-X github.com/prometheus/common/version.Version=$(UPSTREAM_VERSION:v%=%)' ./cmd/alertmanager

# Upstream's acceptance tests start `alertmanager` and `amtool` of the folder that they are in.
UPSTREAM := $(dir $(GO_ALERTMANAGER))source
upstream-tests: $(GO_ALERTMANAGER)
	$(CARGO) build -p bellwether
	@ln -sf $(CURDIR)/target/debug/bellwether $(UPSTREAM)/amtool
	@printf '#!/bin/sh\nexec %s server %s "$$@"\n' $(CURDIR)/target/debug/bellwether '$(if $(STRICT),--compat.strict)' >$(UPSTREAM)/alertmanager
	@chmod +x $(UPSTREAM)/alertmanager
	cd $(UPSTREAM) && go test -count=1 ./test/with_api_v2/... ./test/cli/...

# The binary without symbols and debug information, as it is packaged.
dist:
	$(CARGO) build --profile dist -p bellwether
	$(MAKE) sbom
	@ls -lh target/dist/bellwether target/dist/bellwether.cdx.json

# What the binary is made of, in the format of CycloneDX. The tool writes beside the manifest.
SBOM := crates/bellwether/bellwether.cdx.json
sbom:
	@command -v cargo-cyclonedx >/dev/null || $(CARGO) install --locked cargo-cyclonedx \
	|| { echo 'cargo-cyclonedx is not installed and cannot be: there is no SBOM'; exit 1; }
	$(CARGO) cyclonedx --manifest-path crates/bellwether/Cargo.toml --format json \
		--override-filename bellwether.cdx
	@mkdir -p target/dist
	@mv $(SBOM) target/dist/bellwether.cdx.json
	@find crates bench fuzz tests -name bellwether.cdx.json -delete

lint: lint-dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# Without a network the advisories that were fetched last count, and their date is printed. What cannot
# be checked at all is an error; OFFLINE=1 makes it a warning.
ADVISORIES := $(if $(CARGO_HOME),$(CARGO_HOME),$(HOME)/.cargo)/advisory-dbs
lint-dependencies:
	@unchecked() { echo "NOT CHECKED: $$1"; test -n "$(OFFLINE)" || { echo 'make lint OFFLINE=1 goes on without'; exit 1; }; exit 0; }; \
	command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny \
	|| unchecked 'licences, sources and advisories: cargo-deny is not installed and cannot be'; \
	$(CARGO) deny --offline check licenses bans sources || exit 1; \
	if $(CARGO) deny fetch db; then :; \
	elif ls -d $(ADVISORIES)/*/ >/dev/null 2>&1; then \
		for database in $(ADVISORIES)/*/; do \
			echo "The advisories cannot be fetched; these are of $$(git -C $$database log -1 --format=%cd)"; \
		done; \
	else unchecked 'advisories: they cannot be fetched, and none were fetched before'; fi; \
	$(CARGO) deny check --disable-fetch advisories

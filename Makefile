# Every recipe installs what it needs first, so that a fresh Debian 12 with Rust is enough.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Programs that scripts/setup.sh installed stand before the system's own.
export CARDEA_TOOLS ?= $(HOME)/.cache/cardea/tools
export PATH := $(CARDEA_TOOLS)/bin:$(HOME)/.cargo/bin:$(PATH)

.PHONY: help demo test bench chaos fuzz ci check-format check-lints check-docs check-dependencies check-unused check-generated

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' Makefile

demo: ## build, then run a throw-away instance with simulated identity providers
	@scripts/setup.sh build
	cargo run --locked --release --package cardea-server -- demo

test: ## every test, on SQLite and on a PostgreSQL that the tests start themselves
	@scripts/setup.sh test
	cargo nextest run --locked --workspace

bench: ## what it costs, one line of JSON a figure; needs two cores and a quiet machine
	@scripts/setup.sh test
	@cargo run --locked --release --package cardea-testkit --bin bench

# One test at a time, so that a race has both cores.
chaos: export CARDEA_RACES ?= 10000
chaos: export CARDEA_KILLS ?= 200
chaos: ## races and kills, many more of them than in `make test`
	@scripts/setup.sh test
	cargo nextest run --locked --profile chaos --package cardea-server --test e2e races::
	cargo nextest run --locked --profile chaos --workspace kill

fuzz: TARGET ?= saml_response
fuzz: FOR ?= 60
fuzz: ## a parser against random input: make fuzz TARGET=saml_response FOR=600 (seconds)
	@scripts/setup.sh build
	@scripts/fuzz.sh $(TARGET) $(FOR)

# The quick checks come first and the tests last, so that their summary ends the output.
ci: export NEXTEST_PROFILE := ci
ci: export INSTA_UPDATE := no
ci: ## what must hold before a change lands
	@scripts/setup.sh ci
	@$(MAKE) check-format
	@$(MAKE) check-unused
	@$(MAKE) check-dependencies
	@$(MAKE) check-lints
	@$(MAKE) check-docs
	@$(MAKE) test
	@$(MAKE) check-generated

check-format: ## formatting
	cargo fmt --all --check

check-lints: ## clippy, warnings are errors
	cargo clippy --locked --workspace --all-targets -- -D warnings

# Private items are documented too, so links to them lead somewhere.
check-docs: ## rustdoc, warnings are errors
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --locked --workspace --no-deps --document-private-items

check-dependencies: ## licences, banned crates, sources; advisories when reachable
	@scripts/dependencies.sh

check-unused: ## dependencies that nothing uses
	cargo shear --locked

check-generated: ## no committed file is out of step with what makes it
	@scripts/generated.sh

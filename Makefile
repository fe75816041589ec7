# Starts things; every rule is a few commands that also work by hand.
CARGO ?= cargo
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: demo test quick bench fuzz lint docs unit deny

# The whole story on this machine, as root on real wires, else on a capture.
demo:
	@tests/packages.sh build demo
	$(CARGO) build --locked --release -p sensor -p enforcer-sdn -p system-tests --features system-tests/broker --bins
	@target/release/demo

# Everything that must hold before a change lands. The tests' closing line comes last.
test:
	@tests/packages.sh build demo test
	$(MAKE) --no-print-directory lint docs deny unit

# For the impatient: no wires, no captures.
quick:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-nextest >/dev/null; then $(CARGO) nextest run --locked --workspace --lib --bins; \
	else $(CARGO) test --locked --workspace --lib --bins; fi

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features system-tests/broker -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --quiet

# cargo-deny takes longer to build than everything here; the tidy test checks licences and sources too.
deny:
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed (cargo install --locked cargo-deny): licences and sources are left to the tidy test"; fi

unit:
	$(CARGO) build --locked --workspace --bins
	@if command -v cargo-nextest >/dev/null; then \
	  CORDON_BIN=$(CURDIR)/target/debug $(CARGO) nextest run --locked --workspace $(if $(CI),--profile ci); \
	else echo "cargo-nextest is not installed: cargo test instead, one test after the other"; \
	  CORDON_BIN=$(CURDIR)/target/debug $(CARGO) test --locked --workspace -- --test-threads=1; fi

# sensor replay beside other flow tools, on the same captures, in the same run; AF_XDP beside TPACKET_V3 on a wire; the policy compiler
# beside aerleon.
bench:
	@tests/packages.sh build bench
	$(CARGO) build --locked --release -p sensor -p enforcer-sdn -p system-tests --bins
	$(CARGO) build --locked --release -p sensor-capture --examples
	CORDON_BIN=$(CURDIR)/target/release $(CARGO) bench --locked -p system-tests --bench memory --bench input --bench replay --bench live --bench policy

# Each target for FUZZ_SECONDS; needs no nightly toolchain.
FUZZ_SECONDS ?= 60
fuzz:
	@tests/packages.sh build
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

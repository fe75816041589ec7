#!/usr/bin/env bash
# Builds every fuzz target on the stable toolchain and runs each for a while: run.sh [SECONDS] [TARGET...]. A finding is kept in
# `found/`; what it found on the way is kept in `corpus/` (not committed). `dialects:NAME` fuzzes the parser of that dialect alone,
# from the dialects' golden texts.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true

# The coverage and sanitizer flags are unstable names for stable machinery; RUSTC_BOOTSTRAP lets this one build use them.
export RUSTC_BOOTSTRAP=1
host=$(rustc -vV | sed -n 's/^host: //p')
flags="--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target} RUSTFLAGS=$flags cargo build --release --target "$host"

targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || mapfile -t targets < <(sed -n 's|^path = "targets/\(.*\)\.rs"|\1|p' Cargo.toml)
failed=0
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "found/$target"
  binary=${target%%:*}
  dialect=${target#"$binary"}
  seeds=()
  [[ -d seeds/$binary ]] && seeds=("seeds/$binary")
  [[ $binary != dialects ]] || seeds+=(../../enforcer-sdn/targets/tests/goldens)
  if env ${dialect:+CORDON_DIALECT="${dialect#:}"} "${CARGO_TARGET_DIR:-target}/$host/release/$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="found/$target/" "corpus/$target" "${seeds[@]}" 2>"found/$target.log"; then
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "found/$target.log") inputs in $seconds s, nothing found"
  else
    tail -n 25 "found/$target.log"
    echo "$target: see found/$target"
    failed=1
  fi
done
exit "$failed"

#!/usr/bin/env bash
# Builds one fuzz target with the stable compiler and lets it run:
#   scripts/fuzz.sh saml_response 60     for 60 seconds, from the committed corpus
# What is found is kept beside the build; an input that breaks something is printed, and belongs into the corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../fuzz"

readonly target=${1:?usage: scripts/fuzz.sh TARGET [SECONDS]} seconds=${2:-60}
[[ -d corpus/$target ]] || { echo "fuzz: no corpus for $target" >&2; exit 1; }
host=$(rustc --version --verbose | sed -n 's/^host: //p')

# The marks that libFuzzer follows; `--target` keeps them out of build scripts.
marks="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module"
for mark in level=4 inline-8bit-counters pc-table trace-compares; do
    marks+=" -Cllvm-args=-sanitizer-coverage-$mark"
done
RUSTFLAGS="$marks" cargo build --locked --release --target "$host" --bin "$target"

mkdir -p "target/found/$target"
exec "target/$host/release/$target" "target/found/$target" "corpus/$target" \
    -max_len=65536 -timeout=10 -max_total_time="$seconds" -artifact_prefix="target/found/"

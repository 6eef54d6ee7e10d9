#!/usr/bin/env bash
# Tests compare each generated file with what makes it, and the lock files are enforced by
# the commands that read them. What is left: a build or a test that rewrote a tracked file,
# and snapshots that wait for a decision.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

waiting=$(find . -path ./target -prune -o -name node_modules -prune -o \
    \( -name '*.snap.new' -o -name '*.pending-snap' \) -print)
if [[ -n "$waiting" ]]; then
    printf 'generated: these snapshots wait for a decision:\n%s\n' "$waiting" >&2
    exit 1
fi
# Elsewhere a changed file is somebody's work in progress.
if [[ "${CI:-}" == true ]] && ! git diff --stat --exit-code; then
    echo "generated: the checks changed the files above; commit what they should be" >&2
    exit 1
fi
echo "generated: every file is current" >&2

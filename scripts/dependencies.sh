#!/usr/bin/env bash
# What we depend on: licences, banned crates and sources always. Known vulnerabilities
# only where their database can be fetched, because a machine without a way to it must
# still be able to judge a change (docs/decisions/0016-advisories-offline.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo deny --locked check --hide-inclusion-graph licenses bans sources

if timeout 120 cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --locked check --disable-fetch advisories
else
    echo "dependencies: advisories NOT checked, their database cannot be reached from this machine" >&2
fi

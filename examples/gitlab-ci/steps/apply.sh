#!/usr/bin/env bash
# Makes the calls that are due; with DIGEST, only if the plan still is the approved one.
set -euo pipefail

# `=` and quotes: whatever was typed is this option's value, never an option or a second word.
exec reconcile apply --yes --state reconcile-state/prod.json ${DIGEST:+--approve="$DIGEST"}

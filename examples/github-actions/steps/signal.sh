#!/usr/bin/env bash
# Puts a signal into the inbox of the state. NAME and AT (may be empty) are what a sender wrote.
set -euo pipefail

# `=`, `--` and quotes: whatever that is, it is a value, never an option or a second word.
exec reconcile signal --state reconcile-state/prod.json ${AT:+--at="$AT"} -- "$NAME"

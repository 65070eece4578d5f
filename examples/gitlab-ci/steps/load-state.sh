#!/usr/bin/env bash
# Checks the branch that holds the state out into reconcile-state/.
#
# A missing branch is an error and not a beginning: with no state everything is due, and a branch
# deleted by mistake would make every call again.
set -euo pipefail

if ! git rev-parse --quiet --verify origin/reconcile-state >/dev/null; then
  echo "There is no branch reconcile-state. Create it once, as the README shows." >&2
  exit 1
fi
git worktree prune
git worktree add --quiet --force --detach reconcile-state origin/reconcile-state

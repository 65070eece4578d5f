#!/usr/bin/env bash
# Plans against BASE, for the job's summary and, in handed-over/, for the commenting workflow.
set -euo pipefail

mkdir -p handed-over
printf '%s\n' "$PULL_REQUEST" >handed-over/pull-request
code=0
reconcile plan --state reconcile-state/prod.json --against "$BASE" --format markdown \
  >handed-over/plan.md || code=$?
if [ -s handed-over/plan.md ]; then
  cat handed-over/plan.md >>"$GITHUB_STEP_SUMMARY"
else
  rm -r handed-over
fi
exit "$code"

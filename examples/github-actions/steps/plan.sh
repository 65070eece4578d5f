#!/usr/bin/env bash
# Plans against BASE, for the job's summary and, in handed-over/, for the commenting workflow.
#
# Fails where a merge would not do what it says: files with a mistake (1), or more calls due than
# [limits] lets an apply make (3). Both are told in the summary and the comment, as a plan is, and
# a mistake also beside its line: the tool annotates what it finds where GITHUB_ACTIONS is set.
set -euo pipefail

mkdir -p handed-over
printf '%s\n' "$PULL_REQUEST" >handed-over/pull-request
code=0
reconcile plan --state reconcile-state/prod.json --against "$BASE" --format markdown \
  --detailed-exitcode >handed-over/plan.md || code=$?
if [ ! -s handed-over/plan.md ]; then
  printf '<!-- reconcile-plan -->\n### There is no plan of this change\n\nThe log of its job says why.\n' \
    >handed-over/plan.md
fi
cat handed-over/plan.md >>"$GITHUB_STEP_SUMMARY"
if [ "$code" = 2 ]; then
  code=0 # something changes: that is what a plan is for
fi
exit "$code"

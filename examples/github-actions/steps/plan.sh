#!/usr/bin/env bash
# Plans against BASE, for the job's summary and, in handed-over/, for the commenting workflow.
#
# Fails where a merge would not do what it says: files with a mistake (1), or more calls due than
# [limits] lets an apply make (3). Both are told in the summary and the comment, as a plan is.
set -euo pipefail

mkdir -p handed-over
printf '%s\n' "$PULL_REQUEST" >handed-over/pull-request
mistakes=$(mktemp)
code=0
reconcile plan --state reconcile-state/prod.json --against "$BASE" --format markdown \
  --detailed-exitcode >handed-over/plan.md 2>"$mistakes" || code=$?
cat "$mistakes" >&2
if [ ! -s handed-over/plan.md ]; then
  {
    printf '<!-- reconcile-plan -->\n### There is no plan of this change\n\n~~~~~~~~text\n'
    # Without the lines that are for the runner, and nothing that could end the block.
    { grep -v '^::' "$mistakes" | head -c 20000 | iconv -f UTF-8 -t UTF-8 -c || true; } |
      sed 's/~~~/~ ~ ~/g'
    printf '~~~~~~~~\n'
  } >handed-over/plan.md
fi
cat handed-over/plan.md >>"$GITHUB_STEP_SUMMARY"
if [ "$code" = 2 ]; then
  code=0 # something changes: that is what a plan is for
fi
exit "$code"

#!/usr/bin/env bash
# Plans against the base of the merge request: in the job's log, as a page, and for its comment.
#
# Fails where a merge would not do what it says: files with a mistake (1), or more calls due than
# [limits] lets an apply make (3). All three tell of either.
set -euo pipefail

plan=(reconcile plan --state reconcile-state/prod.json --against "$CI_MERGE_REQUEST_DIFF_BASE_SHA")
code=0
"${plan[@]}" --format markdown --detailed-exitcode >plan.md || code=$?
case "$code" in
  0 | 2) code=0 ;; # something changes: that is what a plan is for
  3) ;;
  *)
    "${plan[@]}" --format html >plan.html 2>/dev/null || true # the log has said why
    [ -s plan.html ] || rm -f plan.html
    exit "$code"
    ;;
esac
"${plan[@]}"
"${plan[@]}" --format html >plan.html
exit "$code"

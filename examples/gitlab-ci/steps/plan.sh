#!/usr/bin/env bash
# Plans against the base of the merge request: in the job's log, and as a page.
#
# Fails where a merge would not do what it says: files with a mistake (1), which the log tells, or
# more calls due than [limits] lets an apply make (3), which log and page begin with.
set -euo pipefail

plan=(reconcile plan --state reconcile-state/prod.json --against "$CI_MERGE_REQUEST_DIFF_BASE_SHA")
code=0
"${plan[@]}" --detailed-exitcode || code=$?
case "$code" in
  0 | 2) code=0 ;; # something changes: that is what a plan is for
  3) ;;
  *) exit "$code" ;;
esac
"${plan[@]}" --format html >plan.html
exit "$code"

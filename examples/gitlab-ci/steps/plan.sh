#!/usr/bin/env bash
# Plans against the base of the merge request: in the job's log, and as a page.
set -euo pipefail

plan=(reconcile plan --state reconcile-state/prod.json --against "$CI_MERGE_REQUEST_DIFF_BASE_SHA")
"${plan[@]}" --format html >plan.html
exec "${plan[@]}"

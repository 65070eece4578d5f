#!/usr/bin/env bash
# Commits the state with its journal and history, and pushes them: a compare-and-swap.
#
# The push is never forced, so it is refused if another run has pushed since this one loaded.
# STATE_TOKEN (may be empty) reaches git by the environment, never by an argument or a file.
set -euo pipefail
cd reconcile-state

# All of the state's family but what means something on this machine only.
git add --all -- . ':(exclude)*.lock' ':(exclude)*.prev' ':(exclude)*.reserve' \
  ':(exclude)*.observed' ':(exclude)*.tmp-*'
if git diff --cached --quiet; then
  echo "The state is unchanged."
  exit 0
fi
git -c user.name=reconcile -c user.email=reconcile@localhost commit --quiet -m "Record what was applied"

export GIT_TERMINAL_PROMPT=0
# shellcheck disable=SC2016  # git's own shell expands it
answer='!f() { test "$1" = get && echo username=x-access-token && echo "password=$STATE_TOKEN"; }; f'
for pause_s in ${PUSH_PAUSES_S-2 10 30} last; do
  if git -c credential.helper= -c credential.helper="$answer" \
    push --quiet "${STATE_REMOTE:-origin}" HEAD:refs/heads/reconcile-state; then
    exit 0
  fi
  [ "$pause_s" = last ] || sleep "$pause_s"
done
echo "The state was not saved: what was sent is recorded in reconcile-state/ of this run only." >&2
exit 1

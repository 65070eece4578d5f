#!/usr/bin/env bash
# Commits the state with its journal and history, and pushes them: a compare-and-swap.
#
# The push is never forced, so it is refused if another run has pushed since this one loaded. Where
# that was nothing but signals, theirs is the inbox to keep: what this run took from it is in its own
# journal. Given a command (what a run of a signal has done), that is done again on what was pushed.
# STATE_TOKEN (may be empty) reaches git by the environment, never by an argument or a file.
set -euo pipefail
cd reconcile-state
loaded=$(git rev-parse HEAD)
remote=${STATE_REMOTE:-origin}

# Takes all of the state's family but what means something on this machine only.
commit() {
  git add --all -- . ':(exclude)*.lock' ':(exclude)*.prev' ':(exclude)*.reserve' \
    ':(exclude)*.observed' ':(exclude)*.tmp-*'
  git diff --cached --quiet ||
    git -c user.name=reconcile -c user.email=reconcile@localhost commit --quiet -m "Record what was applied"
}

export GIT_TERMINAL_PROMPT=0
# shellcheck disable=SC2016  # git's own shell expands it
answer='!f() { test "$1" = get && echo username=x-access-token && echo "password=$STATE_TOKEN"; }; f'
remotely() { git -c credential.helper= -c credential.helper="$answer" "$@"; }

commit
if [ "$(git rev-parse HEAD)" = "$loaded" ]; then
  echo "The state is unchanged."
  exit 0
fi
for pause_s in ${PUSH_PAUSES_S-2 10 30} last; do
  if remotely push --quiet "$remote" HEAD:refs/heads/reconcile-state; then exit 0; fi
  if [ "$pause_s" = last ]; then break; fi
  sleep "$pause_s"
  remotely fetch --quiet "$remote" reconcile-state || continue
  if [ $# -gt 0 ]; then
    git reset --quiet --hard FETCH_HEAD
    (cd .. && "$@")
    commit
  elif ! git diff --quiet "$loaded" FETCH_HEAD &&
    git diff --quiet "$loaded" FETCH_HEAD -- . ':(exclude)*.inbox'; then
    git reset --quiet --soft FETCH_HEAD
    git checkout --quiet FETCH_HEAD -- '*.inbox'
    commit
    loaded=$(git rev-parse FETCH_HEAD)
  fi
done
echo "The state was not saved: what was sent is recorded in reconcile-state/ of this run only." >&2
exit 1

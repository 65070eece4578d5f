"""Who made an apply, where, and from which commit or CI run: what the surroundings tell."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.journal import Began, Numbered
from reconcile.state.backend import open_session
from reconcile.state.journal import KEPT_LINES, decode_line, encode_line, with_history
from reconcile.state.mend import beginning, history
from reconcile.state.origin import LONGEST, RunOrigin, checked_out, origin_here, origin_in
from tests.state.acts import NOON, SALES, entry, intent, open_at, refused

SHA = "0123456789abcdef0123456789abcdef01234567"
HERE = RunOrigin(who="ada", machine="laptop", commit=SHA)
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_SHA": SHA[::-1],
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/data",
    "GITHUB_RUN_ID": "42",
    "RUNNER_NAME": "runner 7",
}
GITLAB = {
    "GITLAB_CI": "true",
    "GITLAB_USER_LOGIN": "grace",
    "CI_COMMIT_SHA": SHA[::-1],
    "CI_JOB_URL": "https://user:secret@gitlab.example/acme/-/jobs/7?token=secret#secret",
}
AIRFLOW = {"AIRFLOW_CTX_DAG_ID": "load", "AIRFLOW_CTX_DAG_RUN_ID": "scheduled__2026"}
RUN = "airflow run load scheduled__2026"
POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "worker-0", "POD_NAME": "worker-abc"}


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        ({}, HERE),
        (
            GITHUB,
            RunOrigin(
                who="octocat",
                machine="runner 7",
                commit=SHA[::-1],
                run="https://github.com/acme/data/actions/runs/42",
            ),
        ),
        (
            GITLAB,
            RunOrigin(
                who="grace",
                machine="laptop",
                commit=SHA[::-1],
                run="https://gitlab.example/acme/-/jobs/7",
            ),
        ),
        (POD, RunOrigin(who="ada", machine="worker-abc", commit=SHA)),
        (POD | AIRFLOW, RunOrigin(who="ada", machine="worker-abc", commit=SHA, run=RUN)),
        ({"GITHUB_ACTOR": "not in a run"}, HERE),
    ],
    ids=["a person", "GitHub", "GitLab", "Kubernetes", "Airflow", "leftovers"],
)
def test_each_surrounding_tells_what_it_knows(environ: dict[str, str], origin: RunOrigin) -> None:
    assert origin_in(environ, HERE) == origin


@given(st.text(max_size=900), st.sampled_from(sorted({*GITHUB, *GITLAB, *POD, *AIRFLOW})))
def test_what_others_wrote_is_short_and_steers_no_terminal(text: str, name: str) -> None:
    for known in (GITHUB, GITLAB, POD, AIRFLOW):
        found = origin_in(known | {name: text}, HERE)
        for fact in (found.who, found.machine, found.commit, found.run):
            assert fact is None or (len(fact) <= LONGEST and fact.isprintable())
            assert fact is None or "secret" not in fact


@pytest.mark.parametrize("packed", [False, True])
def test_the_commit_is_read_from_the_checkout_without_running_git(
    tmp_path: Path,
    packed: bool,  # noqa: FBT001 (a parameter)
) -> None:
    def git(*arguments: str, folder: Path = tmp_path) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        ran = subprocess.run(
            ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()

    git("init", "-q", "-b", "topic/one")
    git("commit", "-q", "--allow-empty", "-m", "one")
    if packed:
        git("pack-refs", "--all")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert checked_out(deep / "reconcile.toml") == git("rev-parse", "HEAD")
    git("worktree", "add", "-q", "--detach", str(tmp_path / "other"))
    assert checked_out(tmp_path / "other") == git("rev-parse", "HEAD")


def test_a_broken_checkout_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for head in ("", "ref: ../../secret", "ref: /etc/passwd", "ref: refs/heads/none", "x" * 40):
        (tmp_path / ".git" / "HEAD").write_text(head)
        assert checked_out(tmp_path) is None


def test_an_apply_begins_with_who_made_it_and_only_if_it_writes(state: Path) -> None:
    def opened(number: int) -> None:
        with open_session(
            str(state), command="reconcile apply", lock_timeout_s=0, now=NOON, origin=HERE
        ) as session:
            for place in range(number):
                session.append(intent(place))

    for number in (0, 2, 1):
        opened(number)
    began = Began(at=NOON, command="reconcile apply", who="ada", machine="laptop", commit=SHA)
    entries = [one.entry for one in history(str(state))]
    assert entries == [began, intent(0), intent(1), began, intent(0)]
    assert [one.sequence for one in history(str(state), SALES)] == [1, 2, 3, 4, 5]


def test_a_history_that_is_cut_keeps_how_its_oldest_run_began(state: Path) -> None:
    def lines(first: int, last: int) -> bytes:
        began = Began(at=NOON, command="reconcile apply")
        entries = [began, *(entry(sequence) for sequence in range(first + 1, last + 1))]
        numbered = (Numbered(first + place, one) for place, one in enumerate(entries))
        return b"".join(encode_line(one, "one", 0) for one in numbered)

    past = with_history(b"", lines(1, KEPT_LINES + 5)) or b""
    longer = with_history(past, lines(KEPT_LINES + 6, KEPT_LINES + 9)) or b""
    kept = [decode_line(raw) for raw in longer.splitlines()]
    assert [line.numbered.sequence for line in kept[:2]] == [1, 10]
    assert isinstance(kept[0].numbered.entry, Began)
    with refused("nothing-to-restore"):
        beginning(state, kept)


def test_a_session_without_an_origin_writes_no_beginning(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    assert [one.entry for one in history(str(state))] == [entry(1)]


def test_here_is_this_user_and_this_machine(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in (*GITHUB, *GITLAB, *POD):
            patch.delenv(name, raising=False)
        here = origin_here([str(tmp_path / "reconcile.toml")])
    assert here.machine == os.uname().nodename
    assert here.who

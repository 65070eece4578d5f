"""The commenting step takes what it is handed as a stranger's data."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.forge import HEAD, ROOT, Forge, serving
from tests.examples.reading import ACTIONS, environment

MARKER = "<!-- reconcile-plan 0123456789ab -->"
PLAN = f"{MARKER}\n### 2 calls are due\n"
BOT = {"login": "github-actions[bot]"}


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serving(Forge()) as served:
        yield served


def comment(forge: Forge, folder: Path, **files: bytes) -> str:
    """Hand the files over, run the step, and return what it complained of."""
    given = {"plan.md": PLAN.encode(), "pull-request": b"7\n"} | files
    for name, content in given.items():
        if not (folder / name).is_symlink():
            (folder / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, str(ACTIONS / "steps" / "comment.py")],
        env={"GITHUB_TOKEN": "a-token"}
        | environment(
            GITHUB_API_URL=forge.base_url,
            GITHUB_REPOSITORY="acme/models",
            HANDED_OVER=str(folder),
            HEAD_REPOSITORY="stranger/models",
            HEAD_SHA=HEAD,
            RUN_URL="https://github.example/run/1",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_plan_becomes_a_comment_that_says_whose_word_it_is(forge: Forge, tmp_path: Path) -> None:
    assert comment(forge, tmp_path) == ""
    ((method, path, body),) = forge.written
    assert (method, path) == ("POST", f"{ROOT}/issues/7/comments")
    assert body["body"] == (
        f"{MARKER}\nPlan of {HEAD}, as [its own run](https://github.example/run/1) made it.\n\n"
        "### 2 calls are due\n"
    )


def test_an_earlier_comment_is_replaced_on_whichever_page_it_is(
    forge: Forge, tmp_path: Path
) -> None:
    others: list[dict[str, Any]] = [
        {"id": n, "user": {"login": "a"}, "body": ""} for n in range(150)
    ]
    forge.comments = [*others, {"id": 9000, "user": BOT, "body": PLAN}]
    assert comment(forge, tmp_path) == ""
    assert [(method, path) for method, path, _ in forge.written] == [
        ("PATCH", f"{ROOT}/issues/comments/9000")
    ]


NO_PLAN = "<!-- reconcile-plan -->\n### This change breaks the configuration: ...\n"


@pytest.mark.parametrize(
    ("there", "handed_over"), [(PLAN, NO_PLAN), (NO_PLAN, PLAN), (NO_PLAN, NO_PLAN)]
)
def test_a_mistake_replaces_a_plan_and_a_plan_a_mistake(
    forge: Forge, tmp_path: Path, there: str, handed_over: str
) -> None:
    forge.comments = [{"id": 5, "user": BOT, "body": there}]
    assert comment(forge, tmp_path, **{"plan.md": handed_over.encode()}) == ""
    ((method, path, body),) = forge.written
    assert (method, path) == ("PATCH", f"{ROOT}/issues/comments/5")
    assert handed_over.partition("\n")[2] in body["body"]


def test_a_plan_of_another_instance_is_left_alone(forge: Forge, tmp_path: Path) -> None:
    other = PLAN.replace("0123456789ab", "ba9876543210")
    forge.comments = [{"id": 5, "user": BOT, "body": other}]
    comment(forge, tmp_path)
    assert [method for method, _, _ in forge.written] == ["POST"]


def test_a_comment_of_somebody_else_is_left_alone(forge: Forge, tmp_path: Path) -> None:
    forge.comments = [{"id": 1, "user": {"login": "stranger"}, "body": PLAN}]
    comment(forge, tmp_path)
    assert [method for method, _, _ in forge.written] == ["POST"]


@pytest.mark.fault("Z12")
def test_a_body_is_posted_as_data_whatever_it_holds(forge: Forge, tmp_path: Path) -> None:
    hostile = '`$(id)` ${{ github.token }} "}\n::set-output name=x::y\n</details>\n'
    comment(forge, tmp_path, **{"plan.md": (PLAN + hostile).encode()})
    assert forge.written[0][2]["body"].endswith(hostile)


@pytest.mark.fault("Z30")
@pytest.mark.parametrize(
    "handed_over",
    [
        {"pull-request": b"8"},
        {"pull-request": b"7/../8"},
        {"pull-request": b"7\n8"},
        {"pull-request": b"\xd9\xa7"},
        {"pull-request": b"0007"},
        {"plan.md": b""},
        {"plan.md": b"### No marker\n"},
        {"plan.md": PLAN.encode() + b"\xff"},
        {"plan.md": PLAN.encode() + b"x" * 65_000},
        {"plan.md": PLAN.encode() + b"x" * 300_000},
    ],
    ids=repr,
)
def test_what_is_not_a_plan_is_refused(
    forge: Forge, tmp_path: Path, handed_over: dict[str, bytes]
) -> None:
    assert comment(forge, tmp_path, **handed_over)
    assert forge.written == []


@pytest.mark.fault("Z30")
@pytest.mark.parametrize(
    "head",
    [
        {"sha": "b" * 40, "repo": {"full_name": "stranger/models"}},
        {"sha": HEAD, "repo": {"full_name": "acme/models"}},
        {"sha": HEAD, "repo": None},
    ],
    ids=["another commit", "another repository", "a fork that is gone"],
)
def test_a_number_is_believed_only_if_its_head_is_the_planned_commit(
    forge: Forge, tmp_path: Path, head: dict[str, Any]
) -> None:
    forge.head = head
    assert "is not at the planned commit" in comment(forge, tmp_path)
    assert forge.written == []


def test_a_link_is_not_followed(forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(PLAN)
    (tmp_path / "handed-over").mkdir()
    (tmp_path / "handed-over" / "plan.md").symlink_to(tmp_path / "elsewhere")
    assert "not a regular file" in comment(forge, tmp_path / "handed-over")

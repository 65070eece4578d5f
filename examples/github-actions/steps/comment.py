#!/usr/bin/env python3
"""Put a plan that another run handed over into one comment of its pull request.

What is handed over may be a stranger's: two files of fixed names, read up to a bound, and used
as data only. The pull request's number is believed only if GitHub says that its head is the very
commit the other run was started for. Needs nothing but Python.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

COMMENT_CHARACTERS = 65_000  # GitHub refuses more than 65,536; the rest is for the line added here
PLAN_BYTES = 4 * COMMENT_CHARACTERS
PAGES = 20
PAGE_SIZE = 100  # the most GitHub gives
AUTHOR = "github-actions[bot]"
NO_PLAN = "<!-- reconcile-plan -->"  # of files with a mistake, which may not say whose plan it is
MARKER = re.compile(r"<!-- reconcile-plan( [0-9a-f]{12})? -->")
NUMBER = re.compile(r"[1-9][0-9]{0,8}\n?")
API = os.environ["GITHUB_API_URL"]
REPOSITORY = os.environ["GITHUB_REPOSITORY"]


def load(name: str, limit: int) -> str:
    """Read a file of the artifact; one that is a link, too long or not UTF-8 ends the run."""
    path = Path(os.environ["HANDED_OVER"]) / name
    if path.is_symlink() or not path.is_file():
        sys.exit(f"{name}: not a regular file")
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        sys.exit(f"{name}: more than {limit} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        sys.exit(f"{name}: not UTF-8")


def send(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """Call GitHub's API; any answer but success ends the run."""
    origin = urlsplit(API)
    connect = HTTPConnection if origin.scheme == "http" else HTTPSConnection
    connection = connect(origin.netloc, timeout=30)
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        "User-Agent": "reconcile-comment",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    try:
        connection.request(method, origin.path + path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status not in {200, 201}:
        sys.exit(f"{method} {path}: {answer.status} {answer.reason}")
    return json.loads(content)


def pull_request() -> int:
    """Read the number that was handed over, and have GitHub confirm it."""
    handed_over = load("pull-request", 10)
    if not NUMBER.fullmatch(handed_over):
        sys.exit("pull-request: not a number")
    number = int(handed_over)
    head = send("GET", f"/repos/{REPOSITORY}/pulls/{number}")["head"]
    source = (head["repo"] or {}).get("full_name")  # none: the fork is gone
    if (head["sha"], source) != (os.environ["HEAD_SHA"], os.environ["HEAD_REPOSITORY"]):
        sys.exit(f"#{number} is not at the planned commit: an older run, or a false number")
    return number


def comments(number: int) -> Iterator[dict[str, Any]]:
    """Fetch the comments of a pull request, oldest first."""
    for page in range(1, PAGES + 1):
        asked = f"per_page={PAGE_SIZE}&page={page}"
        batch = send("GET", f"/repos/{REPOSITORY}/issues/{number}/comments?{asked}")
        yield from batch
        if len(batch) < PAGE_SIZE:
            return


def is_earlier(body: str, marker: str) -> bool:
    """Tell whether a comment is an earlier version of the one that begins with a marker."""
    known = body.partition("\n")[0].rstrip("\r")
    return known == marker or (MARKER.fullmatch(known) is not None and NO_PLAN in (known, marker))


def main() -> None:
    """Replace this workflow's earlier comment on the same instance, or add one.

    Files with a mistake replace any earlier plan, and are replaced by the next.
    """
    plan = load("plan.md", PLAN_BYTES)
    marker, _, rest = plan.partition("\n")
    if not MARKER.fullmatch(marker) or len(plan) > COMMENT_CHARACTERS:
        sys.exit("plan.md: not a plan, or too long for a comment")
    number = pull_request()
    origin = f"Plan of {os.environ['HEAD_SHA']}, as [its own run]({os.environ['RUN_URL']}) made it."
    body = {"body": f"{marker}\n{origin}\n\n{rest}"}
    for comment in comments(number):
        if comment["user"]["login"] == AUTHOR and is_earlier(comment["body"], marker):
            send("PATCH", f"/repos/{REPOSITORY}/issues/comments/{comment['id']}", body)
            return
    send("POST", f"/repos/{REPOSITORY}/issues/{number}/comments", body)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Put the plan, or why there is none, into one comment of the merge request.

Replaces the comment of the commit before. Does nothing without COMMENT_TOKEN, or where nothing was
planned. Needs nothing but Python.
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

PAGES = 20
PAGE_SIZE = 100  # the most GitLab gives
NO_PLAN = "<!-- reconcile-plan -->"  # of files with a mistake, which may not say whose plan it is
MARKER = re.compile(r"<!-- reconcile-plan( [0-9a-f]{12})? -->")


def send(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """Call GitLab's API; any answer but success ends the run."""
    api = urlsplit(os.environ["CI_API_V4_URL"])
    connect = HTTPConnection if api.scheme == "http" else HTTPSConnection
    connection = connect(api.netloc, timeout=30)
    headers = {
        "Content-Type": "application/json",
        "PRIVATE-TOKEN": os.environ["COMMENT_TOKEN"],
        "User-Agent": "reconcile-comment",
    }
    try:
        connection.request(method, api.path + path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status not in {200, 201}:
        sys.exit(f"{method} {path}: {answer.status} {answer.reason}")
    return json.loads(content)


def notes(path: str) -> Iterator[dict[str, Any]]:
    """Fetch the comments of the merge request, oldest first."""
    for page in range(1, PAGES + 1):
        batch = send("GET", f"{path}?sort=asc&per_page={PAGE_SIZE}&page={page}")
        yield from batch
        if len(batch) < PAGE_SIZE:
            return


def is_earlier(body: str, marker: str) -> bool:
    """Tell whether a comment is an earlier version of the one that begins with a marker."""
    known = body.partition("\n")[0].rstrip("\r")
    return known == marker or (MARKER.fullmatch(known) is not None and NO_PLAN in (known, marker))


def main() -> None:
    """Replace the token's own earlier comment on the same instance, or add one.

    Files with a mistake replace any earlier plan, and are replaced by the next.
    """
    plan = Path("plan.md")
    if not os.environ.get("COMMENT_TOKEN") or not plan.is_file() or not plan.stat().st_size:
        return
    marker, _, rest = plan.read_text(encoding="utf-8").partition("\n")
    sha, job = os.environ["CI_COMMIT_SHA"], os.environ["CI_JOB_URL"]
    body = {"body": f"{marker}\nPlan of {sha}, as [its job]({job}) made it.\n\n{rest}"}
    project, request = os.environ["CI_PROJECT_ID"], os.environ["CI_MERGE_REQUEST_IID"]
    path = f"/projects/{project}/merge_requests/{request}/notes"
    author = send("GET", "/user")["id"]
    for note in notes(path):
        if note["author"]["id"] == author and is_earlier(note["body"], marker):
            send("PUT", f"{path}/{note['id']}", body)
            return
    send("POST", path, body)


if __name__ == "__main__":
    main()

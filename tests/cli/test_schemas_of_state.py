"""What `show` and `state` print as JSON, run as a process, against the published schemas."""

import json
from typing import Any

import pytest

from reconcile.cli.explain import schema
from reconcile.model.address import Address, refresh_address, reset_address, schedule_address
from reconcile.model.recorded import Coverage, Failure, Pending, Record, Recorded
from reconcile.state.codec import encode_state
from tests.cli.test_native_schedules import HEAD, NIGHTLY
from tests.planning.making import NOON
from tests.render.breaking import unnoticed
from tests.render.schemas import closed_validator, validator
from tests.render.test_items import FULL
from tests.stage import Stage, Staging, models
from tests.state.test_published import SCHEDULE

SALES, OPS = refresh_address("sales"), refresh_address("ops")
DAILY = reset_address("sales", "daily_cache_policy")
CLOSE = reset_address("finance", "close")
GONE = refresh_address("gone")
NIGHT = schedule_address("warehouse", "nightly")
EVERY_KIND = Recorded(
    lineage="c0ffee",
    serial=7,
    host="https://myorg.omniapp.co",
    items={
        SALES: FULL,
        OPS: Record(
            since=NOON, pending=Pending("op", "refresh", NOON, Coverage(OPS), accepted=False)
        ),
        DAILY: Record(failures=5, last_failure=Failure(NOON, "quota"), missed_slot=NOON),
        CLOSE: Record(stamp=NOON, last_success=NOON, completed_at=NOON, durations_s=(1.5,)),
        GONE: Record(declared={"identity": {}}),
    },
    schedules={NIGHT: SCHEDULE},
)
LOOKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("show", ("show",)),
    ("state-list", ("state", "list")),
    *(("state-show", ("state", "show", address)) for address in (*EVERY_KIND.items, NIGHT)),
    ("state-history", ("state", "history")),
    ("state", ("state", "pull")),
)
DAY = 'refresh = { every = "6h" }\n[models.a.cache.daily]\nat = "00:00"\n'
RUN = f"[limits]\ncalls = 1\n{HEAD}{NIGHTLY}{models(['a'], DAY)}"


def checked(stage: Stage, name: str, *command: str) -> Any:
    ended = stage.run(*command, "--format", "json")
    assert ended.code == 0, ended.err
    published = closed_validator(schema("state")) if name == "state" else validator(name)
    assert unnoticed(published, ended.json()) == []
    return ended.json()


@pytest.mark.parametrize(("name", "command"), LOOKS, ids=[" ".join(look) for _, look in LOOKS])
def test_every_kind_of_record_is_as_published(
    quickstart: Stage, name: str, command: tuple[str, ...]
) -> None:
    (quickstart.folder / "state.json").write_bytes(encode_state(EVERY_KIND))
    checked(quickstart, name, *command, "--state", "state.json")


@pytest.mark.parametrize("name", ["show", "state-list", "state-history"])
def test_without_a_state_the_documents_are_the_same(quickstart: Stage, name: str) -> None:
    checked(quickstart, name, *name.split("-"), "--state", "none.json")


@pytest.mark.parametrize("faults", ["", "refresh:fail", "reset:422", "reset:lost", "reset:403"])
def test_what_an_apply_leaves_is_as_published(staged: Staging, faults: str) -> None:
    stage = staged(RUN, faults=faults)
    stage.run("apply", "--yes", "--allow", "calls=9")
    for name in ("show", "state-list", "state-history", "state"):
        command = ("state", "pull") if name == "state" else tuple(name.split("-"))
        checked(stage, name, *command)
    for address in stage_addresses(stage):
        checked(stage, "state-show", "state", "show", address)


def test_what_a_person_did_is_as_published(staged: Staging) -> None:
    stage = staged(RUN, faults="schedule_create:drop")
    stage.run("apply", "--yes", "--allow", "calls=9")
    for command in (
        ("mark", "models.a.refresh", "--due"),
        ("mark", "models.a.refresh", "--done"),
        ("mv", "models.a.refresh", "models.b.refresh"),
        ("rm", "models.b.refresh"),
    ):
        assert stage.run("state", *command).code == 0
    words = {one["entry"] for one in checked(stage, "state-history", "state", "history")["entries"]}
    assert {"waived", "schedule_intent", "marked", "renamed", "forgotten"} <= words
    checked(stage, "state-show", "state", "show", NIGHT)


def test_every_verb_of_a_state_says_in_json_what_it_did(staged: Staging) -> None:
    stage = staged(RUN)
    stage.run("apply", "--yes", "--allow", "calls=9")
    stage.write(stage.run("state", "pull").out, "kept")
    for command in (
        ("verify",),
        ("check",),
        ("unlock", "none"),
        ("mark", "models.a.refresh", "--due"),
        ("rm", "models.a", "--dry-run"),
        ("mv", "models.a", "models.b"),
        ("rm", "models.b"),
        ("push", "--force", "kept"),
        ("migrate", "kept", "other.json"),
    ):
        assert checked(stage, "state-said", "state", *command)["said"]
    (stage.folder / "reconcile.state.json").write_bytes(b"")
    assert checked(stage, "state-said", "state", "restore")["said"]


def stage_addresses(stage: Stage) -> list[Address]:
    listed = json.loads(stage.run("state", "list", "--format", "json").out)
    return [one["address"] for one in (*listed["items"], *listed["schedules"])]

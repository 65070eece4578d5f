"""`discover` as a user meets it: what an instance has, whatever it is called."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconcile.clock import wall_clock
from reconcile.sandbox.command import running
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.instance import (
    ModelKind,
    Role,
    SeedBranch,
    SeedConnection,
    SeedModel,
    SeedSchedule,
    Settings,
    Token,
    seeds_in,
)
from tests.canary import CANARY, canary_tokens
from tests.logged_world import LoggedWorld
from tests.render.schemas import validating
from tests.stage import OPS, SALES, Stage

LAKE = "9d3f2b1c-0d44-4b50-8888-8dd25736052a"
BRANCH = "16fd2706-8baf-433b-82eb-8c7fada847da"
HOSTILE = "a\x1b[31m\u202e\n::error::b"
SEEDS = (
    SeedConnection(name="lake", id=LAKE, dialect="bigquery", database="raw"),
    SeedModel("Sales", SALES, "lake", ("daily", HOSTILE), branches=(SeedBranch(BRANCH, "dev"),)),
    SeedModel(HOSTILE, OPS, "lake"),
    SeedModel("Notes", OPS.replace("7", "8"), "lake", kind=ModelKind.WORKBOOK),
    SeedModel("Old", OPS.replace("7", "9"), "lake", deleted_at=datetime(2026, 1, 1, tzinfo=UTC)),
    SeedSchedule(connection="lake", cron="00 09 ? * MON-FRI *", zone="Europe/Berlin", hard=True),
)
Serving = Callable[..., Stage]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """Serve an instance; there is no file."""
    with ExitStack() as stack:

        def make(role: Role = Role.CONNECTION_ADMIN, *, faults: str = "") -> Stage:
            tokens = {bearer: Token("canary", role) for bearer in canary_tokens()}
            settings = Settings(requests_per_minute=600)
            world = LoggedWorld(
                SEEDS, settings=settings, faults=parse_faults(faults), tokens=tokens
            )
            base_url = stack.enter_context(running(world, clock=wall_clock))
            return Stage(tmp_path, base_url, world)

        yield make


def test_everything_that_can_be_declared_is_listed(serving: Serving) -> None:
    done = serving().run("discover", NO_COLOR="1")
    assert (done.code, done.err) == (0, "")
    told = " ".join(done.out.split())
    for words in (
        f"lake bigquery, raw {LAKE}",
        f"Sales {SALES}",
        "policies a\\x1b[31m\\u202e\\n::error::b, daily",
        "branches dev",
        "schedule 0 9 ? * MON-FRI * Europe/Berlin, hard, next",
    ):
        assert words in told
    assert "Notes" not in done.out
    assert "Old" not in done.out


def test_no_line_is_wider_than_the_terminal_but_for_what_must_be_copied(serving: Serving) -> None:
    done = serving().run("discover", "Sales", NO_COLOR="1")
    assert max(map(len, done.out.splitlines())) <= 100


def test_hostile_names_neither_move_the_cursor_nor_command_a_runner(serving: Serving) -> None:
    done = serving().run("discover", GITHUB_ACTIONS="true")
    assert not {"\x1b", "\u202e"} & set(done.out)
    assert not any(line.lstrip().startswith("::") for line in done.out.splitlines())


def test_json_has_everything_and_null_for_what_was_not_asked(serving: Serving) -> None:
    stage = serving()
    document = stage.run("discover", "--format", "json").json()
    validating("discover")(document)
    assert (document["format_version"], document["host"]) == (1, stage.base_url)
    [lake] = document["connections"]
    assert (lake["id"], lake["name"], lake["dialect"]) == (LAKE, "lake", "bigquery")
    [schedule] = lake["schedules"]
    assert (schedule["cron"], schedule["hard"]) == ("0 9 ? * MON-FRI *", True)
    models = {model["name"]: model for model in lake["models"]}
    assert models["Sales"]["policies"] == [HOSTILE, "daily"]
    assert models[HOSTILE]["policies"] == []
    assert document["requests"] == len(stage.world.log) == 5
    brief = stage.run("discover", "--brief", "--format", "json").json()
    validating("discover")(brief)
    assert brief["connections"][0]["schedules"] is None
    assert brief["requests"] == 2


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("S*",), {"Sales"}),
        ((SALES.upper(),), {"Sales"}),
        (("--kind", "WORKBOOK"), {"Notes"}),
        (("--kind", "all", "--deleted", "Old", "Notes"), {"Old", "Notes"}),
        (("--connection", "la*"), {"Sales", HOSTILE}),
    ],
)
def test_models_are_chosen_by_name_id_kind_and_connection(
    serving: Serving, arguments: tuple[str, ...], names: set[str]
) -> None:
    document = serving().run("discover", "--brief", "--format", "json", *arguments).json()
    found = {model["name"] for place in document["connections"] for model in place["models"]}
    assert found == names


def test_what_the_token_may_not_see_is_said_and_the_rest_is_listed(serving: Serving) -> None:
    done = serving(Role.VIEWER).run("discover")
    assert done.code == 0
    assert "Sales" in done.out
    assert "schedules not seen" in " ".join(done.out.split())
    assert done.err.count("warning[live-part-unseen]") == 2
    assert "admin role required" in done.err


@pytest.mark.parametrize(
    ("faults", "code"),
    [("models:403", "live-refused"), ("models:404", "live-unreadable")],
)
def test_without_the_models_nothing_is_listed(serving: Serving, faults: str, code: str) -> None:
    done = serving(faults=faults).run("discover")
    assert (done.code, done.out) == (1, "")
    assert code in done.err
    assert "Traceback" not in done.err


def test_without_a_credential_nothing_is_asked(serving: Serving) -> None:
    stage = serving()
    done = stage.run("discover", OMNI_API_KEY="")
    assert done.code == 1
    assert not stage.world.log


def test_the_file_may_say_which_instance_it_is_about(serving: Serving) -> None:
    stage = serving()
    stage.write('[omni]\nbase_url = "https://elsewhere.omniapp.co"\n[state]\nurl = "s.json"\n')
    done = stage.run("discover")
    assert done.code == 1
    assert "elsewhere.omniapp.co" in done.err
    assert not stage.world.log
    assert CANARY not in done.err


def test_an_instance_can_be_served_from_its_listing(serving: Serving, tmp_path: Path) -> None:
    listing = serving().run("discover", "--format", "json").json()
    seeds = seeds_in(json.dumps(listing), "instance.json")
    choices = Settings(requests_per_minute=600)
    copy = LoggedWorld(seeds, settings=choices, tokens=canary_tokens())
    with running(copy, clock=wall_clock) as base_url:
        again = Stage(tmp_path, base_url, copy).run("discover", "--format", "json").json()
    assert again["connections"] == listing["connections"]


def test_a_listing_that_is_none_is_refused_before_anything_is_served(serving: Serving) -> None:
    stage = serving()
    stage.write('{"format_version": 1, "connections": [{"id": "lake"}]}', "instance.json")
    done = stage.run("sandbox", "--instance", "instance.json", "--port", "0")
    assert done.code == 1
    assert "instance-file-invalid" in done.err
    assert "connections[0], id" in done.err
    os.mkfifo(stage.folder / "pipe")
    for name in ("none.json", "pipe"):
        assert "instance-file-unreadable" in stage.run("sandbox", "--instance", name).err


# G5
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sales",), 'No model of the instance matches "sales"; did you mean "Sales"?'),
        (("Sales", "Nomatch*"), 'No model of the instance matches "Nomatch*".'),
        (("Old",), 'matches "Old", but 1 of another kind or connection, or deleted, does.'),
        (("--connection", "lak"), 'No connection of the instance matches "lak"; did you mean'),
        (("--kind", "WORKBOKO"), 'No kind of model of the instance matches "WORKBOKO"; did you'),
    ],
)
def test_what_matches_nothing_is_an_error_that_names_what_is_near(
    serving: Serving, arguments: tuple[str, ...], told: str
) -> None:
    done = serving().run("discover", *arguments)
    assert (done.code, done.out) == (1, "")
    assert "error[no-match]" in done.err
    assert told in " ".join(done.err.split())

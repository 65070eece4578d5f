"""`signal` says that something happened, and the next apply acts on it."""

import fcntl
import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from reconcile.model.recorded import Signal
from reconcile.sandbox.instance import Operation
from reconcile.state.backend import backend
from reconcile.state.inbox import Unheeded
from reconcile.terminal.console import PIPED_WIDTH
from tests.stage import SALES, Stage, Staging

FILE = f"""
[models.sales]
id = "{SALES}"
[models.sales.refresh]
on_signal = "warehouse-load"
[models.sales.cache.daily_cache_policy]
on_signal = {{ all = ["warehouse-load", "dbt"] }}
after = "models.sales.refresh"
"""


@pytest.fixture
def stage(staged: Staging) -> Stage:
    return staged(FILE)


def minutes_ago(number: float) -> str:
    return f"{datetime.now(UTC) - timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"


def test_a_signal_makes_its_items_due_and_the_reset_is_stamped_with_it(stage: Stage) -> None:
    load, dbt = minutes_ago(9), minutes_ago(5)
    assert stage.run("signal", "warehouse-load", "--at", load).code == 0
    assert stage.run("signal", "dbt", "--at", dbt, "--note", "run 41").code == 0
    assert stage.run("apply", "--yes").code == 0
    assert [json.loads(call.call.body) for call in stage.calls(Operation.RESET)] == [
        {"resetAt": dbt}
    ]
    assert stage.run("plan", "--detailed-exitcode").code == 0


def test_a_plan_names_the_signal_its_sender_and_its_words(stage: Stage) -> None:
    stage.run("signal", "warehouse-load", "--note", "run 41", GITHUB_ACTIONS="", USER="dana")
    told = stage.run("plan", "--format", "json").json()
    reasons = [item["because"]["kind"] for item in told["items"]]
    assert sorted(reasons) == ["awaits_signals", "signal_came"]
    assert "run 41" in stage.run("plan").out
    assert "run 41" in stage.run("why", "models.sales.refresh").out


def test_a_note_that_is_not_utf_8_costs_no_signal(stage: Stage) -> None:
    assert stage.run("signal", "warehouse-load", "--note", "caf\udce9").code == 0
    assert '("caf")' in stage.run("signal", "--list").out


def test_signal_needs_neither_token_nor_omni(stage: Stage) -> None:
    sent = stage.run("signal", "dbt", OMNI_API_KEY="", OMNI_BASE_URL="")
    assert (sent.code, len(stage.world.log)) == (0, 0)


@pytest.mark.fault("T01")
def test_a_plan_tells_of_signals_of_a_clock_that_was_ahead_until_a_call_has_mended_them(
    stage: Stage,
) -> None:
    inbox = backend(str(stage.folder / "reconcile.state.json")).inbox
    for day in range(1, 10):
        ahead = datetime.now(UTC) + timedelta(days=day)
        inbox.deliver("warehouse-load", Signal(ahead, ahead))
    assert stage.run("signal", "warehouse-load").code == 0
    item = "models.sales.refresh"
    for way in (
        ("plan",),
        ("plan", "--json"),
        ("plan", "--json", "--against", "./reconcile.toml"),
        ("forecast",),
        ("forecast", "--assume-signals"),
        ("why", item),
        ("simulate", "--state", "reconcile.state.json", "--for", "1d"),
    ):
        assert "clock-went-back" in stage.run(*way).err, way
    assert stage.run("apply", "--yes").code == 0
    assert len(stage.calls(Operation.REFRESH)) == 1
    assert "clock-went-back" not in stage.run("plan").err


def test_the_same_signal_twice_and_an_older_one_change_nothing(stage: Stage) -> None:
    at = minutes_ago(5)
    stage.run("signal", "dbt", "--at", at)
    again = stage.run("signal", "dbt", "--at", at, "--format", "json").json()
    older = stage.run("signal", "dbt", "--at", minutes_ago(9), "--format", "json").json()
    assert again["sent"] == {"recorded": False, "why": "it is known already"}
    assert older["sent"] == {"recorded": False, "why": "a newer one is known"}
    told = stage.run("signal", "dbt", "--at", minutes_ago(9)).out
    assert f"a newer one is known (signal dbt at {at[11:16]}" in told


def test_a_long_note_fits_the_terminal_it_is_listed_on(stage: Stage) -> None:
    told = stage.run("signal", "dbt", "--note", "the load has ended after a long night " * 5).out
    assert max(map(len, told.splitlines())) <= PIPED_WIDTH


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("warehouse-laod",), "signal-not-awaited"),
        (("dbt", "--at", "2100-01-01T00:00Z"), "signal-of-the-future"),
        (("dbt", "--at", "soon"), "bad-instant"),
    ],
)
def test_what_cannot_have_happened_is_refused(
    stage: Stage, arguments: tuple[str, ...], code: str
) -> None:
    ended = stage.run("signal", *arguments, "--format", "json")
    assert (ended.code, json.loads(ended.err)["diagnostics"][0]["code"]) == (1, code)


def test_a_misspelt_name_is_answered_with_the_nearest(stage: Stage) -> None:
    assert "reconcile signal warehouse-load" in stage.run("signal", "warehouse-laod").err


def test_the_list_says_who_awaits_what_and_what_is_due(stage: Stage) -> None:
    stage.run("signal", "warehouse-load", "--at", minutes_ago(3))
    listed = stage.run("signal", "--list", "--format", "json").json()["signals"]
    assert [(one["name"], one["due"]) for one in listed] == [("dbt", 0), ("warehouse-load", 1)]
    text = stage.run("signal", "--list").out
    assert "dbt  never came" in text
    assert "    models.sales.refresh  due" in text


def test_a_signal_comes_in_while_an_apply_holds_the_lock(stage: Stage) -> None:
    stage.run("apply", "--yes")
    (held,) = stage.folder.rglob("*.json.lock")
    lock = os.open(held, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert stage.run("signal", "dbt").code == 0
    os.close(lock)


def test_apply_may_send_the_signal_itself(stage: Stage) -> None:
    ended = stage.run("apply", "--yes", "--signal", "warehouse-load", "--detailed-exitcode")
    assert (ended.code, len(stage.calls(Operation.REFRESH))) == (2, 1)
    assert "Recorded: signal warehouse-load" in ended.err
    assert "signalled warehouse-load" in stage.run("state", "history").out


FAR_SLOT = f"{datetime.now(UTC) + timedelta(hours=12):%H}:00"
"""Half a day from now: no slot passes between a reset by hand and what is claimed of it."""
AT = f"""
[models.sales]
id = "{SALES}"
refresh.every = "6h"
cache.daily.at = "{FAR_SLOT}"
cache.daily.timezone = "UTC"
"""
FORCED = ("apply", "--yes", "--force", "models.sales.cache.daily", "--as-of")


def test_a_reset_by_hand_is_made_as_of_the_instant_that_is_asked_for(staged: Staging) -> None:
    stage, as_of = staged(AT), minutes_ago(1)
    stage.run("apply", "--yes")
    assert stage.run(*FORCED, as_of).code == 0
    assert json.loads(stage.calls(Operation.RESET)[-1].call.body) == {"resetAt": as_of}
    assert stage.run(*FORCED, "now").code == 0
    assert stage.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*FORCED, "2100-01-01T00:00Z"), "as-of-refused"),
        ((*FORCED, minutes_ago(9)), "as-of-refused"),
        (("apply", "--yes", "--force", "models.sales.refresh", "--as-of", "now"), "as-of-refused"),
        (("apply", "--yes", "--as-of", "now"), "bad-usage"),
    ],
)
def test_a_reset_by_hand_never_goes_back_or_ahead(
    staged: Staging, arguments: tuple[str, ...], code: str
) -> None:
    stage = staged(AT)
    stage.run(*FORCED, "now")
    made = len(stage.calls())
    ended = stage.run(*arguments, "--format", "json")
    assert (ended.code, json.loads(ended.err)["diagnostics"][0]["code"]) == (1, code)
    assert len(stage.calls()) == made


def test_the_list_says_what_a_webhook_sent_that_was_no_signal(stage: Stage) -> None:
    stage.run("signal", "dbt")
    (state,) = stage.folder.rglob("*.inbox")
    backend(str(state).removesuffix(".inbox")).inbox.note(
        "dbt", Unheeded(datetime.now(UTC), "the run failed")
    )
    assert "was no signal: the run failed" in stage.run("signal", "--list").out
    listed = stage.run("signal", "--list", "--format", "json").json()["signals"]
    assert listed[0]["refused"]["why"] == "the run failed"

"""`on_signal` as a file says it."""

import pytest

from reconcile.model.desired import At, OnSignal
from tests.config.given import codes, items, loaded, only, sales

LOAD = 'on_signal = "load"'


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('"load"', OnSignal(("load",))),
        ('["load"]', OnSignal(("load",))),
        ('["dbt", "crm", "dbt"]', OnSignal(("crm", "dbt"))),
        ('{ all = ["dbt", "crm"] }', OnSignal(("crm", "dbt"), all=True)),
        ('{ all = ["dbt"] }', OnSignal(("dbt",))),
    ],
)
def test_a_signal_is_a_cadence_of_its_own(said: str, meant: OnSignal) -> None:
    assert only(sales(f"on_signal = {said}")).timing.cadence == meant


def test_a_reset_has_it_too_and_may_be_ordered_after_a_refresh() -> None:
    text = sales(LOAD, daily=f'{LOAD}\nafter = "models.sales.refresh"\ndeadline = "12h"')
    assert items(text)["models.sales.cache.daily"].timing.cadence == OnSignal(("load",))


def test_a_signal_of_ones_own_pushes_an_inherited_time_aside_and_the_other_way_round() -> None:
    inherited = '[defaults.refresh]\nat = "06:00"\ndays = "mon"\n' + sales(LOAD)
    assert only(inherited).timing.cadence == OnSignal(("load",))
    other = f"[defaults.refresh]\n{LOAD}\n" + sales('at = "06:00"')
    assert isinstance(only(other).timing.cadence, At)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('on_signal = "two words"', "bad-signal-name"),
        ('on_signal = "../up"', "bad-signal-name"),
        ("on_signal = []", "empty-list"),
        ("on_signal = { all = [] }", "empty-list"),
        ('on_signal = "load"\nevery = "6h"', "two-cadences"),
        ('on_signal = "load"\ndays = "mon"', "days-need-at"),
        ('on_signal = "load"\nspread = "5m"', "spread-needs-a-clock"),
        ("on_signal = 5", "wrong-type"),
        ('on_signal = { any = ["load"] }', "unknown-key"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: str, code: str) -> None:
    assert code in codes(sales(said))


def test_too_many_signals_are_refused() -> None:
    names = ", ".join(f'"s{number}"' for number in range(33))
    assert codes(sales(f"on_signal = [{names}]")) == ["too-many-signals"]


HOOK = '[signals.load]\nwebhook = "dbt"\nsecret_env = "DBT_SECRET"\n'


def test_a_webhook_of_a_known_sender_brings_its_header_and_its_words() -> None:
    (hook,) = loaded(HOOK + 'match = { "data.jobId" = "4711" }\n' + sales(LOAD)).desired.webhooks
    wanted = (("data.jobId", "4711"), ("data.runStatus", "Success"))
    assert (hook.header, hook.wanted, hook.at) == ("Authorization", wanted, "data.runFinishedAt")


def test_what_a_file_says_of_a_webhook_takes_the_place_of_what_is_usual() -> None:
    own = 'header = "X-Dbt"\nat = "done"\nsuccess = { state = "ok" }\n'
    (hook,) = loaded(HOOK + own + sales(LOAD)).desired.webhooks
    assert (hook.header, hook.wanted, hook.at) == ("X-Dbt", (("state", "ok"),), "done")


@pytest.mark.parametrize(
    "said",
    [
        'webhook = "dbt"',
        'webhook = "dbt"\nsecret_env = "A"\nsecret_file = "a"',
        'webhook = "dbt"\nsecret_env = "not a name"',
        'webhook = "dbt"\nsecret_env = "A"\nheader = "no: header"',
        'webhook = "bearer"\nsecret_env = "A"',
    ],
)
def test_a_webhook_that_could_not_be_told_from_a_forgery_is_refused(said: str) -> None:
    assert "bad-webhook" in codes(f"[signals.load]\n{said}\n" + sales(LOAD))


def test_a_webhook_that_nothing_awaits_is_warned_of() -> None:
    told = loaded(HOOK.replace("load", "laod") + sales(LOAD)).warnings
    assert [warning.code for warning in told] == ["signal-awaited-by-none"]

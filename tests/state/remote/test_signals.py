"""Signals on real stores: what holds of an inbox beside a file holds there too, word for word."""

import json

import pytest

from reconcile.sandbox.instance import Operation
from reconcile.state.backend import backend, load, open_session
from tests.stage import Staging
from tests.state.remote.test_applying import server_environment
from tests.state.test_inbox import (
    LOADED,
    NOON,
    box,
    test_the_same_signal_twice_is_one,
    test_two_that_send_at_once_lose_nothing,
    test_what_came_since_it_was_read_is_not_cleared,
    test_what_is_delivered_waits,
    test_what_was_no_signal_is_remembered_until_one_comes,
)

__all__ = [
    "box",
    "test_the_same_signal_twice_is_one",
    "test_two_that_send_at_once_lose_nothing",
    "test_what_came_since_it_was_read_is_not_cleared",
    "test_what_is_delivered_waits",
    "test_what_was_no_signal_is_remembered_until_one_comes",
]

pytestmark = pytest.mark.servers

ITEM = """
[models.sales]
id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
cache.daily.on_signal = { all = ["crm", "dbt"] }
"""


def test_a_session_writes_down_what_waits_and_takes_it_out(url: str) -> None:
    backend(url).inbox.deliver("load", LOADED)
    assert load(url).recorded.signals == {"load": (LOADED,)}
    with open_session(url, command="test", lock_timeout_s=0, now=NOON) as session:
        assert session.recorded.signals == {"load": (LOADED,)}
        assert backend(url).inbox.waiting() == {}
    assert load(url).recorded.signals == {"load": (LOADED,)}


def test_two_machines_signal_at_once_while_a_third_holds_the_lease(
    staged: Staging, url: str
) -> None:
    stage = staged(f'[state]\nurl = "{url}"\n{ITEM}')
    stage.environment |= server_environment()
    at = "2026-11-22T05:42:00.000Z"
    with open_session(url, command="test", lock_timeout_s=0, now=NOON):
        senders = [stage.start("signal", name, "--at", at) for name in ("crm", "dbt")]
        assert [sender.communicate(timeout=60)[1] for sender in senders] == ["", ""]
    assert stage.run("apply", "--yes").code == 0
    (reset,) = stage.calls(Operation.RESET)
    assert json.loads(reset.call.body)["resetAt"] == "2026-11-22T05:42:00Z"
    assert (stage.run("apply", "--yes").code, len(stage.calls())) == (0, 1)

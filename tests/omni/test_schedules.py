"""Native schedules over the wire: what is sent, and what each reply comes to."""

import json
from typing import Any

import pytest

from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.plan import Request
from reconcile.model.progress import CallRejected, CallUnknown, Proof, ScheduleAccepted
from reconcile.omni.reads import Absent, Finding, Forbidden, Found, Unreadable
from tests.omni.calling import call
from tests.omni.fault_server import Fault, FaultServer, raw, reply

LAKE = "9d3f2b1c-0d44-4b50-8888-8dd25736052a"
SCHEDULE = "11d3f2b1-0d44-4b50-8888-8dd25736052a"
SPEC = ScheduleSpec("0 9 * * ? *", "Europe/Berlin", hard=True)
AS_SENT = NativeSchedule(schedule_id=SCHEDULE, connection_id=LAKE, spec=SPEC)
FIELDS = {
    "scheduleId": SCHEDULE,
    "connectionId": LAKE,
    "schedule": "00 09 * * ? *",
    "timezone": "Europe/Berlin",
    "description": "At 09:00 AM CET",
    "createdAt": "2026-03-01T00:00:00.000Z",
    "updatedAt": "2026-03-01T00:00:00.000Z",
    "disabledAt": None,
    "hardRefresh": True,
}
PATH = f"/api/v1/connections/{LAKE}/schedules"
BODY: dict[str, str | bool | None] = {
    "schedule": SPEC.cron,
    "timezone": SPEC.zone,
    "hardRefresh": SPEC.hard,
}


def create(fault: Fault) -> Any:
    request = Request("POST", PATH, body=BODY)
    return _call(fault, "send_schedule", request, connection_id=LAKE, spec=SPEC)


def update(fault: Fault) -> Any:
    request = Request("PUT", f"{PATH}/{SCHEDULE}", body=BODY)
    return _call(
        fault,
        "send_schedule",
        request,
        connection_id=LAKE,
        schedule_id=SCHEDULE,
        spec=SPEC,
    )


def delete(fault: Fault) -> Any:
    return _call(fault, "send_schedule_delete", Request("DELETE", f"{PATH}/{SCHEDULE}"))


def listed(fault: Fault) -> Finding[tuple[NativeSchedule, ...]]:
    found: Finding[tuple[NativeSchedule, ...]] = _call(fault, "fetch_schedules", LAKE)
    return found


def _call(fault: Fault, name: str, *values: object, **named: object) -> Any:
    with FaultServer((fault,)) as server:
        return call(server.url, lambda client: getattr(client, name)(*values, **named))


def saying(body: object, status: str = "200 OK") -> Fault:
    return reply(json.dumps(body), status=status)


def test_a_creation_sends_every_value_and_reads_the_new_id() -> None:
    with FaultServer((saying(FIELDS, "201 Created"),)) as server:
        outcome = call(
            server.url,
            lambda client: client.send_schedule(
                Request("POST", PATH, body=BODY), connection_id=LAKE, spec=SPEC
            ),
        )
    assert outcome == ScheduleAccepted(AS_SENT, None)
    [request] = server.received
    assert (request.method, request.target) == ("POST", PATH)
    assert json.loads(request.body) == BODY


def test_a_partial_reply_is_filled_up_with_what_was_sent() -> None:
    known = {"id": SCHEDULE, "hardRefresh": True}
    assert create(saying({"schedule": known}, "201 Created")) == ScheduleAccepted(AS_SENT, None)
    assert update(saying({"hardRefresh": True})) == ScheduleAccepted(AS_SENT, None)


def test_a_server_that_does_not_know_hard_answers_with_a_soft_schedule() -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "hardRefresh"}
    outcome = create(saying(fields, "201 Created"))
    assert not outcome.schedule.spec.hard


@pytest.mark.parametrize(
    "body",
    [
        {"schedule": "0 9 * * ? *"},
        {**FIELDS, "scheduleId": ""},
        {**FIELDS, "scheduleId": "x" * 10_000},
        {**FIELDS, "connectionId": "another"},
        {**FIELDS, "hardRefresh": "yes"},
        {**FIELDS, "disabledAt": "soon"},
        [],
    ],
)
def test_a_creation_that_cannot_be_told_apart_is_in_doubt(body: object) -> None:
    assert isinstance(create(saying(body, "201 Created")), CallUnknown)


def test_an_update_answered_about_another_schedule_is_in_doubt() -> None:
    assert isinstance(update(saying({**FIELDS, "scheduleId": LAKE})), CallUnknown)


def test_a_deletion_needs_no_more_than_a_success() -> None:
    empty = raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False)
    assert delete(saying({"success": True})) == ScheduleAccepted(None, None)
    assert delete(empty) == ScheduleAccepted(None, None)
    assert isinstance(delete(reply("<html>")), CallUnknown)
    refused = delete(saying({"success": False, "message": "locked"}))
    assert refused == CallRejected(Proof.REFUSED, 200, "locked")


def test_a_deletion_of_what_is_gone_says_so() -> None:
    outcome = delete(saying({"detail": "Not Found", "status": 404}, "404 Not Found"))
    assert isinstance(outcome, CallRejected)
    assert outcome.proof is Proof.NOT_FOUND


@pytest.mark.parametrize("envelope", ["schedules", "records", None])
def test_schedules_are_read_from_any_envelope(envelope: str | None) -> None:
    assert listed(saying({envelope: [FIELDS]} if envelope else [FIELDS])) == Found((AS_SENT,))


def test_a_cron_that_only_omni_understands_stays_as_it_is() -> None:
    found = listed(saying([{**FIELDS, "schedule": " 0 9 L-2 * ?  *"}]))
    assert isinstance(found, Found)
    assert found.value[0].spec.cron == "0 9 L-2 * ? *"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (saying({}, "404 Not Found"), Absent),
        (saying({"detail": "Invalid bearer token"}, "403 Forbidden"), Forbidden),
        (saying({}, "401 Unauthorized"), Forbidden),
        (saying({}, "500 Oops"), Unreadable),
        (saying({}, "429 Too Many Requests"), Unreadable),
        (saying({}), Unreadable),
        (saying("schedules"), Unreadable),
        (saying(["a"]), Unreadable),
        (saying([{**FIELDS, "timezone": None}]), Unreadable),
        (reply("<html>"), Unreadable),
        (raw(b""), Unreadable),
    ],
)
def test_a_list_that_is_none_says_why(fault: Fault, kind: type[object]) -> None:
    assert isinstance(listed(fault), kind)

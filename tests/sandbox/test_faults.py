"""Faults on request: their grammar, what they do, and that a seed repeats them."""

from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import ReconcileError
from reconcile.sandbox.faults import FaultKind, FaultRule, parse_faults
from reconcile.sandbox.instance import Delivery, Operation, Settings
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import NOON, OPS, SALES, SEEDS, Omni, lasting, refresh_call

DOCUMENT = Path(__file__).parents[2] / "reconcile" / "docs" / "sandbox.md"


def test_the_grammar_reads_every_form() -> None:
    text = f" refresh:fail=10%, any:slow=500ms/2.5%,job#3:503,reset@{SALES.upper()}#2:lost,seed=7,"
    faults = parse_faults(text)
    assert faults.seed == 7
    assert faults.rules == (
        FaultRule(kind=FaultKind.FAIL, operation=Operation.REFRESH, share=0.1),
        FaultRule(kind=FaultKind.SLOW, share=0.025, delay_s=0.5),
        FaultRule(kind=FaultKind.STATUS, operation=Operation.JOB, nth=3, status=503),
        FaultRule(kind=FaultKind.DROP, operation=Operation.RESET, model_id=SALES, nth=2),
    )


def test_every_operation_can_have_faults() -> None:
    faults = parse_faults(",".join(f"{operation}:503" for operation in Operation))
    assert [rule.operation for rule in faults.rules] == list(Operation)


def test_every_target_and_fault_is_in_the_document() -> None:
    told = DOCUMENT.read_text()
    kinds = set(FaultKind) - {FaultKind.STATUS, FaultKind.SLOW}
    assert [word for word in (*Operation, *kinds) if f"`{word}`" not in told] == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("refresh", "refresh"),
        ("any:drop,reload:fail", "reload:fail"),
        ("refresh:explode", "refresh:explode"),
        ("refresh:200", "refresh:200"),
        ("refresh:fail=", "refresh:fail="),
        ("refresh:fail=0.1", "refresh:fail=0.1"),
        ("refresh:fail=101%", "refresh:fail=101%"),
        ("any:slow", "any:slow"),
        ("any:slow=5", "any:slow=5"),
        ("any:slow=2h", "any:slow=2h"),
        ("any:slow=61m", "any:slow=61m"),
        ("any:slow=1s/", "any:slow=1s/"),
        ("reset:fail", "reset:fail"),
        ("job:stuck", "job:stuck"),
        ("refresh@sales:fail", "refresh@sales:fail"),
        ("refresh#0:fail", "refresh#0:fail"),
        ("job:forgotten", "job:forgotten"),
        ("reset:nameless", "reset:nameless"),
        ("seed=x", "seed=x"),
        ("clock=", "clock="),
        ("clock=noon", "clock=noon"),
        ("clock=9999h", "clock=9999h"),
    ],
)
def test_a_wrong_part_is_named(text: str, part: str) -> None:
    with pytest.raises(ReconcileError) as caught:
        parse_faults(text)
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "fault-spec-invalid"
    assert f"`{part}`" in diagnostic.detail
    assert diagnostic.hint


@given(text=st.text(st.sampled_from("refshjobany:=#@,%0123456789.ms /")))
def test_no_text_breaks_the_grammar(text: str) -> None:
    with suppress(ReconcileError):
        assert parse_faults(text).rules is not None


@pytest.mark.fault("A13")
def test_a_failing_refresh_is_accepted_and_its_job_fails(omni: Omni) -> None:
    omni.put(settings=lasting(5), faults=f"refresh@{SALES}:fail")
    doomed, other = omni.refresh().json()["jobId"], omni.refresh(OPS).json()["jobId"]
    assert omni.status(doomed) == "IN_PROGRESS"
    omni.wait(5)
    assert (omni.status(doomed), omni.status(other)) == ("FAILED", "COMPLETED")


def test_a_job_can_fail_under_the_eyes_of_its_reader(omni: Omni) -> None:
    omni.put(settings=lasting(60), faults="job#2:fail")
    job_id = omni.refresh().json()["jobId"]
    assert [omni.status(job_id) for _ in range(3)] == ["IN_PROGRESS", "FAILED", "FAILED"]


@pytest.mark.fault("A14")
def test_a_stuck_job_never_ends(omni: Omni) -> None:
    omni.put(faults="refresh:stuck")
    job_id = omni.refresh().json()["jobId"]
    omni.wait(10_000_000)
    assert omni.status(job_id) == "IN_PROGRESS"


@pytest.mark.parametrize("status", [403, 404])
def test_a_poll_can_be_refused_while_the_job_goes_on(omni: Omni, status: int) -> None:
    omni.put(settings=lasting(5), faults=f"job#1:{status}")
    job_id = omni.refresh().json()["jobId"]
    assert omni.http.get(f"/api/v1/jobs/{job_id}/status").status_code == status
    omni.wait(5)
    assert omni.status(job_id) == "COMPLETED"


def test_a_job_can_be_forgotten_in_the_words_for_one_that_never_was(omni: Omni) -> None:
    omni.put(faults="refresh#1:forgotten")
    lost, known = omni.refresh().json()["jobId"], omni.refresh().json()["jobId"]
    reply = omni.http.get(f"/api/v1/jobs/{lost}/status")
    detail = f"Not Found: Job with id {lost} does not exist"
    assert (reply.status_code, reply.json()["detail"]) == (404, detail)
    assert omni.status(known) == "IN_PROGRESS"


@pytest.mark.fault("A10")
def test_a_refresh_can_be_answered_without_the_id_of_its_job(omni: Omni) -> None:
    omni.put(faults="refresh:nameless")
    assert omni.refresh().json() == {"modelId": SALES, "status": "running"}
    assert len(omni.stage.world.instance.jobs) == 1


def test_a_refusal_can_repeat_the_header_with_the_token(omni: Omni) -> None:
    omni.put(faults="reset:echo")
    reply = omni.reset()
    assert (reply.status_code, SANDBOX_BEARER in reply.json()["detail"]) == (400, True)
    assert not omni.stage.world.instance.marks


@pytest.mark.parametrize(
    ("faults", "date"),
    [
        ("clock=10m", "Wed, 04 Mar 2026 12:10:00 GMT"),
        ("clock=-26h", "Tue, 03 Mar 2026 10:00:00 GMT"),
    ],
)
def test_omni_can_have_another_clock(omni: Omni, faults: str, date: str) -> None:
    omni.put(faults=faults)
    assert omni.refresh().headers["date"] == date
    ours = {"resetAt": NOON.isoformat()}
    assert omni.reset(ours).status_code == (400 if "-" in faults else 200)


@pytest.mark.fault("A09")
def test_a_status_answers_instead_of_carrying_out(omni: Omni) -> None:
    omni.put(faults="refresh#2:503")
    assert [omni.refresh().status_code for _ in range(3)] == [200, 503, 200]
    assert len(omni.stage.world.instance.jobs) == 2


@pytest.mark.fault("N04")
def test_a_lost_reply_was_carried_out_and_its_connection_is_cut(omni: Omni) -> None:
    omni.put(faults="refresh#1:drop")
    with pytest.raises(httpx.RemoteProtocolError):
        omni.refresh()
    assert len(omni.stage.world.instance.jobs) == 1
    assert omni.stage.world.log[-1].delivery is Delivery.LOST
    assert omni.refresh().status_code == 200


@pytest.mark.fault("N04")
def test_a_refused_request_was_not_carried_out(omni: Omni) -> None:
    omni.put(faults="refresh#1:refuse")
    with pytest.raises(httpx.RemoteProtocolError):
        omni.refresh()
    assert not omni.stage.world.instance.jobs


@pytest.mark.fault("N05")
def test_a_slow_reply_was_carried_out_at_once(omni: Omni) -> None:
    omni.put(faults="refresh#1:slow=10m")
    with pytest.raises(httpx.ReadTimeout):
        omni.http.post(f"/api/v1/models/{SALES}/refresh", timeout=httpx.Timeout(10, read=0.2))
    omni.await_request()
    assert len(omni.stage.world.instance.jobs) == 1


def test_a_short_delay_still_answers(omni: Omni) -> None:
    omni.put(faults="any:slow=10ms")
    assert omni.refresh().status_code == 200


def test_delays_add_up_and_the_first_rule_that_decides_wins() -> None:
    faults = parse_faults("any:slow=1s,refresh:503,refresh:drop,any:slow=500ms")
    reply = LoggedWorld(SEEDS, faults=faults).answer(refresh_call(), NOON)
    assert (reply.status, reply.delay_s, reply.delivery) == (503, 1.5, Delivery.ANSWERED)


def _fates(order: list[str], seed: int) -> dict[str, list[tuple[int, Delivery]]]:
    settings = Settings(requests_per_minute=None, seed=seed)
    faults = parse_faults("refresh:503=40%,any:drop=30%")
    world = LoggedWorld(SEEDS, settings=settings, faults=faults)
    fates: dict[str, list[tuple[int, Delivery]]] = {}
    for model in order:
        reply = world.answer(refresh_call(model), NOON)
        fates.setdefault(model, []).append((reply.status, reply.delivery))
    return fates


@given(order=st.permutations([SALES, OPS] * 10), seed=st.integers(0, 1000))
def test_the_same_seed_gives_the_same_fates_in_any_order_of_arrival(
    order: list[str], seed: int
) -> None:
    assert _fates(order, seed) == _fates(sorted(order), seed)


def test_another_seed_gives_other_fates() -> None:
    calls = [SALES] * 40
    assert _fates(calls, 1) != _fates(calls, 2)


def test_a_share_is_about_the_share_of_requests_it_says() -> None:
    fates = _fates([SALES] * 1000, 3)[SALES]
    assert 350 < sum(status == 503 for status, _ in fates) < 450


def test_the_seed_in_the_text_goes_before_the_one_of_the_world() -> None:
    def statuses(seed: int) -> list[int]:
        faults = parse_faults("refresh:500=50%,seed=9")
        settings = Settings(requests_per_minute=None, seed=seed)
        world = LoggedWorld(SEEDS, settings=settings, faults=faults)
        return [world.answer(refresh_call(), NOON).status for _ in range(30)]

    assert statuses(1) == statuses(2)
    assert set(statuses(1)) == {200, 500}

"""The world on its own: no HTTP, no clock, the same twice."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.sandbox.instance import JobDurations, SandboxReply, Settings
from reconcile.sandbox.world import WINDOW
from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import NOBODY, NOON, OPS, SALES, SEEDS, call, lasting, refresh_call


def _job_ids(world: LoggedWorld, models: list[str]) -> list[object]:
    replies = [world.answer(refresh_call(model), NOON) for model in models]
    return [reply.body["jobId"] for reply in replies if isinstance(reply.body, dict)]


def test_a_seed_repeats_ids_and_durations_whatever_the_order() -> None:
    one, two = LoggedWorld(SEEDS), LoggedWorld(SEEDS)
    assert _job_ids(one, [SALES, OPS]) == _job_ids(two, [OPS, SALES])[::-1]
    assert sorted(one.instance.jobs) == sorted(two.instance.jobs)
    ends = [{key: job.ends_at for key, job in world.instance.jobs.items()} for world in (one, two)]
    assert ends[0] == ends[1]


def test_two_refreshes_of_one_model_are_two_jobs() -> None:
    assert len(set(_job_ids(LoggedWorld(SEEDS), [SALES] * 50))) == 50


@given(seed=st.integers(), shortest=st.integers(0, 600), spread=st.integers(0, 600))
def test_a_job_lasts_between_the_two_bounds(seed: int, shortest: int, spread: int) -> None:
    least, most = timedelta(seconds=shortest), timedelta(seconds=shortest + spread)
    settings = Settings(job_durations=JobDurations(least, most), seed=seed)
    world = LoggedWorld(SEEDS, settings=settings)
    world.answer(refresh_call(), NOON)
    [job] = world.instance.jobs.values()
    assert job.ends_at is not None
    assert least <= job.ends_at - job.started_at <= most


@given(gaps=st.lists(st.integers(0, 40), max_size=60), limit=st.integers(1, 8))
def test_no_minute_ever_holds_more_admitted_requests_than_the_limit(
    gaps: list[int], limit: int
) -> None:
    world = LoggedWorld(SEEDS, settings=Settings(requests_per_minute=limit))
    now = NOON
    sent: list[datetime] = []
    admitted: list[datetime] = []
    for gap in gaps:
        now += timedelta(seconds=gap)
        within = sum(now - at < WINDOW for at in sent)
        reply = world.answer(call("GET", "/api/v1/models"), now)
        assert (reply.status == 429) == (within >= limit)
        sent.append(now)
        admitted += [now] if reply.status == 200 else []
    for at in admitted:
        assert sum(timedelta() <= at - other < WINDOW for other in admitted) <= limit


def test_a_job_once_over_stays_over() -> None:
    world = LoggedWorld(SEEDS, settings=lasting(10))
    [job_id] = _job_ids(world, [SALES])
    words = [_status(world, str(job_id), seconds) for seconds in (0, 9, 10, 11, 10_000)]
    assert words == ["IN_PROGRESS"] * 2 + ["COMPLETED"] * 3


def _status(world: LoggedWorld, job_id: str, seconds: float) -> object:
    now = NOON + timedelta(seconds=seconds)
    reply: SandboxReply = world.answer(call("GET", f"/api/v1/jobs/{job_id}/status"), now)
    assert isinstance(reply.body, dict)
    return reply.body["status"]


def test_every_request_is_in_the_log_with_what_became_of_it() -> None:
    world = LoggedWorld(SEEDS)
    world.answer(refresh_call(), NOON)
    world.answer(refresh_call(NOBODY), NOON)
    world.answer(call("GET", "/nowhere"), NOON)
    assert [(line.operation, line.model_id, line.status) for line in world.log] == [
        ("refresh", SALES, 200),
        ("refresh", NOBODY, 404),
        (None, None, 404),
    ]
    assert {line.token_name for line in world.log} == {"sandbox"}

"""The reader and the writer against the sandbox, in both published specifications."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.clock import wall_clock
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.plan import Request
from reconcile.model.progress import CallRejected, ScheduleAccepted
from reconcile.omni.http import OmniClient
from reconcile.omni.reads import Absent, Found, LookRequest, OmniReader, observe
from reconcile.sandbox.command import running
from reconcile.sandbox.instance import (
    ArrivedCall,
    Published,
    SandboxReply,
    SeedBranch,
    SeedConnection,
    SeedModel,
    SeedSchedule,
    Settings,
)
from reconcile.sandbox.world import World
from tests.canary import canary_tokens
from tests.omni.calling import credential_for
from tests.omni.scripted import Generous

LAKE = "9d3f2b1c-0d44-4b50-8888-8dd25736052a"
SALES = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
DEV = "16fd2706-8baf-433b-82eb-8c7fada847da"
HARD = ScheduleSpec("0 9 ? * MON-FRI *", "Europe/Berlin", hard=True)
Result = TypeVar("Result")


class Stage:
    """A server whose world a test chooses."""

    def __init__(self) -> None:
        self.world = World([])
        self.base_url = ""

    def answer(self, call: ArrivedCall, now: datetime) -> SandboxReply:
        return self.world.answer(call, now)

    def hold(self, *policies: str, published: Published = Published.SPEC_B) -> None:
        seeds = (
            SeedConnection(name="lake", id=LAKE),
            SeedModel("sales", SALES, "lake", policies, branches=(SeedBranch(DEV, "dev"),)),
            SeedSchedule(connection="lake", cron="00 18 ? * * *", zone="UTC"),
        )
        choices = Settings(requests_per_minute=None, published=published)
        self.world = World(seeds, settings=choices, tokens=canary_tokens())

    def call(self, action: Callable[[OmniClient], Awaitable[Result]]) -> Result:
        async def run() -> Result:
            async with OmniClient(credential_for(self.base_url)) as client:
                return await action(client)

        return asyncio.run(run())


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    with running(made, clock=wall_clock) as base_url:
        made.base_url = base_url
        yield made


@pytest.mark.parametrize("published", list(Published))
def test_a_look_sees_what_is_there(stage: Stage, published: Published) -> None:
    stage.hold("daily", published=published)
    wanted = LookRequest((SALES,), (LAKE,))
    seen = stage.call(lambda omni: observe(omni, Generous(), lambda *_: wanted, wall_clock))
    assert seen.gaps == ()
    assert seen.requests == 4
    models = {model.model_id: model for model in seen.observed.models or ()}
    assert models.keys() == {SALES, LAKE, DEV}
    assert models[SALES].branches == {DEV: "dev"}
    assert seen.observed.policies == {SALES: ("daily",)}
    [evening] = seen.observed.schedules[LAKE]
    assert evening.spec == ScheduleSpec("0 18 * * ? *", "UTC")
    assert abs(seen.observed.clock_ahead_s or 0.0) < 60


@given(st.sets(st.text(st.characters(codec="utf-8"), min_size=1), max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_policy_is_read_whatever_it_is_called(stage: Stage, policies: set[str]) -> None:
    stage.hold(*policies)

    async def read(omni: OmniClient) -> object:
        return await OmniReader(omni, Generous(), wall_clock).fetch_policies(SALES)

    found = stage.call(read)
    assert isinstance(found, Found)
    assert set(found.value) == policies


def body(spec: ScheduleSpec) -> dict[str, str | bool | None]:
    return {"schedule": spec.cron, "timezone": spec.zone, "hardRefresh": spec.hard}


def create(stage: Stage, spec: ScheduleSpec) -> NativeSchedule:
    request = Request("POST", f"/api/v1/connections/{LAKE}/schedules", body=body(spec))
    outcome = stage.call(lambda omni: omni.send_schedule(request, connection_id=LAKE, spec=spec))
    assert isinstance(outcome, ScheduleAccepted)
    assert outcome.schedule is not None
    return outcome.schedule


@pytest.mark.parametrize("published", list(Published))
def test_a_schedule_reads_back_as_its_write_said(stage: Stage, published: Published) -> None:
    stage.hold(published=published)
    made = create(stage, HARD)
    found = stage.call(lambda omni: omni.fetch_schedules(LAKE))
    assert isinstance(found, Found)
    assert made in found.value
    # The earlier specification has soft ones only, and the reply says so.
    assert made.spec.hard == (published is Published.SPEC_B)


def test_a_schedule_is_replaced_and_deleted_by_its_id(stage: Stage) -> None:
    stage.hold()
    made = create(stage, HARD)
    path = f"/api/v1/connections/{LAKE}/schedules/{made.schedule_id}"
    soft = ScheduleSpec("30 6 * * ? *", "UTC")
    updated = stage.call(
        lambda omni: omni.send_schedule(
            Request("PUT", path, body=body(soft)),
            connection_id=LAKE,
            schedule_id=made.schedule_id,
            spec=soft,
        )
    )
    assert isinstance(updated, ScheduleAccepted)
    assert updated.schedule is not None
    assert updated.schedule.spec == soft
    outcomes = [
        stage.call(lambda omni: omni.send_schedule_delete(Request("DELETE", path)))
        for _ in range(2)
    ]
    assert [type(outcome) for outcome in outcomes] == [ScheduleAccepted, CallRejected]


@pytest.mark.parametrize("published", list(Published))
def test_whoami_is_known_since_the_later_specification(stage: Stage, published: Published) -> None:
    stage.hold(published=published)

    async def read(omni: OmniClient) -> object:
        return await OmniReader(omni, Generous(), wall_clock).fetch_whoami([SALES])

    found = stage.call(read)
    if published is Published.SPEC_A:
        assert isinstance(found, Absent)
    else:
        assert isinstance(found, Found)
        assert "UPDATE" in found.value[SALES]

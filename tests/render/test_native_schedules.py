"""What a plan says of Omni's own schedules: before and after, to people and to programs."""

import json

from hypothesis import given

from reconcile.model.desired import Desired, Manage, ScheduleSpec
from reconcile.model.plan import Plan
from reconcile.model.struct import replace
from reconcile.render.actions import plan_document
from reconcile.render.documents import encode
from tests.applying.native import Stage, declared
from tests.applying.test_scheduling_laws import found, omni_with, whole
from tests.render.plans import plan_html, plan_markdown, plan_text
from tests.render.schemas import validating

TWO = ScheduleSpec("0 2 * * ? *", "UTC")
THREE = ScheduleSpec("0 3 * * ? *", "Europe/Berlin", hard=True)


def four_actions() -> Plan:
    """Plan, after a look, one of each: nothing is as it was applied."""
    stage = Stage()
    stage.apply(declared({("north", "edited"): TWO}))
    stage.omni.add("south", THREE)
    stage.omni.add("south", TWO)
    files = {("north", "edited"): THREE, ("north", "new"): TWO, ("south", "there"): THREE}
    return stage.planned(declared(files, Manage.ALL), live=True)


def lines_of(planned: Plan) -> str:
    return " ".join(plan_text(planned, width=400, colour=False).split())


def test_each_action_says_what_is_there_before_and_after() -> None:
    told = lines_of(four_actions())
    assert (
        "update connections.north.schedules.edited cron 0 2 * * ? * -> 0 3 * * ? *, "
        "timezone UTC -> Europe/Berlin, mode soft -> hard; edited in the file: cron, timezone, hard"
    ) in told
    new = "create connections.north.schedules.new 0 2 * * ? * UTC, soft; not on record;"
    assert f"{new} adopted if Omni has it" in told
    assert "adopt connections.south.schedules.there 0 3 * * ? * Europe/Berlin, hard" in told
    assert 'nobody declares it, and the connection says manage = "all"' in told


@given(found, whole)
def test_every_plan_of_schedules_satisfies_the_published_schema(
    before: list[tuple[str, ScheduleSpec]], desired: Desired
) -> None:
    planned = Stage(omni_with(before)).planned(desired, live=True)
    validating("plan")(json.loads(encode(plan_document(planned))))


def test_what_a_schedule_says_cannot_speak_for_us() -> None:
    stage = Stage()
    stage.apply(declared({("north", "a\x1b]0;x\x07"): TWO}))
    (ours,) = stage.omni.schedules.values()
    hostile = ScheduleSpec("\x1b[31m@everyone <script>", "UTC\u202e")
    stage.omni.schedules[ours.schedule_id] = replace(ours, spec=hostile)
    planned = stage.planned(declared({("north", "a\x1b]0;x\x07"): TWO}), live=True)
    text = plan_text(planned, width=80, colour=False, verbose=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "@everyone &lt;script&gt;" in plan_html(planned)
    assert "\x1b" not in plan_markdown(planned)

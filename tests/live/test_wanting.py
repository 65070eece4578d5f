"""What a live look asks for beside its two lists."""

from reconcile.live.observed import questions
from reconcile.model.desired import Connection, Manage
from reconcile.model.observed import Observed
from tests.planning.making import NOON, desired, model_id, refresh


def test_only_connections_whose_schedules_are_declared_or_managed_whole_cost_a_request() -> None:
    plain = [Connection(f"c{number}", model_id(f"c{number}")) for number in range(50)]
    whole = Connection("whole", model_id("whole"), Manage.ALL)
    wanted = questions(desired(connections=(*plain, whole)), Observed(at=NOON))
    assert wanted.schedules == (whole.id,)


def test_only_a_filtered_refresh_costs_a_request_for_its_schemas_on_its_branch() -> None:
    items = (
        refresh("plain"),
        refresh("narrow", schemas=("raw",)),
        refresh("dev", tables=("raw.x",), branch_id="B"),
    )
    narrow, dev = model_id("narrow"), model_id("dev")
    asked = questions(desired(*items), Observed(at=NOON)).schemas
    assert asked == tuple(sorted((narrow, f"{dev} b")))

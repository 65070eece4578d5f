"""Changes of the clocks, as `validate` tells them."""

import json
from datetime import UTC, datetime, time

from reconcile.model.desired import At, Cron
from reconcile.planning.feasibility import clock_changes
from reconcile.render.diagnostics import clocks_text, validation_json
from tests.conftest import Snapshot
from tests.planning.making import desired, reset
from tests.render.moments import NEW_YORK

SUMMER = datetime(2026, 8, 1, tzinfo=UTC)
FILES = desired(
    reset("late", At((time(1, 30),)), zone=NEW_YORK),
    reset("later", Cron("30 1 * * *"), zone=NEW_YORK),
    reset("often", Cron("*/30 * * * *"), zone=NEW_YORK),
    reset("gap", At((time(2, 15),)), zone="Australia/Lord_Howe"),
)


def test_the_whole_text(snapshot: Snapshot) -> None:
    text = clocks_text(clock_changes(FILES, SUMMER), SUMMER, width=80)
    snapshot("clocks.txt", text)


def test_programs_are_told_both_instants_and_those_it_runs_at() -> None:
    found = clock_changes(FILES, datetime(2026, 10, 20, tzinfo=UTC))
    counts = {"models": 0, "refreshes": 0, "resets": 4}
    change, *_ = json.loads(validation_json(counts, found))["clock_changes"]
    assert (change["zone"], change["at"]) == (NEW_YORK, "2026-11-01T06:00:00Z")
    assert (change["offset_before_s"], change["offset_after_s"]) == (-14400.0, -18000.0)

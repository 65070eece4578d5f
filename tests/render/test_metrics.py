from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reconcile.metrics import RunGauges, metrics_text
from reconcile.model.address import Address
from reconcile.model.progress import ItemGauges, Result, Summary
from tests.render.exposition import parse_exposition
from tests.render.samples import refresh

AT = datetime(2026, 12, 1, 6, tzinfo=UTC)
SALES = Address("models.sales.refresh")


def run(*items: ItemGauges) -> RunGauges:
    results = (Result(action=refresh(SALES), status="failed"),)
    summary = Summary(results=results, calls=3, polls=7, took_s=1.5)
    return RunGauges(
        at=AT, exit_code=6, summary=summary, budget_used=4, budget_limit=60, items=items
    )


def test_a_file_says_how_the_run_ended() -> None:
    told = parse_exposition(metrics_text(run()))
    assert told["reconcile_last_run_timestamp_seconds", ""] == AT.timestamp()
    assert told["reconcile_last_run_exit_status", ""] == 6
    assert told["reconcile_last_run_actions", "failed"] == 1
    assert told["reconcile_last_run_actions", "done"] == 0
    assert told["reconcile_request_budget_used", ""] == 4


def test_an_item_that_never_succeeded_has_no_time_of_success_and_is_there_all_the_same() -> None:
    told = parse_exposition(metrics_text(run(ItemGauges(SALES, None, 12.5, 2))))
    assert ("reconcile_item_last_success_timestamp_seconds", SALES) not in told
    assert told["reconcile_item_lateness_seconds", SALES] == 12.5
    assert told["reconcile_item_failures", SALES] == 2


def test_a_job_that_is_awaited_is_told_with_its_times_and_one_that_is_not_has_none() -> None:
    awaited = ItemGauges(SALES, None, 0.0, 0, 3, running_since=AT, looked_at=AT, awaited_until=AT)
    told = parse_exposition(metrics_text(run(awaited)))
    assert told["reconcile_item_doubts", SALES] == 3
    assert told["reconcile_item_job_since_timestamp_seconds", SALES] == AT.timestamp()
    assert told["reconcile_item_job_awaited_until_timestamp_seconds", SALES] == AT.timestamp()
    assert ("reconcile_item_unseen_since_timestamp_seconds", SALES) not in told


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_any_address_comes_back_from_its_label(names: set[str]) -> None:
    items = [ItemGauges(Address(name), AT, 0.0, 0) for name in names]
    told = parse_exposition(metrics_text(run(*items)))
    found = {label for name, label in told if name == "reconcile_item_failures"}
    assert found == names

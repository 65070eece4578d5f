"""`why`, as a user runs it."""

from tests.conftest import Snapshot
from tests.stage import SALES, Staging

AT = "2026-11-22T12:00:00Z"
FILE = f"""
[models.sales]
id = "{SALES}"
refresh = {{ every = "6h" }}
[models.sales.cache.daily]
at = "06:00"
[[freeze]]
name = "quarter close"
from = 2026-11-22T00:00:00Z
until = 2026-11-24T00:00:00Z
match = ["models.sales.cache.*"]
"""
UNFROZEN = FILE[: FILE.index("[[freeze]]")]
DAILY = "models.sales.cache.daily"


def test_the_whole_output(staged: Staging, snapshot: Snapshot) -> None:
    ended = staged(FILE).run("why", DAILY, "--at", AT)
    assert (ended.code, ended.err) == (0, "")
    snapshot("why.txt", ended.out)


def test_what_it_says_of_a_world_without_the_freeze_is_so(staged: Staging) -> None:
    stage = staged(FILE)
    told = stage.run("why", DAILY, "--at", AT, "--format", "json").json()
    (without,) = told["without"]
    assert (told["status"], without["obstacle"], without["status"]) == ("deferred", "freeze", "due")
    stage.write(UNFROZEN)
    again = stage.run("why", DAILY, "--at", AT, "--format", "json").json()
    assert (again["status"], again["earliest"]) == (without["status"], without["earliest"])


def test_the_earliest_run_is_when_the_plan_has_the_call(staged: Staging) -> None:
    stage = staged(FILE)
    earliest = stage.run("why", DAILY, "--at", AT, "--format", "json").json()["earliest"]
    planned = stage.run("plan", "--at", earliest, "--format", "json").json()
    assert DAILY in [action["addresses"][0] for action in planned["actions"]]


def test_an_item_of_a_blocked_plan_is_not_said_to_run_now(staged: Staging) -> None:
    stage = staged(f"{UNFROZEN}[limits]\ncalls = 1\n")
    out = stage.run("why", "models.sales.refresh", "--at", AT).out
    assert "It would run now" not in out
    assert "Blocked: 2 calls, and the limit is 1." in out
    told = stage.run("why", "models.sales.refresh", "--at", AT, "--json").json()
    assert [one["limit"] for one in told["blocked_by"]] == ["calls"]


def test_after_an_apply_it_tells_what_covers_the_item(staged: Staging) -> None:
    stage = staged(UNFROZEN)
    assert stage.run("apply", "--yes").code == 0
    out = stage.run("why", DAILY).out
    assert "is covered" in out
    assert "yes: last success" in out


def test_an_unknown_address_is_answered_with_the_nearest(staged: Staging) -> None:
    ended = staged(FILE).run("why", "models.sale.refresh")
    assert (ended.code, ended.out) == (1, "")
    assert "error[not-declared]" in ended.err
    assert "Did you mean models.sales.refresh?" in " ".join(ended.err.split())


def test_an_address_may_be_quoted_as_toml_allows(staged: Staging) -> None:
    ended = staged(FILE).run("why", 'models."sales".refresh', "--at", AT)
    assert ended.out.startswith("models.sales.refresh is due")

"""`--select` and instants: what means nothing is refused, and never a plan with nothing to do."""

import pytest

from tests.stage import Stage, Staging, models

TWO = models(["sales", "ops"], 'refresh = { every = "6h" }')
COMMANDS = [
    ("plan",),
    ("plan", "--detailed-exitcode"),
    ("apply", "--yes"),
    ("rehearse",),
    ("run", "--once"),
]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@every_command
@pytest.mark.parametrize("glob", ["models.sale.*", "", "Models.sales.*"])
def test_a_selection_of_nothing_is_refused(
    staged: Staging, command: tuple[str, ...], glob: str
) -> None:  # G4
    stage = staged(TWO)
    ended = stage.run(*command, "--select", glob, "--select", "models.ops.*")
    assert (ended.code, stage.calls()) == (1, [])
    assert f'--select "{glob}" matches nothing' in ended.err


def test_the_nearest_address_is_suggested(staged: Staging) -> None:  # G4
    stage = staged(TWO)
    assert "Did you mean models.sales.*?" in stage.run("plan", "--select", "models.sale.*").err
    told = stage.run("plan", "--select", "models.op.refresh").err
    assert "Did you mean models.ops.refresh?" in told


def test_a_selection_of_what_is_only_recorded_says_so(staged: Staging) -> None:  # G4
    stage = staged(TWO)
    stage.run("apply", "--yes")
    stage.write(models(["sales"], 'refresh = { every = "6h" }'))
    ended = stage.run("plan", "--select", "models.ops.*")
    told = "only what is recorded and no longer declared: models.ops.refresh."
    assert (ended.code, told in " ".join(ended.err.split())) == (1, True)


WITH_INSTANTS = [
    ("plan", "--at"),
    ("why", "models.sales.refresh", "--at"),
    ("forecast", "--at"),
    ("validate", "--at"),
    ("simulate", "--for", "2d", "--from"),
]


@pytest.mark.parametrize("command", WITH_INSTANTS, ids=" ".join)
@pytest.mark.parametrize(
    "instant", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2200-01-01T00:00:00Z"]
)
def test_an_instant_out_of_range_is_refused(
    quickstart: Stage, command: tuple[str, ...], instant: str
) -> None:  # G17
    quickstart.write(TWO)
    ended = quickstart.run(*command, instant)
    assert (ended.code, "bug in reconcile" in ended.err) == (1, False)
    assert "Instants lie between 1970 and 2200." in " ".join(ended.err.split())


@pytest.mark.parametrize("command", WITH_INSTANTS, ids=" ".join)
def test_the_ends_of_the_range_are_planned_for(
    quickstart: Stage, command: tuple[str, ...]
) -> None:  # G17
    quickstart.write(TWO)
    for instant in ("1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z"):
        assert quickstart.run(*command, instant).code == 0


@pytest.mark.parametrize("instant", ["2026-W48-1T00:00Z", "20261201T000000Z", "2026-12-01"])
def test_an_unusual_spelling_of_an_instant_is_refused(
    quickstart: Stage, instant: str
) -> None:  # G17
    assert quickstart.run("plan", "--at", instant).code == 1


@pytest.mark.parametrize(
    "items",
    [
        "cache.daily = { reset_at = 9999-12-31T23:59:59Z }",
        'cache.daily = { reset_at = "0001-01-01T00:00:00+14:00" }',
        'refresh = { every = "6h", pause = { until = 2200-01-01T00:00:00Z, reason = "x" } }',
    ],
)
def test_an_instant_of_the_file_out_of_range_is_refused(
    quickstart: Stage, items: str
) -> None:  # G17
    quickstart.write(models(["sales"], items))
    ended = quickstart.run("plan")
    assert (ended.code, "bad-instant" in ended.err) == (1, True)
    assert "between 1970 and 2200" in " ".join(ended.err.split())

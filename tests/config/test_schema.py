from datetime import UTC, datetime, time
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconcile.config.load import load_text
from reconcile.config.tables import file_schema
from reconcile.errors import ReconcileError
from tests.config.given import ID
from tests.strategies import examples

# What one file cannot know of itself: another may declare it, or [defaults] hold it.
BEYOND_ONE_FILE = {"no-cadence", "model-without-id", "after-not-declared"}

VALIDATOR = Draft202012Validator(file_schema())
INSTANT = datetime(2026, 12, 1, tzinfo=UTC)

words = st.sampled_from(["", "6h", "06:00", "mon-fri", "hard", "soft", "wait", "now", "UTC", ID])
anything = st.one_of(
    words,
    st.integers(-1, 20_000),
    st.booleans(),
    st.just(INSTANT),
    st.just(time(6)),
    st.lists(words, max_size=2),
    st.dictionaries(st.sampled_from(["every", "until", "reason"]), words, max_size=2),
)


def mostly(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values * 3) | anything


times = {
    "every": mostly("6h", "1h30m", "6 hours"),
    "cron": mostly("0 6 * * *"),
    "at": mostly("06:00", ["06:00", "18:00"], []),
    "days": mostly("mon-fri", ["mon", "sat-sun"], "monday"),
    "deadline": mostly("2h"),
    "on_change": mostly("now", "next", "later"),
    "spread": mostly("10m"),
    "timezone": st.just("UTC") | st.booleans(),
    "hold_after": mostly(1, 5, 0),
    "pause": mostly({"reason": "x"}, {"until": INSTANT, "reason": "x"}, {}),
    "missing": mostly("wait"),
}
refresh = st.fixed_dictionaries(
    {},
    optional={
        **times,
        "mode": mostly("soft", "hard"),
        "schemas": mostly(["a"], []),
        "branch_id": mostly(ID),
        "timeout": mostly("15m"),
        "reset_at": anything,
    },
)
cache = st.fixed_dictionaries({}, optional={**times, "reset_at": mostly(INSTANT), "evry": anything})
model = st.fixed_dictionaries(
    {},
    optional={
        "id": mostly(ID),
        "connection": mostly("warehouse"),
        "refresh": refresh,
        "cache": st.fixed_dictionaries({"p": cache}),
    },
)
freeze = st.fixed_dictionaries(
    {},
    optional={
        "name": mostly("close"),
        "match": mostly(["*"]),
        "from": mostly(INSTANT.replace(year=2025)),
        "until": mostly(INSTANT),
        "allow": mostly("22:00-06:00", ["01:00-02:00"]),
        "days": mostly("mon"),
    },
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "omni": st.fixed_dictionaries({}, optional={"api": mostly("v1")})
        | st.fixed_dictionaries({"requests_per_minute": mostly(1, 10_000, 0)}),
        "state": st.fixed_dictionaries({}, optional={"url": mostly("a.json")}),
        "limits": st.fixed_dictionaries(
            {}, optional={"calls": mostly(0), "share": mostly(0.5, 2.0)}
        ),
        "freeze": st.lists(freeze, min_size=1, max_size=2),
        "models": st.fixed_dictionaries({"a": model}),
        "other": anything,
    },
)


def as_json(value: object, key: str = "") -> object:
    """Spell a TOML value as editors do: an instant is text, but only where one is expected."""
    match value:
        case dict():
            return {name: as_json(inner, name) for name, inner in value.items()}
        case list():
            return [as_json(inner) for inner in value]
        case datetime() if key in {"reset_at", "from", "until"}:
            return value.isoformat()
        case datetime() | time():
            return {"not JSON": str(value)}
        case _:
            return value


@examples(300)
@given(documents)
def test_the_schema_accepts_exactly_what_loads(document: dict[str, Any]) -> None:
    try:
        load_text(tomlkit.dumps(document), "a.toml")
        refused = set()
    except ReconcileError as error:
        refused = {d.code for d in error.diagnostics if d.severity == "error"}
    if not refused & BEYOND_ONE_FILE or refused - BEYOND_ONE_FILE:
        found = [error.message for error in VALIDATOR.iter_errors(as_json(document))]
        assert bool(found) == bool(refused - BEYOND_ONE_FILE), (document, refused, found)


VALID: dict[str, st.SearchStrategy[Any]] = {
    "every": st.just("6h"),
    "cron": st.just("0 6 * * *"),
    "at": st.just(["06:00"]),
    "days": st.just("mon-fri"),
    "on_signal": st.just("load"),
    "spread": st.just("10m"),
    "missing": st.just("wait"),
}
NARROW = {"mode": st.sampled_from(["hard", "soft"]), "schemas": st.just(["analytics"])}


@given(
    st.fixed_dictionaries({}, optional=VALID | NARROW),
    st.fixed_dictionaries({}, optional=VALID | {"reset_at": st.just("2026-12-01T00:00:00Z")}),
)
def test_keys_of_defaults_stand_beside_any_others_in_the_schema_and_in_the_file(
    refresh: dict[str, Any], cache: dict[str, Any]
) -> None:
    document = {"defaults": {"refresh": refresh, "cache": cache}}
    assert load_text(tomlkit.dumps(document), "a.toml").desired.items == ()
    VALIDATOR.validate(document)


def test_the_schema_is_of_its_dialect() -> None:
    Draft202012Validator.check_schema(file_schema())
    assert file_schema()["$schema"].endswith("2020-12/schema")


def test_every_key_is_described_and_shown_by_example() -> None:
    tables = [file_schema(), *file_schema()["$defs"].values()]
    for table in tables:
        assert table["additionalProperties"] is False
        assert table["description"].endswith(".")
        for name, keyword in table["properties"].items():
            assert keyword.get("description", "").endswith("."), name
            assert keyword.get("examples") or keyword.get("enum") or keyword.get("const"), name


def test_examples_of_a_key_fit_the_key() -> None:
    for name, table in file_schema()["$defs"].items():
        for key, keyword in table["properties"].items():
            validator = Draft202012Validator({**keyword, "$defs": file_schema()["$defs"]})
            for example in keyword.get("examples", []):
                assert validator.is_valid(example), (name, key, example)


def test_no_key_may_be_null() -> None:
    assert '"null"' not in str(file_schema()).replace("'", '"')

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.load import load_text
from reconcile.errors import ReconcileError
from reconcile.model.address import reset_address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Generation,
    Limits,
    Mode,
    OpenHours,
    Pause,
    RefreshItem,
    ResetAt,
    ResetItem,
    WhenChanged,
)
from tests.config.given import ID, OTHER_ID, items, loaded, only, sales


def test_a_refresh_has_the_defaults_of_omni_and_of_the_tool() -> None:
    item = only(sales())
    assert isinstance(item, RefreshItem)
    assert (item.model_id, item.connection, item.branch_id) == (ID, None, None)
    assert (item.mode, item.timeout) == (Mode.HARD, timedelta(minutes=15))
    assert item.timing.zone == "UTC"


@pytest.mark.parametrize(
    ("keys", "cadence"),
    [
        ('every = "1h30m"', Every(timedelta(minutes=90))),
        ('cron = "0 */6 * * *"', Cron("0 */6 * * *")),
        ('at = ["18:00", "06:00"]\ndays = "mon"', At((time(6), time(18)), frozenset((0,)))),
        ('at = "06:00"\ndays = ["sat", "sun"]', At((time(6),), frozenset((5, 6)))),
    ],
)
def test_each_cadence_means_what_it_says(keys: str, cadence: object) -> None:
    assert only(sales(keys)).timing.cadence == cadence


@pytest.mark.parametrize(
    "written", ["2026-12-01T07:00:00-05:00", '"2026-12-01T07:00:00-05:00"', "2026-12-01 12:00:00Z"]
)
def test_a_reset_at_an_instant_is_kept_in_utc(written: str) -> None:
    item = items(sales(p=f"reset_at = {written}"))["models.sales.cache.p"]
    assert item.timing.cadence == ResetAt(datetime(2026, 12, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    "written",
    ["models.sales.refresh", "'models'.\"sales\".refresh", 'models."sal\\u0065s".refresh'],
)
def test_after_may_be_spelled_in_any_way_toml_allows(written: str) -> None:
    text = sales(p=f"after = '''{written}'''", q=f"at = '06:00'\nafter = '''{written}'''")
    alone, ordered = items(text)["models.sales.cache.p"], items(text)["models.sales.cache.q"]
    assert isinstance(alone, ResetItem)
    assert isinstance(ordered, ResetItem)
    assert alone.timing.cadence == AfterRefresh(alone.after or alone.address)
    assert ordered.after == alone.after == "models.sales.refresh"
    assert ordered.timing.cadence == At((time(6),))


def test_a_pause_may_have_an_end() -> None:
    item = only(sales('every = "1h"\npause = { until = 2026-12-01T00:00:00Z, reason = "move" }'))
    assert item.timing.pause == Pause(datetime(2026, 12, 1, tzinfo=UTC), "move")


def test_sections_become_parts_of_the_desired_state() -> None:
    text = (
        '[omni]\nbase_url = "https://a.example/api/v1"\napi = "legacy"\nrequests_per_minute = 9\n'
        f"[limits]\ncalls = 5\nhard_refreshes = 0\nshare = 0.5\n{sales()}"
    )
    desired = loaded(text).desired
    assert (desired.base_url, desired.requests_per_minute) == ("https://a.example", 9)
    assert (desired.generation, desired.limits) == (Generation.LEGACY, Limits(5, 0, 0.5))


def test_a_freeze_is_a_stretch_of_time_or_all_but_some_windows() -> None:
    text = (
        f'[defaults]\ntimezone = "Asia/Tokyo"\n{sales()}'
        '[[freeze]]\nname = "a"\nfrom = 2026-12-01T00:00:00Z\nuntil = "2026-12-02T00:00:00Z"\n'
        '[[freeze]]\nname = "b"\nmatch = ["models.s*"]\nallow = "22:00-06:00"\ndays = "mon"\n'
    )
    begin = datetime(2026, 12, 1, tzinfo=UTC)
    assert loaded(text).desired.freezes == (
        Freeze("a", ("*",), FrozenSpan(begin, begin + timedelta(days=1))),
        Freeze(
            "b", ("models.s*",), OpenHours(((time(22), time(6)),), "Asia/Tokyo", frozenset((0,)))
        ),
    )


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("", "/srv/reconcile.state.json"),
        ('url = "state/a.json"', "/srv/state/a.json"),
        ('url = "../a.json"', "/a.json"),
        ('url = "/var/a.json"', "/var/a.json"),
        ('url = "s3://bucket/a.json"', "s3://bucket/a.json"),
    ],
)
def test_the_state_lies_beside_the_file_that_names_it(written: str, url: str) -> None:
    text = f"{sales()}[state]\n{written}" if written else sales()
    assert load_text(text, "a.toml", Path("/srv")).desired.state_url == url


@pytest.mark.fault("C28")
def test_nothing_is_ever_expanded() -> None:
    text = f'{sales()}[models.sales.cache."$(id) ${{HOME}} %PATH%"]\nevery = "1h"\n'
    policy = "$(id) ${HOME} %PATH%"
    assert reset_address("sales", policy) in items(text)
    state = f'{sales()}[state]\nurl = "~/$HOME/${{X}}.json"\n'
    with pytest.raises(ReconcileError):  # G11
        load_text(state, "a.toml", Path("/srv"))


@pytest.mark.fault("C21")
@given(st.text(min_size=1, max_size=40))
def test_any_policy_name_is_kept_as_it_is_or_refused(name: str) -> None:
    text = f"{sales()}[models.sales.cache]\n{_quoted(name)}.every = '1h'\n"
    try:
        found = items(text)
    except ReconcileError:
        return
    assert reset_address("sales", name) in found


def _quoted(name: str) -> str:
    return (
        '"'
        + "".join(f"\\U{ord(c):08x}" if not "\ud800" <= c <= "\udfff" else "" for c in name)
        + '"'
    )


@given(st.permutations(["sales", "ops", "finance", "hr"]))
def test_the_order_of_declaration_does_not_matter(names: list[str]) -> None:
    def text(order: list[str]) -> str:
        return "".join(
            f'[models.{name}]\nid = "{OTHER_ID[:-1]}{number}"\nrefresh.every = "1h"\n'
            f'cache.p = {{ after = "models.{name}.refresh" }}\n'
            for name in order
            for number in [sorted(names).index(name)]
        )

    assert loaded(text(names)).desired == loaded(text(sorted(names))).desired


def watched(tmp_path: Path, keys: str) -> WhenChanged:
    desired = load_text(sales(keys), "a.toml", tmp_path).desired
    cadence = desired.items[0].timing.cadence
    assert isinstance(cadence, WhenChanged)
    return cadence


def test_watched_files_are_known_by_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    first = watched(tmp_path, 'when_changed = ["a", "b"]')
    assert first == watched(tmp_path, 'when_changed = ["a", "b"]')
    assert first.content != watched(tmp_path, 'when_changed = ["a"]').content
    (tmp_path / "a").write_text("12")
    (tmp_path / "b").write_text("")
    assert first.content != watched(tmp_path, 'when_changed = ["a", "b"]').content


def test_a_watched_file_that_is_not_there_can_be_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    found = watched(tmp_path, 'when_changed = ["a", "b"]\nmissing = "wait"')
    assert (found.content, found.missing) == (None, ("b",))


def test_items_of_one_kind_share_what_they_have_in_common() -> None:
    text = sales(p='at = "06:00"\nafter = "models.sales.refresh"', q='at = "06:00"')
    found = items(text)
    assert found["models.sales.cache.p"].timing == found["models.sales.cache.q"].timing


def test_a_desired_state_is_a_value() -> None:
    first: Desired = loaded(sales()).desired
    assert first == loaded(sales()).desired
    assert hash(first) == hash(loaded(sales()).desired)


@pytest.mark.parametrize(("text", "ttl_s"), [("", 60), ('lock_ttl = "2m"', 120)])
def test_the_lock_of_a_remote_state_lasts_as_long_as_the_file_says(text: str, ttl_s: float) -> None:
    whole = f'[state]\nurl = "s3://bucket/key"\n{text}\n{sales()}'
    assert load_text(whole, "a.toml").desired.lock_ttl_s == ttl_s


@pytest.mark.parametrize("text", ["2s", "61m", "soon"])
def test_a_lock_that_ends_at_once_or_never_is_refused(text: str) -> None:
    whole = f'[state]\nurl = "s3://bucket/key"\nlock_ttl = "{text}"\n{sales()}'
    with pytest.raises(ReconcileError) as caught:
        load_text(whole, "a.toml")
    assert caught.value.diagnostics[0].code == "bad-duration"

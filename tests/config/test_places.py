from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.toml import (
    Atlas,
    Source,
    cut_segments,
    mask_secrets,
    place_in_line,
    read_entries,
)
from reconcile.errors import KeyPath, Where

TRICKY = '''\
top = "a # not a comment [not.a.header]"  # [nor.this]
[a . "b.c"]   # comment
x = """
[inside.a.string]
"""
y = [
  [1, 2], # [comment]
  [3],
]
[[list]]
k = { deep = { deeper = [ { z = 1 } ] } }
[[list]]
k.dotted."q" = 'literal \\'
[list.sub]
v = 2026-12-01 07:00:00Z
'''


def place_of(text: str, *path: str | int) -> tuple[int | None, int | None, int]:
    place = Atlas(Source("a.toml", text, Path())).find(Where(0, path))
    return place.line, place.column, place.width


def test_values_are_found_wherever_toml_lets_them_stand() -> None:
    assert place_of(TRICKY, "top") == (1, 7, 34)
    assert place_of(TRICKY, "a", "b.c", "y", 1) == (8, 3, 3)
    assert place_of(TRICKY, "list", 0, "k", "deep", "deeper", 0, "z") == (11, 33, 1)
    assert place_of(TRICKY, "list", 1, "k", "dotted", "q") == (13, 16, 11)
    assert place_of(TRICKY, "list", 1, "sub", "v") == (15, 5, 20)


def test_what_is_not_there_is_placed_at_the_nearest_table() -> None:
    assert place_of(TRICKY, "a", "b.c", "missing") == (2, 1, 11)
    assert place_of(TRICKY, "nothing", "at", "all") == (1, 1, 1)


def test_a_header_may_stand_anywhere_but_in_strings_and_arrays() -> None:
    paths = [segment.path for segment in cut_segments(TRICKY)]
    assert paths == [(), ("a", "b.c"), ("list", 0), ("list", 1), ("list", 1, "sub")]


seen = st.characters(exclude_categories=["Cs"])
scalars = st.one_of(
    st.integers(-(2**40), 2**40),
    st.booleans(),
    st.text(seen, max_size=12),
    st.just(datetime(2026, 12, 1, tzinfo=UTC)),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(seen, max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


def leaves(value: object, path: KeyPath = ()) -> list[tuple[KeyPath, object]]:
    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(value[key], (*path, key))]
    return [(path, value)]


@given(st.dictionaries(st.text("abc. \"'#[]=\n", max_size=5), values, max_size=5))
def test_the_text_at_the_place_of_a_value_is_that_value(document: dict[str, Any]) -> None:
    text = tomlkit.dumps(document)
    parsed = tomli.loads(text)
    entries = {
        path: entry
        for segment in cut_segments(text)
        for path, entry in read_entries(text, segment).items()
    }
    for path, value in leaves(parsed):
        if isinstance(value, list) and path not in entries:
            continue  # an array of tables: it has no text of its own
        start, end = entries[path].value
        assert tomli.loads(f"x = {text[start:end]}") == {"x": value}


def test_a_line_too_long_to_show_is_cut() -> None:
    place = place_in_line("a", 1, 3, "x" * 5_000, 4_000)
    assert len(place.text or "") == 400
    assert (place.column, place.width) == (3, 398)


def test_lines_that_seem_to_hold_a_secret_are_not_shown() -> None:
    assert mask_secrets('api_key = "omni_x"') == "api_key = ***"
    assert mask_secrets('url = "postgres://me:pw@host/db"') == 'url = "postgres://***@host/db"'
    assert mask_secrets('primary = "x"') == 'primary = "x"'

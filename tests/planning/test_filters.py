"""No member of a merged call has its filter narrowed, whichever way Omni reads two beside."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.desired import Mode
from reconcile.model.plan import Member
from reconcile.model.recorded import Coverage
from reconcile.planning.requests import UNFILTERED, Filter, covering_filter
from tests.planning.making import refresh

CATALOGS, SCHEMAS, TABLES = ("", "cat."), ("public", "sales"), ("orders", "users")
EVERY_TABLE = frozenset(
    (catalog + schema, table) for catalog, schema, table in product(CATALOGS, SCHEMAS, TABLES)
)
"""The tables of a little warehouse: the schema with its catalog, if any, and the name."""

SCHEMA_NAMES = st.sampled_from(sorted({schema for schema, _ in EVERY_TABLE}))
TABLE_NAMES = st.sampled_from(
    [f"{schema}.{table}" for schema, table in sorted(EVERY_TABLE)]
    + ["orders", "public.*", "*.orders", "*.*", "cat.*.users", "cat.sales.*"]
)
FILTERS = st.builds(
    Filter,
    st.sets(SCHEMA_NAMES, max_size=2).map(tuple),
    st.sets(TABLE_NAMES, max_size=2).map(tuple),
)


def member(narrowed: Filter) -> Member:
    coverage = Coverage(refresh("a").address)
    return Member(coverage, "id", Mode.SOFT, None, narrowed.schemas, narrowed.tables)


def meant(narrowed: Filter, *, both: bool) -> frozenset[tuple[str, str]]:
    """Read a filter as Omni may: of tables in the schemas AND of the list, or of either."""
    in_schemas = frozenset(t for t in EVERY_TABLE if t[0] in narrowed.schemas)
    listed = frozenset(t for t in EVERY_TABLE if any(names(n, t) for n in narrowed.tables))
    if not narrowed.schemas and not narrowed.tables:
        return EVERY_TABLE
    if not narrowed.schemas or not narrowed.tables:
        return in_schemas | listed
    return in_schemas & listed if both else in_schemas | listed


def names(pattern: str, table: tuple[str, str]) -> bool:
    """Tell whether a name in a filter is of a table; without a schema it is of any."""
    wanted, full = pattern.split("."), [*table[0].split("."), table[1]]
    if len(wanted) == 1:
        return wanted == full[-1:]
    return len(wanted) == len(full) and all(
        part in ("*", known) for part, known in zip(wanted, full, strict=True)
    )


@given(st.lists(FILTERS, min_size=1, max_size=4), st.booleans())
def test_no_member_is_narrowed_under_either_reading(  # F4
    filters: list[Filter],
    both: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    sent = covering_filter([member(own) for own in filters])
    for own in filters:
        assert meant(own, both=both) <= meant(sent, both=both)


@pytest.mark.parametrize(
    ("filters", "sent"),
    [
        ([Filter(("analytics",)), Filter((), ("public.orders",))], Filter(("analytics", "public"))),
        ([Filter(("a",)), Filter((), ("cat.public.orders",))], Filter(("a", "cat.public"))),
        ([Filter(("a",)), Filter((), ("public.*",))], Filter(("a", "public"))),
        ([Filter(("a",)), Filter((), ("orders",))], UNFILTERED),
        ([Filter(("a",)), Filter((), ("pub*.orders",))], UNFILTERED),
        ([Filter(("a",)), Filter((), ('"my.schema".orders',))], UNFILTERED),
        ([Filter(("a",)), UNFILTERED], UNFILTERED),
        ([Filter((), ("a.b",)), Filter((), ("orders",))], Filter((), ("a.b", "orders"))),
        (
            [Filter(("a",), ("a.x",)), Filter(("b",), ("b.y",))],
            Filter(("a", "b"), ("a.x", "b.y")),
        ),
        ([Filter(("a",), ("b.y",)), Filter(("c",))], Filter(("a", "b", "c"))),
        ([Filter(("a",), ("b.y",)), Filter((), ("c.z",))], Filter(("a", "b", "c"))),
    ],
)
def test_different_shapes_are_widened_to_the_schemas_concerned(  # F4
    filters: list[Filter], sent: Filter
) -> None:
    assert covering_filter([member(own) for own in filters]) == sent

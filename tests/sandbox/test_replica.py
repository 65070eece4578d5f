"""Reading a listing of an instance: the part that is wrong is named."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import ReconcileError
from reconcile.sandbox.instance import SeedConnection, SeedModel, seeds_in
from tests.sandbox.conftest import OPS, SALES

SCHEDULE = {"id": OPS, "cron": "0 9 * * ? *", "timezone": "UTC"}


def listing(**place: object) -> str:
    return json.dumps({"format_version": 1, "connections": [place]})


def test_what_a_listing_does_not_tell_is_not_there() -> None:
    text = listing(id=OPS, schedules=None, models=[{"id": SALES, "policies": None}])
    connection, model = seeds_in(text, "x.json")
    assert connection == SeedConnection(name=OPS, id=OPS, dialect="", database="")
    assert model == SeedModel("", SALES, OPS)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "the document"),
        ("[]", "the document"),
        ('{"format_version": 2}', "format_version"),
        ('{"format_version": 1, "connections": {}}', "connections"),
        ('{"format_version": 1, "connections": [7]}', "connections[0]"),
        (listing(id="lake"), "connections[0], id"),
        (listing(id=OPS, name=7), "connections[0], name"),
        (listing(id=OPS, deleted_at="soon"), "connections[0], deleted_at"),
        (listing(models=[{"id": None}]), "connections[0], models[0], id"),
        (listing(models=[{"id": SALES, "kind": "DREAM"}]), "models[0], kind"),
        (listing(models=[{"id": SALES, "policies": [1]}]), "models[0], policies[0]"),
        (listing(id=OPS, schedules=[{**SCHEDULE, "cron": "0 9"}]), "schedules[0], cron"),
        (listing(id=OPS, schedules=[{**SCHEDULE, "timezone": "X"}]), "schedules[0], timezone"),
        ("[" * 100_000, "the document"),
    ],
)
def test_a_wrong_part_is_named(text: str, where: str) -> None:
    with pytest.raises(ReconcileError) as caught:
        seeds_in(text, "x.json")
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "instance-file-invalid"
    assert f"{where}, what stands there" in diagnostic.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_any_document_is_read_or_refused(connections: object) -> None:
    with suppress(ReconcileError):
        seeds_in(json.dumps({"format_version": 1, "connections": connections}), "x.json")

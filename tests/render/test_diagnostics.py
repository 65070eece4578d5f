import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import Diagnostic, Place, Severity
from reconcile.render.diagnostics import annotation, caret, diagnostic_text, excerpt
from reconcile.render.documents import diagnostics_json
from reconcile.render.layout import cells
from tests.conftest import Snapshot
from tests.strategies import examples


def diagnostic(*places: Place, hint: str | None = None) -> Diagnostic:
    return Diagnostic(
        code="unknown-key",
        summary='unknown key "evry"',
        detail=(
            "[models.sales.refresh] has no such key, so nothing would come of it. "
            "Unknown keys are refused because a misspelled one would be silently ignored."
        ),
        hint=hint,
        places=places,
    )


SPOTS = (
    Place("reconcile.toml", 12, 1, 'evry = "6h"', 4),
    Place("sales.toml", 1200, 3, '\tx\t= "\x1b[31m売上" # ' + "y" * 300, 5),
    Place("wide.toml", 7, 200, "a" * 199 + "BAD" + "b" * 300, 3),
    Place("end.toml", 7, 4, "abc"),
    Place("whole.toml"),
)


@pytest.mark.parametrize("width", [80, 30])
def test_a_diagnostic_reads_well_at(width: int, snapshot: Snapshot) -> None:
    told = diagnostic(*SPOTS, hint='Write "every", then: reconcile validate')
    snapshot(f"diagnostic_{width}.txt", diagnostic_text(told, colour=False, width=width))


def test_a_command_to_be_copied_stays_on_one_line() -> None:
    command = f"uvx --from 'omni-reconcile @ {'x' * 80}' reconcile"
    told = diagnostic_text(diagnostic(hint=command), colour=False, width=40)
    assert told.splitlines()[-1] == f"hint: {command}"


def test_a_coloured_warning(snapshot: Snapshot) -> None:
    told = Diagnostic(
        code="c", summary="s", detail="d", hint="h", places=SPOTS[:1], severity=Severity.WARNING
    )
    text = diagnostic_text(told, colour=True, width=80)
    snapshot("diagnostic_colour.txt", text.replace("\x1b", "<ESC>"))


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in range(30, 120):
        text = diagnostic_text(diagnostic(*SPOTS), colour=False, width=width)
        assert max(map(cells, text.splitlines())) <= width


@pytest.mark.fault("Z11")
def test_a_line_break_in_a_name_cannot_forge_a_hint() -> None:
    forged = Diagnostic(code="c", summary="s\nhint: x", detail="d\nhint: run evil")
    lines = diagnostic_text(forged, colour=False, width=80).splitlines()
    assert not any(line.startswith("hint:") for line in lines)


def test_many_places_are_counted() -> None:
    text = diagnostic_text(diagnostic(*(SPOTS[-1:] * 14)), colour=False, width=80)
    assert "and 4 more places" in text


def test_a_cut_line_shows_what_stands_around_the_spot() -> None:
    line = "a" * 50 + "BAD" + "b" * 50
    assert excerpt(Place("f", 1, 51, line, 3), 24) == ("..." + "a" * 10, "BAD", "b" * 5 + "...")
    assert excerpt(Place("f", 1, 51, line, 53), 16) == ("...", "BAD" + "b" * 7 + "...", "")


@examples(500)
@given(
    st.text(st.characters(exclude_categories=())) | st.text("a.\t売\x1b"),
    st.integers(-3, 300),
    st.integers(-3, 300),
    st.integers(0, 120),
)
def test_any_spot_of_any_line_fits(text: str, column: int, width: int, room: int) -> None:
    before, marked, after = excerpt(Place("f", 1, column, text, width), room)
    assert cells(before + marked + after) <= max(room, 8)
    assert cells(caret(marked)) >= 1


def test_a_line_that_fits_is_shown_whole() -> None:
    assert excerpt(Place("f", 1, 9, "a" * 10, 1), 10) == ("a" * 8, "a", "a")
    assert excerpt(Place("f", 1, 3, "ab = 1", 1), 40) == ("ab", " ", "= 1")


def test_json_keeps_everything_raw() -> None:
    document = json.loads(diagnostics_json([diagnostic(SPOTS[1], hint="h")]))
    (told,) = document["diagnostics"]
    assert document["format_version"] == 1
    assert told["code"] == "unknown-key"
    assert told["severity"] == "error"
    assert told["places"][0]["text"] == SPOTS[1].text


@pytest.mark.fault("Z14")
def test_an_annotation_is_one_line_with_one_command() -> None:
    told = Diagnostic(
        code="c",
        summary="a, b: 100%",
        detail="x\n::add-mask::y",
        places=(Place("a,b:c.toml", 3, 5, "t"),),
    )
    assert annotation(told) == (
        "::error file=a%2Cb%3Ac.toml,line=3,col=5,title=c%3A a%2C b%3A 100%25::x%0A::add-mask::y\n"
    )

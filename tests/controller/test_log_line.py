import json

from reconcile.controller.situation import LogLine, diagnostic_line, log_json, log_text
from reconcile.errors import Diagnostic, Place
from tests.planning.making import NOON
from tests.render.foreign import MEANT

HOSTILE = "::error::\n" + "".join(MEANT) + ' "quoted" =x'


def test_a_line_is_words_that_can_be_cut_apart() -> None:
    line = LogLine(NOON, "info", "cycle", {"verdict": "done", "took_s": 1.23456, "next": None})
    assert log_text(line) == "2026-11-22T12:00:00Z info cycle verdict=done took_s=1.235"


def test_whatever_is_logged_is_one_line_of_plain_characters() -> None:
    line = LogLine(NOON, "warning", "item-failed", {"message": HOSTILE, "long": "x" * 10_000})
    text, document = log_text(line), log_json(line)
    assert text.isprintable()
    assert len(text) < 4_000
    assert not text.startswith("::")
    assert document.isascii()
    assert "\n" not in document
    assert json.loads(document)["message"] == HOSTILE


def test_a_diagnostic_is_one_line_with_its_place() -> None:
    diagnostic = Diagnostic(
        code="x-y", summary="Wrong", detail="It is wrong.", places=(Place("a.toml", 3),)
    )
    text = log_text(diagnostic_line(diagnostic, NOON, "files-refused"))
    assert text.endswith(
        'error files-refused code=x-y summary=Wrong place=a.toml:3 detail="It is wrong."'
    )

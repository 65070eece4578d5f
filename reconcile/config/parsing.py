"""From text to plain TOML values, and from a syntax error to what the person did."""

import re
from typing import Any

import tomli

from reconcile.config.codes import diagnose
from reconcile.config.places.finding import Atlas, place_in_line
from reconcile.config.places.lexicon import DOT, KEY_PART
from reconcile.config.places.segments import cut_segments, split_key
from reconcile.config.prescan import prescan, refuse_nesting
from reconcile.config.problems import LeafError
from reconcile.config.reading import Source
from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError

_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7}) |^={7}$", re.MULTILINE)
_MANY_DIGITS = re.compile(r"[0-9_]{4000}[0-9_]*+")
_HEADER_OR_KEY = re.compile(rf"[ \t]*+(\[?)(\[?)[ \t]*+((?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+)")


def parse_source(source: Source) -> dict[str, Any]:
    """Parse one text; raise `ReconcileError` with the place of the first syntax error in it."""
    try:
        prescan(source.text)
        return tomli.loads(source.text)
    except LeafError as error:
        raise _refused(source, error) from None
    except tomli.TOMLDecodeError as error:
        raise ReconcileError(_explain(source, error)) from None
    except RecursionError:
        raise _refused(source, refuse_nesting(source.text)) from None
    except ValueError:
        # Python itself refuses to read integers of more than 4,300 digits.
        digits = _MANY_DIGITS.search(source.text)
        place = Atlas(source).spot(*digits.span()) if digits else Place(source.name)
        detail = "A number has more digits than can be read."
        raise ReconcileError(diagnose("invalid-toml", detail, places=(place,))) from None


def _refused(source: Source, error: LeafError) -> ReconcileError:
    offset = error.offset or 0
    place = Atlas(source).spot(offset, offset + 1)
    return ReconcileError(diagnose(error.code, error.detail, places=(place,)))


def _explain(source: Source, error: tomli.TOMLDecodeError) -> Diagnostic:
    if conflict := _CONFLICT.search(source.text):
        place = Atlas(source).spot(*conflict.span())
        return diagnose(
            "conflict-markers",
            "The file still holds the marks git leaves where two changes met, so it says two "
            "things at once.",
            hint="Keep one of the two versions and remove the lines with <<<<<<<, ======= and "
            ">>>>>>>.",
            places=(place,),
        )
    lines = source.text.split("\n", error.lineno)
    line = lines[error.lineno - 1] if len(lines) >= error.lineno else ""
    here = place_in_line(source.name, error.lineno, error.colno, line, 1)
    if error.msg.startswith(("Cannot declare", "Cannot overwrite")):
        start = len(line) - len(line.lstrip()) + 1
        here = place_in_line(source.name, error.lineno, start, line, len(line.strip()))
        return _declared_twice(source, error.lineno, line, here)
    return diagnose(
        "invalid-toml",
        f"The parser stopped here: {error.msg[0].lower()}{error.msg[1:]}.",
        hint="Text needs quotes; times of day and durations are text here.",
        places=(here,),
    )


def _declared_twice(source: Source, number: int, line: str, here: Place) -> Diagnostic:
    places: tuple[Place, ...] = (here,)
    match = _HEADER_OR_KEY.match(line)
    before = "\n".join(source.text.split("\n", number)[: number - 1])
    if match and match[1] and (span := _earlier_header(before, split_key(match[3]))):
        places = (here, Atlas(source).spot(*span))
    return diagnose(
        "declared-twice",
        "The same key or table is written twice, and TOML does not say which one would count.",
        hint="Keep one of the two, or give one of them another name.",
        places=places,
    )


def _earlier_header(text: str, keys: tuple[str, ...]) -> tuple[int, int] | None:
    for segment in cut_segments(text):
        if segment.body and segment.path == keys:
            return segment.header, segment.body
    return None

"""Words what is wrong with a file, at its place, and understands what it can of the rest."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from itertools import islice
from typing import Any, TypeVar

from pydantic import ValidationError

from reconcile.config import toml
from reconcile.config.tables import Document, Shaped, Table, known_keys, names_credential
from reconcile.config.values import LONGEST_NAME, did_you_mean
from reconcile.errors import (
    MESSAGES,
    MOST_PROBLEMS,
    Diagnostic,
    KeyPath,
    Problem,
    Problems,
    Spot,
    Where,
    diagnose,
)
from reconcile.model.address import quote_key

TableT = TypeVar("TableT", bound=Table)

_Detail = Mapping[str, Any]
"""One thing that pydantic refuses: its `type`, where it stands as `loc`, and a `ctx`."""

_Refused = Mapping[KeyPath, list[_Detail]]

_STAND_INS: Mapping[str, Mapping[str, object]] = {
    "freeze": {"name": "not understood", "allow": ["00:00-24:00"]},
    "select": {"name": "not understood"},
}
"""What takes the place of an element that was refused, so that those after it keep their numbers.

Only these arrays of tables exist.
"""


def understand(
    source: int, raw: dict[str, Any], error: ValidationError, problems: Problems
) -> Shaped:
    """Keep every problem with the shape of a parsed file, and return what is sound of it.

    What is refused is taken out of `raw` and the rest understood, so that the mistakes in it are
    found in the same run.
    """
    refused = _refused(raw, error)
    _word_all(source, raw, refused, Document, problems)
    if len(refused) > MOST_PROBLEMS:
        # So much is wrong that what is left of the file would only mislead.
        return Shaped(source, Document(), frozenset([()]), frozenset([()]))
    document, removed = _understand_rest(raw, refused)
    broken = removed | {path[:-1] for path in removed}
    return Shaped(source, document, removed, broken)


def check_table(shape: type[TableT], raw: dict[str, Any], problems: Problems) -> TableT | None:
    """Return what the only file of its kind holds, or None after keeping every problem with it."""
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        _word_all(0, raw, _refused(raw, error), shape, problems)
    return None


def _refused(raw: dict[str, Any], error: ValidationError) -> _Refused:
    """Return what pydantic refused by the path of the value in the file."""
    found: dict[KeyPath, list[_Detail]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        found.setdefault(_path_in(raw, detail), []).append(detail)
    # An array of the wrong things fails as "not text" too; the element is the better place.
    inside = {path[:-1] for path in found if path and isinstance(path[-1], int)}
    return {
        path: several
        for path, several in found.items()
        if path not in inside or several[0]["type"] not in EXPECTED
    }


def _understand_rest(raw: dict[str, Any], refused: _Refused) -> tuple[Document, frozenset[KeyPath]]:
    """Take refused keys out until what is left is whole: a table may need what it lost."""
    removed = set[KeyPath]()
    while True:
        refused_now = {_removable(path, found) for path, found in refused.items()}
        for path in sorted(refused_now, key=len, reverse=True):
            _remove(raw, path)
        removed |= refused_now
        try:
            return Document.model_validate(raw), frozenset(removed)
        except ValidationError as error:
            refused = _refused(raw, error)


def _path_in(raw: dict[str, Any], error: _Detail) -> KeyPath:
    """Leave out of pydantic's path what names a branch of a union and not a key."""
    path: KeyPath = ()
    node: Any = raw
    for part in error["loc"]:
        is_key = isinstance(node, dict) and part in node
        if is_key or (isinstance(node, list) and isinstance(part, int)):
            path = (*path, part)
            node = node[part]
    if error["type"] == "missing":
        return (*path, error["loc"][-1])
    return path


def _lookup(raw: Any, path: KeyPath) -> Any:
    node: Any = raw
    for part in path:
        if isinstance(node, dict) and part not in node:
            return None
        node = node[part]
    return node


def _removable(path: KeyPath, errors: list[_Detail]) -> KeyPath:
    """Choose what to take out: whole keys and whole tables, never one element of a list."""
    if errors[0]["type"] == "missing":
        path = path[:-1]
    if path[:1] in {(name,) for name in _STAND_INS}:
        return path[:2]
    first_number = next((n for n, part in enumerate(path) if isinstance(part, int)), len(path))
    return path[:first_number]


def _remove(raw: Any, path: KeyPath) -> None:
    node: Any = _lookup(raw, path[:-1])
    if isinstance(node, list):
        node[int(path[-1])] = dict(_STAND_INS[str(path[0])])
    elif node is not None:
        node.pop(path[-1], None)


EXPECTED = {
    "string_type": "text in quotes",
    "tuple_type": "an array",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite one",
    "bool_type": "true or false",
    "datetime_type": "a date-time with an offset",
    "model_type": "a table",
    "dict_type": "a table",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
}
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (datetime, "a date-time"),
    (date, "a date"),
    (time, "a time"),
    (list, "an array"),
    (dict, "a table"),
)


def _word_all(
    source: int, raw: dict[str, Any], refused: _Refused, shape: type[Table], problems: Problems
) -> None:
    for path, details in islice(refused.items(), MOST_PROBLEMS):
        _word(Where(source, path), _lookup(raw, path), details, shape, problems)
    problems.left_out += max(0, len(refused) - MOST_PROBLEMS)


def _word(
    where: Where, value: object, errors: list[_Detail], shape: type[Table], problems: Problems
) -> None:
    """Keep one problem for everything pydantic found wrong with one value."""
    first, name = errors[0], str(where.path[-1])[:LONGEST_NAME]
    kinds = {error["type"]: error for error in errors}
    if first["type"] == "extra_forbidden":
        _word_unknown(where, name, value, known_keys(where.path[:-1], shape), problems)
    elif first["type"] == "missing":
        detail = f"`{name}` has to be given here; there is no default that would be right."
        there = Where(where.source, where.path[:-1]).table()
        problems.add("missing-key", there, detail, f'Add {name} = "...".')
    elif "timezone_aware" in kinds and isinstance(value, datetime):
        text = value.isoformat()
        detail = f"{text} has no offset from UTC: it is another instant in every time zone."
        hint = f"Add the offset it is meant in, for instance {text}Z for UTC."
        problems.add("no-offset", where, detail, hint)
    elif first["type"] == "literal_error":
        detail = f"`{name}` has to be one of {first['ctx']['expected']}, spelled like that."
        choices = re.findall(r"'(.*?)'", first["ctx"]["expected"])
        near = get_close_matches(str(value)[:LONGEST_NAME].lower(), choices, n=1)
        problems.add("not-one-of", where, detail, f'{name} = "{near[0]}"' if near else None)
    elif bound := next((kind for kind in kinds if kind in _BOUNDS), None):
        key, words = _BOUNDS[bound]
        limit = kinds[bound]["ctx"][key]
        bound = f"{limit:,.0f}" if limit == int(limit) else f"{limit:g}"
        problems.add("out-of-range", where, f"`{name}` has to be {words} {bound}.")
    else:
        _word_type(where, name, value, errors, problems)


_ELSEWHERE = {
    "interval": "every",
    "schedule": "cron",
    "time": "at",
    "url": "base_url",
    "path": "url",
}
"""What other tools call a key of ours; each holds only where the table has that key."""


def _word_unknown(
    where: Where, name: str, value: object, known: tuple[str, ...], problems: Problems
) -> None:
    if names_credential(name):
        problems.add(
            "secret-in-file",
            where.key(),
            f"`{name}` looks like a credential. None is read from files, because files are shared.",
            "Set OMNI_API_KEY and OMNI_BASE_URL in the environment of whoever runs the command.",
        )
        return
    choices = ", ".join(f"`{key}`" for key in known)
    detail = f"`{name}` is not a key of this table. It can hold {choices}."
    hint = did_you_mean(name, known) or did_you_mean(_ELSEWHERE.get(name.lower(), ""), known)
    kind, *owner = (*map(str, where.path[:-1]), "")
    if hint is None and kind in {"models", "connections"} and len(owner) == 2:  # noqa: PLR2004 -- its name, and nothing
        is_model = isinstance(value, dict) and value.keys() & {*known}
        dotted = f'"{owner[0][:LONGEST_NAME]}.{name}"'
        hint = f"A dot in a name needs quotes: [{kind}.{dotted}]" if is_model else None
    problems.add("unknown-key", where.key(), detail, hint)


def _word_type(
    where: Where, name: str, value: object, errors: list[_Detail], problems: Problems
) -> None:
    wanted = list(dict.fromkeys(EXPECTED.get(e["type"], "something else") for e in errors))
    kind = next((words for known, words in _KINDS if isinstance(value, known)), "something else")
    if isinstance(where.path[-1], int):
        name = f"element {where.path[-1] + 1} of {where.path[-2]}"
    hint = _hint_of_type(where.path, name, value, wanted)
    detail = f"`{name}` is {kind} here, and takes {' or '.join(wanted)}."
    problems.add("wrong-type", where, detail, hint)


_INSIDE = {"refresh": 'every = "6h"', "pause": 'reason = "why"', "state": 'url = "state.json"'}
_DURATIONS = {"every", "deadline", "spread", "timeout", "coalesce_within", "lock_ttl"}
_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


def _hint_of_type(path: KeyPath, name: str, value: object, wanted: list[str]) -> str | None:
    """Say what to write instead, where a value of the wrong type tells what was meant."""
    dotted = ".".join(quote_key(str(part)) for part in path)
    match value:
        case time():
            return f'Put it in quotes: "{value:%H:%M}".'
        case _ if path in {("freeze",), ("select",)}:
            return f"Write it as [[{name}]], with two brackets."
        case list() if "a table" in wanted:
            return f"Write it as [{dotted}{'.NAME' if len(path) == 1 else ''}], with one bracket."
        case str() | int() | float() if path[2:3] == ("cache",) and len(path) == 4:  # noqa: PLR2004
            owner = ".".join(quote_key(str(part)) for part in path[:-1])
            return f"A reset belongs to a policy: put `{name}` below [{owner}.POLICY]."
        case True if name == "pause":
            return 'pause = { reason = "why" }'
        case bool():
            return None
        case int() if name in _DURATIONS:
            return f'Write a number with a unit, in quotes, such as {name} = "{value}h".'
        case str() if wanted == ["a table"] and name in _INSIDE:
            return f"{name} = {{ {_INSIDE[name]} }}"
        case str() if wanted == ["an array"] and '"' not in value:
            return f'{name} = ["{value[:LONGEST_NAME]}"]'
        case str() if wanted == ["true or false"] and value.lower() in _YES | _NO:
            return f"{name} = {'true' if value.lower() in _YES else 'false'}"
        case str() if wanted == ["a whole number"] and value.isdecimal():
            return f"{name} = {value[:LONGEST_NAME]}"
        case _:
            return None


def placed(problems: Problems, *sources: toml.Source) -> list[Diagnostic]:
    """Turn problems into diagnostics, now that their places have to be known."""
    atlases = [toml.Atlas(source) for source in sources]
    return [
        diagnose(
            problem.code,
            problem.detail,
            hint=problem.hint,
            places=tuple(atlases[where.source].find(where) for where in problem.where),
            severity=problem.severity,
            headline=_headline(problem),
        )
        for problem in problems.found()
    ]


def _headline(problem: Problem) -> str:
    """Name the culprit after what the code says: the key and its table, never a value."""
    said = MESSAGES[problem.code].headline
    where = problem.where[0]
    keys = list(where.path)
    while keys and isinstance(keys[-1], int) and len(keys) > 2:  # noqa: PLR2004 -- of a value
        keys.pop()
    if not keys:
        return said
    if where.spot is Spot.TABLE or isinstance(keys[-1], int):
        return f"{said}: {_header_text(keys)}"
    key = quote_key(str(keys[-1])[: toml.LONGEST_NAMED])
    place = f" in {_header_text(keys[:-1])}" if keys[1:] else ""
    if problem.code == "unknown-key":
        return f'{said} "{keys[-1]}"{place}' if key == keys[-1] else f"{said} {key}{place}"
    return f"{said}: {key}{place}"


def _header_text(path: Sequence[str | int]) -> str:
    """Spell a table as its header; that of an array with its number, from 1."""
    name, *rest = (
        quote_key(part[: toml.LONGEST_NAMED]) if isinstance(part, str) else part for part in path
    )
    if not rest or not isinstance(rest[0], int):
        return f"[{'.'.join(map(str, (name, *rest)))}]"
    below = "".join(f".{part}" for part in rest[1:])
    return f"[[{name}]] {rest[0] + 1}{below}"

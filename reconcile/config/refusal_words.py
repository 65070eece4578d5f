"""Words what pydantic refuses for the person who wrote it."""

from collections.abc import Callable
from datetime import date, datetime, time

from pydantic_core import ErrorDetails

from reconcile.config.known_keys import known_keys, names_credential
from reconcile.config.names import LONGEST_NAME, did_you_mean
from reconcile.config.problems import KeyPath, Problems, Where

EXPECTED = {
    "string_type": "text in quotes",
    "tuple_type": "an array",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "datetime_type": "a date-time with an offset",
    "dataclass_type": "a table",
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


def word_refusal(
    where: Where,
    value: object,
    errors: list[ErrorDetails],
    problems: Problems,
    known: Callable[[KeyPath], tuple[str, ...]] = known_keys,
) -> None:
    """Keep one problem for everything pydantic found wrong with one value.

    `known` tells which keys a table can hold, in the kind of file this is.
    """
    first, name = errors[0], str(where.path[-1])[:LONGEST_NAME]
    kinds = {error["type"]: error for error in errors}
    if first["type"] == "unexpected_keyword_argument":
        _word_unknown(where, name, known(where.path[:-1]), problems)
    elif first["type"] == "missing":
        detail = f"`{name}` has to be given here; there is no default that would be right."
        problems.add("missing-key", Where(where.source, where.path[:-1]).table(), detail)
    elif "timezone_aware" in kinds and isinstance(value, datetime):
        text = value.isoformat()
        detail = f"{text} has no offset from UTC: it is another instant in every time zone."
        hint = f"Add the offset it is meant in, for instance {text}Z for UTC."
        problems.add("no-offset", where, detail, hint)
    elif first["type"] == "literal_error":
        detail = f"`{name}` has to be one of {first['ctx']['expected']}, spelled like that."
        problems.add("not-one-of", where, detail)
    elif bound := next((kind for kind in kinds if kind in _BOUNDS), None):
        key, words = _BOUNDS[bound]
        limit = kinds[bound]["ctx"][key]
        problems.add("out-of-range", where, f"`{name}` has to be {words} {limit:g}.")
    else:
        _word_type(where, name, value, errors, problems)


def _word_unknown(where: Where, name: str, known: tuple[str, ...], problems: Problems) -> None:
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
    problems.add("unknown-key", where.key(), detail, did_you_mean(name, known))


def _word_type(
    where: Where, name: str, value: object, errors: list[ErrorDetails], problems: Problems
) -> None:
    wanted = list(dict.fromkeys(EXPECTED.get(e["type"], "something else") for e in errors))
    kind = next((words for known, words in _KINDS if isinstance(value, known)), "something else")
    if isinstance(where.path[-1], int):
        name = f"element {where.path[-1] + 1} of {where.path[-2]}"
    hint = None
    if isinstance(value, time):
        hint = f'Put it in quotes: "{value:%H:%M}".'
    elif where.path in {("freeze",), ("select",)}:
        hint = f"Write it as [[{where.path[0]}]], with two brackets."
    detail = f"`{name}` is {kind} here, and takes {' or '.join(wanted)}."
    problems.add("wrong-type", where, detail, hint)

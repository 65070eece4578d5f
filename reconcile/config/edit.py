"""Edits files for a person: `fmt`, `init`, `import`, `lock`. A comment is never lost."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from itertools import pairwise
from pathlib import Path
from typing import Any

import tomli
import tomlkit
from msgspec import Struct
from tomlkit.container import Container
from tomlkit.items import (
    AoT,
    Array,
    Comment,
    InlineTable,
    Item,
    Key,
    String,
    Table,
    Trivia,
    Whitespace,
)

from reconcile.config import toml
from reconcile.config.load import load, load_text
from reconcile.config.merge import FORMS, LOCK_NAME, locked_in
from reconcile.config.tables import known_keys
from reconcile.config.values import check_uuid
from reconcile.config.writer import replace_content
from reconcile.errors import (
    Diagnostic,
    KeyPath,
    LeafError,
    Place,
    ReconcileError,
    Severity,
    diagnose,
    fail,
)
from reconcile.model.address import fold_id, quote_key, refresh_address
from reconcile.model.desired import Desired, LockFile
from reconcile.model.observed import Imported, ImportedModel, Mentioned

_MARK = b"\xef\xbb\xbf"
_STRING_OR_COMMENT = re.compile(rf"(?P<string>{toml.STRING})|(?P<comment>{toml.COMMENT})")


class Edited(Struct, frozen=True):
    """One file: its text as it is and as it would be, with LF line ends, and its new bytes.

    `read`: the bytes it had; none where there was no file.
    """

    path: Path
    before: str
    after: str
    content: bytes
    read: bytes

    @property
    def changed(self) -> bool:
        """Tell whether there is anything to write."""
        return self.content != self.read

    def diff(self) -> list[str]:
        """Return what is another line in the new text, as `diff -u` shows it."""
        name, texts = str(self.path), (self.before.split("\n"), self.after.split("\n"))
        # Without a line of text that differs, it is the line ends or the end of the file.
        return [*unified_diff(*texts, name, name, lineterm="")] or [
            f"{name}: only line ends differ"
        ]

    def save(self) -> None:
        """Put the new content in place, whole. Raises ReconcileError."""
        try:
            replace_content(self.path, self.content, self._require_as_read)
        except OSError as error:
            raise _not_written(self.path, error.strerror or error) from None

    def _require_as_read(self) -> None:
        if self.read != (self.path.read_bytes() if self.path.exists() else b""):
            why = "Somebody else wrote it since it was read. It is as they left it."
            raise _about(self.path, "file-not-written", why, "Run the command again.")


def formatted(locations: toml.Locations) -> tuple[Edited, ...]:
    """Return every file of a desired state in canonical form; nothing is written.

    Raises ReconcileError: a desired state with errors is not touched.
    """
    load(locations)
    files = (path for location in toml.paths_of(locations) for path in toml.list_files(location))
    return tuple(format_file(path, *read_file(path)) for path in toml.once(files))


def format_file(path: Path, content: bytes, before: str) -> Edited:
    """Return one file in canonical form, whatever else belongs to its desired state.

    `before`: the text of `content`. Raises ReconcileError for what is no TOML.
    """
    said = toml.parse_source(_source(path, before))
    try:
        after = format_text(before)
    except ValueError as error:
        raise _left_alone(path, str(error)) from None
    if said != tomli.loads(after) or comments_of(before) != comments_of(after):
        raise _left_alone(path, "Its canonical form would not say the same, or lose a comment.")
    return edited(path, content, after)


def _left_alone(path: Path, why: str) -> ReconcileError:
    return _about(path, "format-unsafe", why, "reconcile explain format-unsafe")


def edited(path: Path, content: bytes, after: str) -> Edited:
    """Spell a new text as the file's old content is: with its BOM, and its first line end."""
    first, _, _ = content.partition(b"\n")
    line_end = "\r\n" if first.endswith(b"\r") else "\n"
    mark = _MARK if content.startswith(_MARK) else b""
    new = mark + after.replace("\n", line_end).encode()
    return Edited(path, toml.decode_text(content), after, new, content)


def comments_of(text: str) -> list[str]:
    """List the comments of valid TOML in a stable order."""
    found = _STRING_OR_COMMENT.finditer(text)
    return sorted(m.group().rstrip() for m in found if m.lastgroup == "comment")


def _not_written(path: Path, why: object) -> ReconcileError:
    detail = f"{why}. The file is as it was."
    return _about(path, "file-not-written", detail, "reconcile explain file-not-written")


def _about(path: Path, code: str, detail: str, hint: str) -> ReconcileError:
    return fail(code, detail, hint=hint, places=(Place(str(path)),))


# Adds what an instance has to a file: what is there stays as it is, to the byte.


Sources = tuple[toml.Source, ...]


def mentioned(sources: Sources) -> Mentioned:
    """Return the names and ids that sources use. Raises ReconcileError if one is not TOML."""
    models: list[tuple[str, object]] = []
    connections: set[object] = set()
    selects: list[object] = []
    for source in sources:
        document = toml.parse_source(source)
        models += toml.table_in(document, "models").items()
        connections |= toml.table_in(document, "connections").keys()
        selects += document.get("select", ())
    tables = [table for _, table in models if isinstance(table, dict)]
    ids = frozenset(one.lower() for table in tables if isinstance(one := table.get("id"), str))
    connections |= {one.get("connection") for one in (*tables, *selects) if isinstance(one, dict)}
    return Mentioned(
        ids,
        frozenset(name for name, _ in models),
        frozenset(name for name in connections if isinstance(name, str)),
        {one.model_id: one.name for one in locked_in(sources)[1].models if one.model_id not in ids},
    )


def leaving(added: Mapping[str, str], file: Edited, beside: Sources) -> Iterator[Diagnostic]:
    """Warn of each model (id by name) that a selection stood for until `file` was edited."""
    locked = mentioned((_source(file.path, file.before), *beside)).locked
    for name, model_id in added.items():
        if model_id in locked:
            yield diagnose(
                "leaves-select",
                f"Declared by hand, models.{quote_key(name)} no longer takes its refresh and its "
                "cache resets from a [[select]].",
                severity=Severity.WARNING,
            )


def with_imported(path: Path, added: Imported, *, every: str, beside: Sources = ()) -> Edited:
    """Return the file with tables added below its last model, or a new one; nothing is written.

    A new one beside others holds nothing else: sections of its own could change what they mean.
    `every`: the interval of each refresh, unless defaults have a cadence. `beside`: the other files
    of its desired state. No item does anything about a slot that has passed already. Raises
    ReconcileError, also for what would be wrong with the result.
    """
    start = "" if beside else starter_text()
    content, before = read_file(path) if os.path.lexists(path) else (b"", start)
    cadence = "" if _has_cadence(_source(path, before), *beside) else f"every = {_string(every)}\n"
    tables = [*_connections(added), *_models(added, cadence)]
    return edited(path, content, _inserted(path, before, tables, beside))


def sources_beside(location: Path, path: Path) -> Sources:
    """Return the other files of a directory, which are one desired state with the one at `path`.

    The lock file is none of them. A file that is named alone has none beside it. Raises
    ReconcileError.
    """
    if not location.is_dir():
        return ()
    try:
        files = toml.list_files(location)
    except LeafError:  # There is none yet.
        return ()
    others = (file for file in files if file.absolute() != path.absolute())
    sources = (_source(file, read_file(file)[1]) for file in others if file.name != LOCK_NAME)
    return tuple(sources)


def _source(path: Path, text: str) -> toml.Source:
    return toml.Source(str(path), text, path.absolute().parent)


def _has_cadence(*sources: toml.Source) -> bool:
    """Tell whether a refresh inherits when it is due."""
    defaults = (toml.table_in(toml.parse_source(source), "defaults") for source in sources)
    return any(FORMS.keys() & toml.table_in(table, "refresh").keys() for table in defaults)


def _inserted(
    path: Path, before: str, tables: list[str], beside: Sources, *, unlocked: bool = True
) -> str:
    """Add tables below the last model, or at the end; all else stays as it is, to the byte.

    `beside`: the other files of its desired state. Raises ReconcileError for what is wrong with
    the result.
    """
    last = [part for part in toml.cut_segments(before) if part.path[:1] == ("models",)]
    position = len(before)
    if last:
        # The line after the table's last statement, or else its header.
        ends = [entry.value[1] for entry in toml.read_entries(before, last[-1]).values()]
        end = before.find("\n", max(ends, default=last[-1].body))
        position = len(before) if end < 0 else end + 1
    head, following = before[:position], before[position:]
    if head and not head.endswith("\n"):
        head += "\n"
    added = "\n".join(tables)
    gap = "\n" if head else ""
    after = f"{head}{gap}{added}{following}" if tables else before
    load_text(after, str(path), path.absolute().parent, unlocked=unlocked, beside=beside)
    if tables and tomlkit.parse(after).unwrap() != _together(
        tomli.loads(before), tomli.loads(added)
    ):
        raise _not_written(path, "What was added would change the meaning of something else")
    return after


def _together(there: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """Put tables into others of the same name, as TOML does."""
    both = {key: _together(there[key], added[key]) for key in there.keys() & added.keys()}
    return {**there, **added, **both}


def _connections(added: Imported) -> Iterator[str]:
    for connection in added.connections:
        if connection.is_new:
            key = quote_key(connection.name)
            yield f"[connections.{key}]\nid = {_string(connection.connection_id)}\n"
        for name, spec in connection.schedules:
            key = f"connections.{quote_key(connection.name)}.schedules.{quote_key(name)}"
            yield (
                f"[{key}]\ncron = {_string(spec.cron)}\ntimezone = {_string(spec.zone)}\n"
                f"hard = {'true' if spec.hard else 'false'}\n"
            )


def _models(added: Imported, cadence: str) -> Iterator[str]:
    for model in added.models:
        key = f"models.{quote_key(model.name)}"
        place = f"connection = {_string(model.connection)}\n" if model.connection else ""
        yield f"[{key}]{_remark(model)}\nid = {_string(model.model_id)}\n{place}"
        yield f'[{key}.refresh]\n{cadence}on_change = "next"\n'
        for policy in model.policies:
            follows = _string(refresh_address(model.name))
            yield f'[{key}.cache.{quote_key(policy)}]\non_change = "next"\nafter = {follows}\n'


def _remark(model: ImportedModel) -> str:
    """Show Omni's name beside ours, where it is another and can be shown in one line."""
    title = model.title or ""
    shown = title.isprintable() and title.strip() and title != model.name
    return f"  # {title[:80]}" if shown else ""


def _string(text: str) -> str:
    return tomlkit.string(text).as_string()


# Starts a file, and adds models to one: what is there stays as it is, to the byte.

_STATE_URL = '"state/reconcile.json"'
_PAIR = re.compile(r"(?P<name>.+)=(?P<id>[^=]+)", re.DOTALL)


def parse_models(pairs: list[str]) -> dict[str, str]:
    """Read `NAME=UUID` pairs. Raises ReconcileError `bad-model`."""
    models: dict[str, str] = {}
    for pair in pairs:
        match = _PAIR.fullmatch(pair)
        if match is None or match["name"] in models:
            raise _bad_model(f'"{pair[:120]}" is not a name, an equals sign and a UUID, given once')
        try:
            models[match["name"]] = check_uuid(match["id"])
        except LeafError as error:
            raise _bad_model(f'"{pair[:120]}": {error.detail.rstrip(".")}') from None
    return models


def start(
    path: Path, models: Mapping[str, str], state_url: str | None = None, beside: Sources = ()
) -> None:
    """Create a commented file with these models, and its state there if not beside it.

    `beside`: the other files of its desired state; it then holds no more than its state and models.
    Raises ReconcileError; never replaces a file.
    """
    starter = starter_text()
    if state_url is not None:
        starter = starter.replace(_STATE_URL, _string(state_url), 1)
    if beside:
        if state_url is None:
            raise _exists(path.parent, "Other files of the folder are a desired state already.")
        starter = f"[state]\nurl = {_string(state_url)}\n"
    tables = _new_models(models, inherits=_has_cadence(*beside))
    text = _inserted(path, starter, tables, beside) if models or beside else starter
    try:
        with path.open("xb") as stream:
            stream.write(text.encode())
    except FileExistsError:
        raise _exists(path, "init starts a file and never replaces one.") from None
    except OSError as error:
        raise _not_written(path, error.strerror or error) from None


def _exists(path: Path, why: str) -> ReconcileError:
    return _about(path, "file-exists", why, "reconcile init --model NAME=UUID")


def starter_text() -> str:
    """Return the commented file that everybody begins with."""
    return Path(__file__).with_name("starter.toml").read_text(encoding="utf-8")


def with_models(path: Path, models: Mapping[str, str], beside: Sources = ()) -> Edited:
    """Return the file with models added that its desired state lacks; nothing is written.

    `beside`: the other files of it, to which it may be a new one. Raises ReconcileError: a file
    that is not valid TOML, a model that is there with another id, or what would be wrong then.
    """
    content, before = read_file(path) if os.path.lexists(path) else (b"", "")
    sources = (_source(path, before), *beside)
    declared = [toml.table_in(toml.parse_source(source), "models") for source in sources]
    missing = {
        name: model_id
        for name, model_id in models.items()
        if not any(name in known for known in declared)
    }
    for name in models.keys() - missing.keys():
        ids = [toml.table_in(known, name).get("id") for known in declared]
        if models[name] not in (fold_id(one) for one in ids if isinstance(one, str)):
            raise _bad_model(f'The file has a model "{name}" already, with another id')
    tables = _new_models(missing, inherits=_has_cadence(*sources))
    return edited(path, content, _inserted(path, before, tables, beside, unlocked=False))


def _new_models(models: Mapping[str, str], *, inherits: bool) -> list[str]:
    cadence = "" if inherits else 'every = "24h"\n'
    return [
        f'[models.{quote_key(name)}]\nid = "{model_id}"\n\n'
        f"[models.{quote_key(name)}.refresh]\n{cadence}"
        for name, model_id in models.items()
    ]


def read_file(path: Path) -> tuple[bytes, str]:
    """Return a file's bytes, and its text with LF line ends. Raises ReconcileError."""
    try:
        content = toml.read_bounded(path)
        return content, toml.decode_text(content)
    except LeafError as error:
        raise ReconcileError(toml.at_file(error, path)) from None


def _bad_model(detail: str) -> ReconcileError:
    hint = "reconcile init --model sales=bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
    return fail("bad-model", f"{detail}.", hint=hint)


# Writes the lock file anew, from what it was and what the instance has.


_LOCK_HEAD = """\
# Which models the [[select]] blocks stand for. `reconcile lock` writes this file: commit it, and
# a review shows which models join or leave. Change the [[select]] blocks, not this.
"""


class Relocking(Struct, frozen=True):
    """What is declared by hand, where the lock file is, and what it held that still counts.

    `read`: the bytes it had.
    """

    desired: Desired
    path: Path
    before: LockFile
    read: bytes

    def save(self, lock: LockFile) -> None:
        """Write the lock file, whole. Raises ReconcileError."""
        file = edited(self.path, self.read, encode_lock(lock))
        if file.changed:
            file.save()


def encode_lock(lock: LockFile) -> str:
    """Spell a lock file, sorted by name so that a change of it is short."""
    document = tomlkit.parse(_LOCK_HEAD)
    document.add(tomlkit.nl())
    made_for = tomlkit.array()
    for text in lock.made_for:
        made_for.add_line(_encodable(text), indent="  ")
    made_for.add_line(indent="")
    document.add("made_for", made_for)
    models = tomlkit.table(is_super_table=True)
    for model in sorted(lock.models, key=lambda model: model.name):
        table = tomlkit.table()
        table.add("id", model.model_id)
        # In the order of `fmt`, which otherwise would undo what `lock` writes.
        if model.connection:
            table.add("connection", model.connection)
        if model.title is not None:
            table.add("title", _encodable(model.title))
        table.add("select", model.selection)
        models.add(model.name, table)
    if lock.models:
        document.add("models", models)
    return document.as_string()


def _encodable(text: str) -> str:
    """Put question marks in the place of lone surrogates, which Omni's JSON may hold."""
    return text.encode("utf-8", "replace").decode()


def open_lock(locations: toml.Locations) -> Relocking:
    """Load what is declared by hand, and the names that models are locked under.

    A lock file that cannot be read is no obstacle to writing another. Raises ReconcileError for
    what is wrong with the files.
    """
    loaded = load(locations, unlocked=True)
    desired = loaded.desired
    path, before = locked_in(loaded.sources)
    read = path.read_bytes() if path.is_file() else b""
    ids = {model_id for _, model_id in desired.by_hand}
    names = {name for name, _ in desired.by_hand}
    kept = (m for m in before.models if m.model_id not in ids and m.name not in names)
    return Relocking(desired, path, LockFile(before.made_for, tuple(kept)), read)


# One file in its canonical form: spacing, quotes, and the order of keys. Comments stay put.
#
# It is conservative. Tables keep their order; what spans lines is left as it is written; and keys
# are only put in order within a run of lines that has no comment line in it, since such a comment
# may be about the line below it or about all of the run.

GAP = 2
MOST_BLANK = 2


class _Line(Struct, frozen=True):
    """A comment line, a statement or a header; `rank` puts statements in order."""

    text: str
    kind: str
    rank: int = 0


_BLANK = _Line("", "blank")


def format_text(text: str) -> str:
    """Return valid TOML, with LF line ends and no BOM, in canonical form. Idempotent.

    Raises ValueError with the reason where that is not safe.
    """
    document = tomlkit.parse(text)
    # It may lose a blank within a line, which is no harm here.
    if "".join(document.as_string().split()) != "".join(text.split()):
        raise ValueError(
            "Tables that belong together stand apart in it, most often two [[tables]] of one name "
            "with another table between them, and fmt would move them. Put them side by side."
        )
    return "".join(f"{line.text}\n" for line in _spaced(_ordered(_lines(document, ()))))


def _lines(container: Container, path: KeyPath, dotted: tuple[Key, ...] = ()) -> Iterator[_Line]:
    """Yield the lines of a table; `dotted` are the parts of a key that come before its own."""
    known = known_keys(path)
    for key, item in container.body:
        match item:
            case Whitespace():
                yield from [_BLANK] * item.s.count("\n")
            case Comment():
                yield _Line(item.trivia.comment.rstrip(), "comment")
            case Table() if key is not None and key.is_dotted():
                yield from _lines(item.value, path, (*dotted, key))
            case Table() if key is not None:
                yield from _table_lines(item, (*path, key.key))
            case AoT() if key is not None:
                for number, table in enumerate(item.body):
                    yield from _table_lines(table, (*path, key.key, number))
            case _ if key is not None:
                yield _statement((*dotted, key), item, known)


def _table_lines(table: Table, path: KeyPath) -> Iterator[_Line]:
    if not table.is_super_table():
        name = _dotted_key(part for part in path if isinstance(part, str))
        told = f"[[{name}]]" if table.is_aot_element() else f"[{name}]"
        # The brackets are not part of the name as it is written.
        written = f"[{table.display_name}]" + "[]" * table.is_aot_element()
        yield _Line(_with_comment(told, written, table.trivia), "header")
    yield from _lines(table.value, path)


def _statement(keys: tuple[Key, ...], item: Item, known: tuple[str, ...]) -> _Line:
    written = ".".join(key.as_string() for key in keys) + keys[-1].sep + item.as_string()
    told = f"{_dotted_key(key.key for key in keys)} = {_value(item)}"
    first = keys[0].key
    rank = known.index(first) if first in known else len(known)
    return _Line(_with_comment(told, written, item.trivia), "statement", rank)


def _with_comment(told: str, written: str, trivia: Trivia) -> str:
    """Add the comment that ends a line, where the file has one.

    Two spaces set it off; one that stands further away is in a column, and keeps it.
    """
    if not trivia.comment:
        return told
    gap = len(trivia.comment_ws) - len(trivia.comment_ws.lstrip(" "))
    column = len(f"{trivia.indent}{written}".rpartition("\n")[2]) + gap
    width = len(told.rpartition("\n")[2])
    return told + " " * max(GAP, column - width if gap > GAP else 0) + trivia.comment.rstrip()


def _dotted_key(parts: Iterable[str]) -> str:
    """Spell a key with quotes only where it needs them."""
    return ".".join(map(quote_key, parts))


_PLAIN_LITERAL = re.compile(r"'([^'\\\"\x00-\x1f\x7f]*+)'")


def _value(item: Item) -> str:
    """Spell a value with double quotes and even spacing. What spans lines is left as it is."""
    written = item.as_string()
    if "\n" in written:
        return written
    match item:
        case String():
            return _double_quoted(written)
        case Array():
            return f"[{', '.join(_value(tomlkit.item(part)) for part in item)}]"
        case InlineTable():
            pairs = ", ".join(_pairs(item.value))
            return f"{{ {pairs} }}" if pairs else "{}"
        case _:
            return written


def _pairs(container: Container, dotted: tuple[Key, ...] = ()) -> Iterator[str]:
    for key, item in container.body:
        if key is not None and isinstance(item, Table):
            yield from _pairs(item.value, (*dotted, key))
        elif key is not None:
            parts = (_double_quoted(part.as_string().strip()) for part in (*dotted, key))
            yield f"{'.'.join(parts)} = {_value(item)}"


def _double_quoted(written: str) -> str:
    plain = _PLAIN_LITERAL.fullmatch(written)
    return f'"{plain[1]}"' if plain else written


def _ordered(lines: Iterable[_Line]) -> Iterator[_Line]:
    """Put runs of statements in order; a run next to a comment line stays as it is."""
    run: list[_Line] = []
    commented = False
    for line in (*lines, _BLANK):
        if line.kind in ("statement", "comment"):
            commented = commented or line.kind == "comment"
            run.append(line)
            continue
        yield from run if commented else sorted(run, key=lambda statement: statement.rank)
        yield line
        run, commented = [], False


def _spaced(lines: Iterable[_Line]) -> Iterator[_Line]:
    """Leave two blank lines at most, one before every header at least, and none at the ends."""
    told: list[_Line] = []
    for line, following in pairwise((*lines, _BLANK)):
        told.append(line)
        if line.kind == "statement" and following.kind == "header":
            told.append(_BLANK)
    while told and told[-1] is _BLANK:
        told.pop()
    blanks = MOST_BLANK
    for line in told:
        blanks = blanks + 1 if line is _BLANK else 0
        if blanks <= MOST_BLANK:
            yield line

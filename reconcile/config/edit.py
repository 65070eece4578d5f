"""Edits files for a person: `fmt`, `init`, `import`, `lock`. A comment is never lost."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import tomli
from msgspec import Struct

from reconcile.config.load import Loaded, load, load_text
from reconcile.config.merge import FORMS
from reconcile.config.selection import LOCK_NAME, decode_lock, encode_lock, read_lock
from reconcile.config.tables import known_keys
from reconcile.config.toml import (
    COMMENT,
    DOT,
    KEY_PART,
    STRING,
    Locations,
    Segment,
    Source,
    Span,
    cut_segments,
    decode_text,
    list_files,
    once,
    parse_source,
    paths_of,
    read_bounded,
    read_entries,
    split_key,
)
from reconcile.config.values import check_name, check_uuid
from reconcile.errors import Diagnostic, KeyPath, LeafError, Place, ReconcileError
from reconcile.messages import diagnose
from reconcile.model.address import quote_key, refresh_address
from reconcile.model.desired import Desired, Lock
from reconcile.model.observed import Imported, ImportedConnection, ImportedModel, Mentioned

# Edits files for a person: gives them their canonical form, starts them, adds models to them.

_MARK = b"\xef\xbb\xbf"
_STRING_OR_COMMENT = re.compile(rf"(?P<string>{STRING})|(?P<comment>{COMMENT})")


class Edited(Struct, frozen=True):
    """One file: its text as it is and as it would be, with LF line ends, and its new bytes."""

    path: Path
    before: str
    after: str
    content: bytes
    changed: bool

    def save(self) -> None:
        """Put the new content in place, whole. Raises ReconcileError."""
        try:
            replace_content(self.path, self.content)
        except OSError as error:
            raise not_written(self.path, error) from None


def formatted(locations: Locations) -> tuple[Edited, ...]:
    """Return every file of a desired state in canonical form; nothing is written.

    Raises ReconcileError: a desired state with errors is not touched.
    """
    load(locations)
    files = (path for location in paths_of(locations) for path in list_files(location))
    return tuple(_formatted(path) for path in once(files))


def _formatted(path: Path) -> Edited:
    content = read_bounded(path)
    before = decode_text(content)
    after = format_text(before)
    if not (_same(before, after) and format_text(after) == after):
        raise ReconcileError(
            Diagnostic(
                code="format-unsafe",
                summary="The file was left as it is",
                detail="Its canonical form would not say the same, or lose a comment.",
                hint="reconcile explain format-unsafe",
                places=(Place(str(path)),),
            )
        )
    return edited(path, content, after)


def edited(path: Path, content: bytes, after: str) -> Edited:
    """Spell a new text as the file's old content is: with its BOM, and its first line end."""
    first, _, _ = content.partition(b"\n")
    line_end = "\r\n" if first.endswith(b"\r") else "\n"
    mark = _MARK if content.startswith(_MARK) else b""
    new = mark + after.replace("\n", line_end).encode()
    return Edited(path, decode_text(content), after, new, changed=new != content)


def comments_of(text: str) -> list[str]:
    """List the comments of valid TOML in a stable order."""
    found = _STRING_OR_COMMENT.finditer(text)
    return sorted(m.group().rstrip() for m in found if m.lastgroup == "comment")


def not_written(path: Path, error: OSError) -> ReconcileError:
    """Say that a file is as it was."""
    return ReconcileError(
        Diagnostic(
            code="file-not-written",
            summary="The file could not be written",
            detail=f"{error.strerror or error}. The file is as it was.",
            hint="reconcile explain file-not-written",
            places=(Place(str(path)),),
        )
    )


def _same(before: str, after: str) -> bool:
    try:
        same = tomli.loads(before) == tomli.loads(after)
    except ValueError:
        return False
    return same and comments_of(before) == comments_of(after)


# Adds what an instance has to a file: what is there stays as it is, to the byte.


def mentioned(sources: tuple[Source, ...]) -> Mentioned:
    """Return the names and ids that sources use. Raises ReconcileError if one is not TOML."""
    models: dict[str, object] = {}
    connections: dict[str, object] = {}
    for source in sources:
        document = parse_source(source)
        models |= _table(document, "models")
        connections |= _table(document, "connections")
    ids = (table.get("id") for table in models.values() if isinstance(table, dict))
    return Mentioned(
        frozenset(model_id.lower() for model_id in ids if isinstance(model_id, str)),
        frozenset(models),
        frozenset(connections),
    )


def with_imported(path: Path, added: Imported, *, every: str) -> Edited:
    """Return the file with tables added below its last model; nothing is written.

    `every`: the interval of each refresh, unless the file's defaults have a cadence. No item does
    anything about a slot that has passed already. Raises ReconcileError, also for what would be
    wrong with the result.
    """
    content, before = read_file(path)
    document = parse_source(Source(str(path), before, path.absolute().parent))
    defaults = _table(_table(document, "defaults"), "refresh")
    cadence = "" if FORMS.keys() & defaults.keys() else f"every = {_string(every)}\n"
    tables = "\n".join([*_connections(added), *_models(added, cadence)])
    last = [part for part in cut_segments(before) if part.path[:1] == ("models",)]
    position = end_of_statements(before, last[-1]) if last else len(before)
    head, following = before[:position], before[position:]
    if head and not head.endswith("\n"):
        head += "\n"
    after = f"{head}\n{tables}{following}" if tables else before
    load_text(after, str(path), path.absolute().parent, unlocked=True)
    return edited(path, content, after)


def _connections(added: Imported) -> Iterator[str]:
    for connection in added.connections:
        if connection.is_new:
            yield _connection(connection)
        for name, spec in connection.schedules:
            key = f"connections.{quote_key(connection.name)}.schedules.{quote_key(name)}"
            yield (
                f"[{key}]\ncron = {_string(spec.cron)}\ntimezone = {_string(spec.zone)}\n"
                f"hard = {'true' if spec.hard else 'false'}\n"
            )


def _connection(connection: ImportedConnection) -> str:
    key = quote_key(connection.name)
    return f"[connections.{key}]\nid = {_string(connection.connection_id)}\n"


def _models(added: Imported, cadence: str) -> Iterator[str]:
    for model in added.models:
        key = f"models.{quote_key(model.name)}"
        place = f"connection = {_string(model.connection)}\n" if model.connection else ""
        yield f"[{key}]{_remark(model)}\nid = {_string(model.model_id)}\n{place}"
        yield f'[{key}.refresh]\n{cadence}on_change = "next"\n'
        for policy in model.policies:
            if _is_usable(policy):
                follows = _string(refresh_address(model.name))
                yield f'[{key}.cache.{quote_key(policy)}]\non_change = "next"\nafter = {follows}\n'


def _remark(model: ImportedModel) -> str:
    """Show Omni's name beside ours, where it is another and can be shown in one line."""
    title = model.title or ""
    shown = title.isprintable() and title.strip() and title != model.name
    return f"  # {title[:80]}" if shown else ""


def _is_usable(policy: str) -> bool:
    try:
        check_name(policy)
    except LeafError:
        return False
    return True


def _table(table: Mapping[str, object], name: str) -> dict[str, object]:
    found = table.get(name)
    return found if isinstance(found, dict) else {}


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# Starts a file, and adds models to one: what is there stays as it is, to the byte.

STARTER = """\
# When the models of one Omni instance are refreshed, and when their caches are reset.
# `reconcile plan` shows the calls that are due now, `reconcile apply` makes them.

[omni]
# base_url = "https://myorg.omniapp.co"  # asserts which instance; a token never comes from here

[state]
url = "state/reconcile.json"  # the memory of what was done: keep it, or every call is due again

[defaults]
timezone = "UTC"  # of every time of day below

[limits]
hard_refreshes = 10  # one apply makes no more of them, unless told to

# [models.sales]  # a name of your own
# id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"  # the model's id, from its address in Omni
# connection = "warehouse"  # models on one connection share one refresh
#
# [models.sales.refresh]
# every = "24h"  # or at = "06:00", cron = "0 */6 * * *", when_changed = ["a/file"]
#
# [models.sales.cache.daily_cache_policy]  # the policy's name, as in Omni
# at = "06:00"  # cached results older than the latest 06:00 are invalid
# days = "mon-fri"
# after = "models.sales.refresh"  # only once that refresh has completed
"""

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


def start(path: Path, models: Mapping[str, str], state_url: str | None = None) -> None:
    """Create a commented file with these models, and its state there if not beside it.

    Raises ReconcileError; never replaces a file.
    """
    starter = STARTER
    if state_url is not None:
        starter = STARTER.replace(_STATE_URL, json.dumps(state_url), 1)
    text = _with_models(starter, models, inherits=False)
    if models:
        load_text(text, str(path), path.absolute().parent)
    try:
        create_file(path, text.encode())
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise not_written(path, error) from None


def with_models(path: Path, models: Mapping[str, str]) -> Edited:
    """Return the file with models added that it does not have; nothing is written.

    Raises ReconcileError: a file that is not valid TOML, a model that is there with another id,
    or what would be wrong with the result.
    """
    content, before = read_file(path)
    document = parse_source(Source(str(path), before, path.absolute().parent))
    there = document.get("models")
    known = there if isinstance(there, dict) else {}
    missing = {name: model_id for name, model_id in models.items() if name not in known}
    for name in models.keys() - missing.keys():
        if not (isinstance(known[name], dict) and known[name].get("id") == models[name]):
            raise _bad_model(f'The file has a model "{name}" already, with another id')
    defaults = document.get("defaults")
    inherits = isinstance(defaults, dict) and "refresh" in defaults
    after = _with_models(before, missing, inherits=inherits) if missing else before
    load_text(after, str(path), path.absolute().parent)
    return edited(path, content, after)


def _with_models(text: str, models: Mapping[str, str], *, inherits: bool) -> str:
    """Add tables below the last model, or at the end."""
    cadence = "" if inherits else 'every = "24h"\n'
    tables = "\n".join(
        f'[models.{quote_key(name)}]\nid = "{model_id}"\n\n'
        f"[models.{quote_key(name)}.refresh]\n{cadence}"
        for name, model_id in models.items()
    )
    last = [part for part in cut_segments(text) if part.path[:1] == ("models",)]
    position = end_of_statements(text, last[-1]) if last else len(text)
    before, following = text[:position], text[position:]
    if before and not before.endswith("\n"):
        before += "\n"
    return f"{before}\n{tables}{following}" if tables else text


def read_file(path: Path) -> tuple[bytes, str]:
    """Return a file's bytes, and its text with LF line ends. Raises ReconcileError."""
    try:
        content = read_bounded(path)
        return content, decode_text(content)
    except LeafError as error:
        found = diagnose(error.code, error.detail, hint=error.hint, places=(Place(str(path)),))
        raise ReconcileError(found) from None


def _exists(path: Path) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="file-exists",
            summary="The file exists already",
            detail="init starts a file and never replaces one.",
            hint="reconcile init --model NAME=UUID",
            places=(Place(str(path)),),
        )
    )


def _bad_model(detail: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="bad-model",
            summary="--model takes NAME=UUID",
            detail=f"{detail}.",
            hint="reconcile init --model sales=bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed",
        )
    )


# Writes the lock file anew, from what it was and what the instance has.


class Relocking(Struct, frozen=True):
    """What is declared by hand, where the lock file is, and what it held that still counts."""

    desired: Desired
    path: Path
    before: Lock

    def save(self, lock: Lock) -> None:
        """Write the lock file, whole. Raises ReconcileError."""
        there = self.path.read_bytes() if self.path.is_file() else b""
        text = encode_lock(lock)
        file = edited(self.path, there, text) if there else _new(self.path, text)
        if file.changed:
            file.save()


def open_lock(locations: Locations) -> Relocking:
    """Load what is declared by hand, and the names that models are locked under.

    A lock file that cannot be read is no obstacle to writing another. Raises ReconcileError for
    what is wrong with the files.
    """
    loaded = load(locations, unlocked=True)
    desired, directory = loaded.desired, _directory(loaded)
    try:
        source = read_lock(directory)
        before = decode_lock(source) if source else Lock()
    except ReconcileError:
        before = Lock()
    ids = {model_id for _, model_id in desired.by_hand}
    names = {name for name, _ in desired.by_hand}
    kept = (m for m in before.models if m.model_id not in ids and m.name not in names)
    return Relocking(desired, directory / LOCK_NAME, Lock(before.made_for, tuple(kept)))


def _directory(loaded: Loaded) -> Path:
    """Return where the lock file lies: beside the first file that selects."""
    selecting = (source for source in loaded.sources if "select" in parse_source(source))
    return Path(next(selecting, loaded.sources[0]).name).parent


def _new(path: Path, text: str) -> Edited:
    return Edited(path, "", text, text.encode(), changed=True)


# One file in its canonical form: spacing, quotes, and the order of keys. Comments stay put.
#
# It is conservative. Tables keep their order; what spans lines is left as it is written; and keys
# are only put in order within a run of lines that has no comment line in it, since such a comment
# may be about the line below it or about all of the run.

GAP = 2
MOST_BLANK = 2

_HEADER_KEY = re.compile(rf"(?:{KEY_PART})(?:{DOT}(?:{KEY_PART}))*+")


class _Line(Struct, frozen=True):
    """A comment line, a statement or a header; `rank` puts statements in order."""

    text: str
    kind: str
    rank: int = 0


_BLANK = _Line("", "blank")


def format_text(text: str) -> str:
    """Return valid TOML, with LF line ends and no BOM, in canonical form. Idempotent."""
    lines = [line for segment in cut_segments(text) for line in _segment_lines(text, segment)]
    spaced = _spaced(_ordered(lines))
    return "".join(f"{line.text}\n" for line in spaced)


def end_of_statements(text: str, segment: Segment) -> int:
    """Return where the line after a table's last statement, or else its header, begins."""
    ends = [value[1] for _, value in _statements(text, segment)]
    return _with_comment("", text, max(ends, default=segment.body))[1]


def _segment_lines(text: str, segment: Segment) -> Iterator[_Line]:
    position = segment.header
    if segment.body:
        key = _HEADER_KEY.search(text, segment.header)
        opening = "[[" if text.startswith("[[", segment.header) else "["
        name = format_key(key.group()) if key else ""
        told = f"{opening}{name}{']' * len(opening)}"
        told, position = _with_comment(told, text, segment.body)
        yield _Line(told, "header")
    known = known_keys(segment.path)
    for key_span, value_span in _statements(text, segment):
        yield from _between(text[position : key_span[0]])
        written = text[slice(*key_span)]
        told = f"{format_key(written)} = {format_value(text[slice(*value_span)])}"
        told, position = _with_comment(told, text, value_span[1])
        yield _Line(told, "statement", _rank(split_key(written), known))
    yield from _between(text[position : segment.end])


def _statements(text: str, segment: Segment) -> Iterator[tuple[Span, Span]]:
    """Yield key and value of what stands in the table itself, not in a value of it."""
    spans = {(e.key, e.value) for e in read_entries(text, segment).values() if e.key is not None}
    end = 0
    for key, value in sorted(spans):
        if key[0] >= end:
            end = value[1]
            yield key, value


def _with_comment(told: str, text: str, position: int) -> tuple[str, int]:
    """Add the comment that ends a line, and return where the next line begins.

    Two spaces set it off; one that stands further away is in a column, and keeps it.
    """
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    rest = text[position:end]
    comment = rest.strip()
    if comment:
        gap = len(rest) - len(rest.lstrip(" "))
        column = position + gap - text.rfind("\n", 0, position) - 1
        width = len(told) - told.rfind("\n") - 1
        told += " " * max(GAP, column - width if gap > GAP else 0) + comment
    return told, min(end + 1, len(text))


def _between(text: str) -> Iterator[_Line]:
    # The last piece is the indentation of what comes next, or nothing.
    for line in text.split("\n")[:-1] if "\n" in text or not text.strip() else [text]:
        stripped = line.strip()
        yield _Line(stripped, "comment") if stripped else _BLANK


def _rank(key: KeyPath, known: tuple[str, ...]) -> int:
    return known.index(str(key[0])) if key[0] in known else len(known)


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
    told = list(_headers_apart(list(lines)))
    while told and told[-1] is _BLANK:
        told.pop()
    blanks = MOST_BLANK
    for line in told:
        blanks = blanks + 1 if line is _BLANK else 0
        if blanks <= MOST_BLANK:
            yield line


def _headers_apart(lines: list[_Line]) -> Iterator[_Line]:
    """Put a blank line before a header that directly follows a statement."""
    for line, following in pairwise((*lines, _BLANK)):
        yield line
        if line.kind == "statement" and following.kind == "header":
            yield _BLANK


# Keys and values of TOML in their canonical spelling. What spans lines is left as it is.

_PIECES = re.compile(rf"(?P<string>{STRING})|(?P<sign>[\[\]{{}},=])|(?P<bare>[^\[\]{{}},=\"']++)")
_PLAIN_CONTENT = re.compile(r"[^\\\"\x00-\x1f\x7f]*+")


def format_key(written: str) -> str:
    """Spell a dotted key without spaces, and with quotes only where it needs them."""
    return ".".join(quote_key(part) for part in split_key(written))


def format_value(written: str) -> str:
    """Spell a value with double quotes and even spacing."""
    if "\n" in written:
        return written
    pieces = [(match.lastgroup, match.group()) for match in _PIECES.finditer(written)]
    told = ""
    for kind, piece in pieces:
        match kind:
            case "string":
                told += _double_quoted(piece)
            case "bare":
                told += piece.strip()
            case _:
                told = _with_sign(told, piece)
    return told


def _with_sign(told: str, sign: str) -> str:
    match sign:
        case ",":
            return f"{told}, "
        case "=":
            return f"{told} = "
        case "{":
            return f"{told}{{ "
        case "}":
            inner = told.removesuffix(", ")
            return f"{inner}}}".replace("{ }", "{}") if inner.endswith("{ ") else f"{inner} }}"
        case "]":
            return f"{told.removesuffix(', ')}]"
        case _:
            return f"{told}{sign}"


def _double_quoted(string: str) -> str:
    plain = string.startswith("'") and not string.startswith("'''")
    if plain and _PLAIN_CONTENT.fullmatch(string, 1, len(string) - 1):
        return f'"{string[1:-1]}"'
    return string


# Puts a file in place that others read too: the old content or the new, never half of one.

_NEW_FILE = 0o666


def replace_content(path: Path, content: bytes) -> None:
    """Replace a file's content; it keeps its mode, and a link to it still leads to it.

    A new file gets the mode that the umask leaves. Raises OSError, and then nothing has changed.
    """
    place = path.resolve()
    # Hidden and with another ending: collectors and loaders of the directory must not see it.
    aside = place.with_name(f".{place.name}.tmp-{uuid4().hex}")
    try:
        mode = place.stat().st_mode & 0o7777
    except FileNotFoundError:
        mode = None
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_FILE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(place)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def create_file(path: Path, content: bytes) -> None:
    """Create a file that is not there yet. Raises OSError, FileExistsError if it is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_FILE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)

"""`explain`: a code, an exit code or a key. `docs`, `schema`, `help`, `completion`."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import click
from click.shell_completion import CompletionItem
from msgspec import UNSET, Struct, UnsetType, defstruct

import reconcile
from reconcile.cli.main import SHELLS
from reconcile.config import values
from reconcile.errors import EXIT_CODES, MESSAGES, ReconcileError, fail
from reconcile.model.address import quote_key
from reconcile.planning.guards import nearest
from reconcile.render import documents
from reconcile.render.layout import Ink, escape_terminal, paint, wrap
from reconcile.terminal.console import PIPED_WIDTH, Console
from reconcile.terminal.options import Command, OneOf, Options, offered, output_options

# Keys of the file, as the published schema describes them.


NAME = "NAME"
"""Stands in a path for a name of the writer's own."""

_Schema = Mapping[str, Any]

_PATTERNS = {
    values.DAYS_PATTERN: "days",
    values.DURATION_PATTERN: "duration",
    values.INSTANT_PATTERN: "instant in quotes",
    values.TIME_PATTERN: "time of day",
    values.UUID_PATTERN: "UUID",
    values.WINDOW_PATTERN: "window of time",
}
_TYPES = {"integer": "whole number", "number": "number", "boolean": "true or false"}
_ITEMS = ("refresh", "cache")


class Key(Struct, frozen=True):
    """One key. `path`: from the top of the file; `header`: the table it stands in, as TOML."""

    path: tuple[str, ...]
    header: str
    meaning: str
    takes: str
    default: str | None
    inherits: tuple[str, ...]
    example: str | None

    @property
    def name(self) -> str:
        """The path with its dots."""
        return ".".join(self.path)


@cache
def all_keys(kind: str = "file") -> tuple[Key, ...]:
    """Return all keys of a `file` or of a `fleet`, tables before what is in them."""
    whole = schema(kind)
    return tuple(_walk(whole, whole["$defs"], (), ""))


def find_keys(asked: str) -> tuple[Key, ...]:
    """Return the keys of a path as a file spells it, or else those whose path ends like that.

    What no file of a desired state has may be a key of `fleet.toml`.
    """
    words = tuple(asked.strip("[] ").split("."))
    return _found(words, all_keys()) or _found(words, all_keys("fleet"))


def _found(words: tuple[str, ...], keys: tuple[Key, ...]) -> tuple[Key, ...]:
    exact = tuple(key for key in keys if _is(key.path, words))
    ending = tuple(key for key in keys if _is(key.path[-len(words) :], words))
    # What is inherited is the same key again. A table with a name of its own is told by its keys.
    found = exact or tuple(key for key in ending if key.path[0] == "models") or ending
    return found or tuple(key for key in keys if _is(key.path[:-1], words))


def _is(path: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return len(path) == len(words) and all(
        part in {NAME, word} for part, word in zip(path, words, strict=True)
    )


def _walk(
    table: _Schema, tables: Mapping[str, _Schema], path: tuple[str, ...], header: str
) -> Iterator[Key]:
    required = table.get("required", ())
    for word, schema in table["properties"].items():
        here = (*path, word)
        told = _toml(schema["default"]) if "default" in schema else None
        default = "required" if word in required else told
        inherits = tuple(_inherited(here, tables))
        example = next((f"{word} = {_toml(it)}" for it in schema.get("examples", ())), None)
        takes = _takes(schema)
        yield Key(here, header, schema["description"], takes, default, inherits, example)
        yield from _below(schema, tables, here)


def _below(schema: _Schema, tables: Mapping[str, _Schema], here: tuple[str, ...]) -> Iterator[Key]:
    """Yield the keys of the tables that a key holds: itself one, or several by name or number."""
    if "$ref" in schema:
        yield from _walk(_named(schema, tables), tables, here, f"[{'.'.join(here)}]")
    elif "$ref" in (several := schema.get("additionalProperties") or {}):
        named = (*here, NAME)
        yield from _walk(_named(several, tables), tables, named, f"[{'.'.join(named)}]")
    elif "$ref" in (element := schema.get("items") or {}):
        yield from _walk(_named(element, tables), tables, here, f"[[{'.'.join(here)}]]")


def _named(schema: _Schema, tables: Mapping[str, _Schema]) -> _Schema:
    return tables[schema["$ref"].rpartition("/")[2]]


def _inherited(path: tuple[str, ...], tables: Mapping[str, _Schema]) -> Iterator[str]:
    """Yield where a key of an item is looked for next, the nearest first."""
    owner = next((part for part in path if part in _ITEMS), None)
    if owner is None or path[0] == "defaults" or path[-1] in (*_ITEMS, NAME):
        return
    word = path[-1]
    if word == "timezone" and path[0] == "models":
        yield f"models.{NAME}.timezone"
    if path[-2] in (owner, NAME):
        yield f"defaults.{owner}.{word}"
        if word in tables["DefaultsTable"]["properties"]:
            yield f"defaults.{word}"


def _takes(schema: _Schema) -> str:
    if "$ref" in schema:
        return "table"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_takes(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(map(json.dumps, schema["enum"]))
    match schema.get("type"):
        case "array":
            element = schema["items"]
            return "array of tables" if "$ref" in element else f"array of {_takes(element)}"
        case "object":
            return "tables by name"
        case "string" if schema.get("format") == "date-time":
            return "instant"
        case "string":
            return _PATTERNS.get(schema.get("pattern", ""), "text")
        case kind:
            return _TYPES[str(kind)] + _bounds(schema)


def _bounds(schema: _Schema) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    return f", {low:,} to {high:,}" if low is not None and high is not None else ""


def _toml(value: object) -> str:
    """Spell a value of an example as a file does; instants stand in quotes in both."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{quote_key(key)} = {_toml(it)}" for key, it in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


_ECHOED = 80

_DOCS = Path(reconcile.__file__).with_name("docs")
_EXPLAINED = re.compile(r"^\*\*([a-z0-9-]+)\*\*: (.+)$", re.MULTILINE)


@cache
def explanations() -> dict[str, str]:
    """Return the paragraph about each code: the document has it behind the code's headline."""
    found = _EXPLAINED.findall((_DOCS / "messages.md").read_text(encoding="utf-8"))
    return {code: told.partition(". ")[2] for code, told in found}


@click.command(cls=Command)
@click.argument(
    "code",
    required=False,
    shell_complete=lambda _, __, incomplete: offered(_askable(), incomplete),
    metavar="[CODE|KEY]",
    help="A code such as lock-held, an exit code, or a key such as models.sales.refresh.every.",
)
@output_options
def run_explain(options: Options, console: Console) -> int:
    """Explain a code or a key, or list all codes."""
    # A code may be copied from a message: error[over-limit-calls].
    code = options.code and options.code.rpartition("[")[2].rstrip("]:").lower()
    if code is not None and code.startswith(("omni_api_", "omni_base_url")):
        code = "no-credential"  # It tells what each of the variables holds.
    if code is not None and code not in MESSAGES and code not in _ENDS:
        keys = find_keys(options.code)
        if not keys:
            raise _no_code(code, _nearest_key(options.code))
        _say_keys(keys, console)
        return 0
    if console.format == "json":
        console.say_document(_document(code))
    elif code is None:
        console.say("\n".join(_listing(console)))
    else:
        console.say("\n".join(_paragraph(code, console)))
    return 0


_ENDS = {str(int(code)): words for code, words in EXIT_CODES.items()}
"""What each exit code means, as it is asked for."""


def _nearest_key(asked: str) -> str | None:
    """Name the key whose last word alone is misspelt, in a table that there is."""
    *table, word = asked.strip("[] ").split(".")
    beside = {key.path[-1]: key.name for key in all_keys() if _is(key.path[:-1], tuple(table))}
    return beside.get(nearest(word[:_ECHOED], beside) or "")


def _no_code(code: str, near: str | None) -> ReconcileError:
    near = near or nearest(code[:_ECHOED], _askable())
    return fail(
        "unknown-code",
        f"{code[:_ECHOED]} is no code of a message and no key of the file."
        + (f" Did you mean {near}?" if near else ""),
        hint=f"reconcile explain {near}" if near else "reconcile explain",
    )


def _askable() -> list[str]:
    """List what can be asked for: the codes, then the last words of all keys."""
    return [*MESSAGES, *sorted({key.path[-1] for key in all_keys()})]


def _paragraph(code: str, console: Console) -> Iterator[str]:
    heading, words = f"exit code {code}", _ENDS.get(code, "")
    if code in MESSAGES:
        heading, words = f"{code}: {_summary(code)}", explanations()[code]
    yield paint(escape_terminal(heading), Ink.BOLD, colour=console.coloured(console.out))
    yield from wrap(words, console.width())


def _listing(console: Console) -> Iterator[str]:
    coloured = console.coloured(console.out)
    yield paint("Diagnostic codes", Ink.BOLD, colour=coloured)
    widest = max(map(len, MESSAGES)) + 2
    for code in sorted(MESSAGES):
        yield from _row(code, _summary(code), widest, console.width())
    yield ""
    yield paint("Exit codes", Ink.BOLD, colour=coloured)
    for code, words in _ENDS.items():
        yield from _row(code, words, 5, console.width())


def _row(name: str, words: str, column: int, width: int) -> Iterator[str]:
    first, *more = wrap(words, max(width - column - 2, 20))
    yield f"  {name:<{column}}{first}"
    yield from (" " * (column + 2) + line for line in more)


def _summary(code: str) -> str:
    summary = MESSAGES[code].headline
    return f"{summary[0].upper()}{summary[1:]}"


def _document(code: str | None) -> documents.ExplanationsDocument:
    codes = {
        name: documents.Meaning(summary=_summary(name), explanation=explanations()[name])
        for name in sorted(MESSAGES)
        if code in {None, name}
    }
    meanings = {name: words for name, words in _ENDS.items() if code in {None, name}}
    return documents.ExplanationsDocument(codes=codes, exit_codes=meanings)


def _say_keys(keys: tuple[Key, ...], console: Console) -> None:
    if console.format == "json":
        meanings = {
            key.name: documents.KeyMeaning(
                key.meaning, key.takes, key.default, key.inherits, key.example
            )
            for key in keys
        }
        console.say_document(documents.KeysDocument(keys=meanings))
        return
    for number, key in enumerate(keys):
        console.say("\n".join([*([""] if number else []), *_key(key, console)]))


def _key(key: Key, console: Console) -> Iterator[str]:
    yield paint(key.name, Ink.BOLD, colour=console.coloured(console.out))
    yield from wrap(key.meaning, console.width())
    told = {
        "takes": key.takes,
        "default": key.default,
        "else": ", then ".join(key.inherits),
        "example": f"{key.header}  {key.example}".strip() if key.example else None,
    }
    for name, words in told.items():
        if words:
            yield from _row(name, words, 9, console.width())


# `help COMMAND`: what `COMMAND --help` prints.


def _command_of(root: click.Context, words: Sequence[str]) -> click.Context | None:
    """Find what the words call, as far as they name commands; None where a shell asks for none."""
    context = root
    for word in words:
        if not isinstance(context.command, click.Group):
            break
        name, found, _ = context.command.resolve_command(context, [word])
        if found is None:
            return None
        context = click.Context(found, context, name)
    return context


def _verbs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    context = _command_of(ctx.find_root(), ctx.params.get("command") or ())
    if context is None or not isinstance(context.command, click.Group):
        return []
    return offered(context.command.list_commands(context), incomplete)


@click.command(cls=Command)
@click.argument("command", nargs=-1, metavar="[COMMAND]...", shell_complete=_verbs)
@output_options
def run_help(options: Options, console: Console) -> int:
    """Print the help of a command, or of the whole."""
    context = _command_of(click.get_current_context().find_root(), options.command)
    _give(context.get_help() if context else "", console)
    return 0


def _give(text: str, console: Console) -> None:
    """Print a text as it is, or as the one thing that a JSON document says."""
    if console.format == "json":
        console.say_document(documents.TopicDocument(text=text))
    else:
        console.give(text)


# `docs`: what is shipped beside the code, a file a topic.


def _topics() -> dict[str, str]:
    """Map the name of each topic to its title."""
    files = sorted(_DOCS.glob("*.md"))
    return {file.stem: file.read_text(encoding="utf-8").partition("\n")[0][2:] for file in files}


@click.command(cls=Command)
@click.argument(
    "topic",
    required=False,
    shell_complete=lambda _, __, incomplete: offered(_topics(), incomplete),
    help="Such as tutorial.",
)
@output_options
def run_docs(options: Options, console: Console) -> int:
    """Print one document as Markdown, for a terminal in lines of its width, or list them."""
    topics, topic = _topics(), options.topic
    if topic is not None and topic not in topics:
        raise _no_topic(topic, topics)
    text = (_DOCS / f"{topic}.md").read_text(encoding="utf-8") if topic else None
    if text:
        if console.format == "text" and console.out.isatty():
            text = "\n".join(_filled(text, min(console.width(), PIPED_WIDTH)))
        _give(text, console)
    elif console.format == "json":
        console.say_document(documents.TopicsDocument(topics=topics))
    else:
        widest = max(map(len, topics)) + 2
        for name, title in topics.items():
            console.say("\n".join(_row(name, title, widest, console.width())))
        console.say("\nNext: reconcile docs tutorial")
    return 0


_LEAD = re.compile(r"^ *(?:-|\d+\.) |^ +")
"""What stands before the words of a point of a list, or of what is below one."""


def _filled(text: str, width: int) -> Iterator[str]:
    """Fill the lines of paragraphs and points; headings, code and tables stay as they are."""
    open_one, code = "", False
    for line in text.splitlines():
        bare = line.lstrip()
        fence = bare.startswith("```")
        code ^= fence
        kept = code or fence or bare[:1] in {"", "#", "|", "<"}
        if open_one and (kept or _LEAD.match(bare)):
            yield from _paragraph_of(open_one, width)
            open_one = ""
        if kept:
            yield line
        else:
            open_one = f"{open_one} {bare}" if open_one else line
    if open_one:
        yield from _paragraph_of(open_one, width)


def _paragraph_of(text: str, width: int) -> Iterator[str]:
    lead = "".join(_LEAD.findall(text))
    first, *more = wrap(text.removeprefix(lead), width - len(lead))
    yield lead + first
    yield from (" " * len(lead) + line for line in more)


def _no_topic(topic: str, topics: Mapping[str, str]) -> ReconcileError:
    near = nearest(topic[:_ECHOED], topics)
    return fail(
        "unknown-topic",
        f"There is no topic {topic[:_ECHOED]}. There are {', '.join(topics)}.",
        hint=f"reconcile docs {near}" if near else "reconcile docs",
    )


# `completion`: the script that has a shell ask what may come next, at each press of Tab.


_SHELLS = {shell.name: shell for shell in SHELLS}


@click.command(cls=Command)
@click.argument("shell", type=OneOf(tuple(_SHELLS)), metavar="bash|zsh|fish")
@output_options
def run_completion(options: Options, console: Console) -> int:
    """Print the script."""
    root = click.get_current_context().find_root().command
    shell = _SHELLS[options.shell](root, {}, "reconcile", "_RECONCILE_COMPLETE")
    _give(shell.source(), console)
    return 0


PUBLISHED: Final[Mapping[str, tuple[str, ...]]] = {
    "plan": ("render.actions", "PlanDocument"),
    "saved": ("render.documents", "SavedDocument"),
    "comparison": ("review.text", "ComparisonDocument"),
    "difference": ("review.text", "DifferenceOfPlans"),
    "show": ("render.records", "ItemsDocument"),
    "signal": ("render.records", "SignalsDocument"),
    "state-list": ("render.records", "RecordsDocument"),
    "state-show": ("render.records", "RecordedItem", "RecordedSchedule"),
    "state-history": ("render.records", "HistoryDocument"),
    "state-said": ("render.documents", "SaidDocument"),
    "drift": ("live.drift", "DriftDocument"),
    "discover": ("live.discovery", "InventoryDocument"),
    "forecast": ("forecast.command", "ForecastDocument"),
    "why": ("forecast.why", "WhyDocument"),
    "simulation": ("simulation.tally", "Simulated"),
    "summary": ("render.documents", "SummaryDocument"),
    "event": ("terminal.events", "events"),
    "validation": ("render.diagnostics", "ValidationDocument"),
    "init": ("render.documents", "StartedDocument"),
    "fmt": ("render.documents", "FormattedDocument"),
    "import": ("render.documents", "ImportDocument"),
    "lock": ("render.documents", "LockedDocument"),
    "explain": ("render.documents", "ExplanationsDocument", "KeysDocument"),
    "docs": ("render.documents", "TopicsDocument", "TopicDocument"),
    "log": ("controller.situation", "LOG_ENTRIES"),
    "run-status": ("controller.situation", "SituationDocument"),
    "fleet-status": ("fleet.text", "FleetStatusDocument"),
    "diagnostics": ("render.documents", "DiagnosticsDocument"),
}
"""Every output by the name that `schema` knows it under: a module, and the documents it may be."""

DOCUMENTS = ("file", "fleet", "state", *PUBLISHED)


def schema(name: str) -> dict[str, Any]:
    """Return a published schema by its name. Raises ModuleNotFoundError where its extra is gone."""
    match name:
        case "file":
            from reconcile.config.tables import file_schema

            return file_schema()
        case "fleet":
            from reconcile.config.fleet import fleet_schema

            return fleet_schema()
        case "state":
            return _state_schema()
        case "plan":
            return documents.schema_of("plan", _whole_plan())
        case _:
            return documents.schema_of(name.replace("-", " "), *_documents(*PUBLISHED[name]))


def _documents(place: str, *names: str) -> tuple[type[Struct], ...]:
    """Import what a document is described by; one name may stand for several."""
    module = import_module(f"reconcile.{place}")
    found = [getattr(module, name) for name in names]
    if isinstance(found[0], FunctionType):
        found[0] = found[0]()
    return found[0] if isinstance(found[0], tuple) else tuple(found)


def _whole_plan() -> type[Struct]:
    """Return the document of a plan with what extras add to it where they are asked."""
    (plan,) = _documents("render.actions", "PlanDocument")
    (against,) = _documents("review.text", "ComparisonDocument")
    (live,) = _documents("live.drift", "LiveDocument")
    asked = [("against", against | UnsetType, UNSET), ("live", live | UnsetType, UNSET)]
    said = {"__doc__": plan.__doc__}
    return defstruct("PlanDocument", asked, bases=(plan,), namespace=said, kw_only=True)


def _state_schema() -> dict[str, object]:
    """Return what a state file satisfies. That its checksum fits, no schema can say."""
    from reconcile.state.codec import SCHEDULES_VERSION, SavedState

    whole = documents.schema_of("state", SavedState, grows=False)
    later = {"properties": {"format_version": {"minimum": SCHEDULES_VERSION}}}
    return {**whole, "allOf": [{"if": {"required": ["schedules"]}, "then": later}]}


@click.command(cls=Command)
@click.argument(
    "document",
    type=OneOf(DOCUMENTS),
    default="file",
    metavar="[DOCUMENT]",
    help=f"One of {', '.join(DOCUMENTS)}.",
)
@output_options
def run_schema(options: Options, console: Console) -> int:
    """Print one schema."""
    console.give(documents.encode(schema(options.document)))
    return 0

"""`explain`: a code, an exit code or a key. `docs`: the documents. `help`: that of a command."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

import click

import reconcile
from reconcile.cli.keys import Key, all_keys, find_keys
from reconcile.errors import ReconcileError, fail
from reconcile.messages import EXIT_CODES, MESSAGES
from reconcile.render.documents import (
    ExplanationsDocument,
    KeyMeaning,
    KeysDocument,
    Meaning,
    TopicDocument,
    TopicsDocument,
    encode,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import Ink, paint, wrap
from reconcile.terminal.console import Console
from reconcile.terminal.options import (
    Command,
    Options,
    offered,
    output_options,
)

_ECHOED = 80


@click.command(cls=Command)
@click.argument(
    "code",
    required=False,
    shell_complete=lambda _, __, incomplete: offered(MESSAGES, incomplete),
    metavar="[CODE|KEY]",
    help="A code such as lock-held, an exit code, or a key such as models.sales.refresh.every.",
)
@output_options
def run_explain(options: Options, console: Console) -> int:
    """Explain a code or a key, or list all codes."""
    asked = options.code
    if asked is not None and not _is_code(asked) and (keys := find_keys(asked)):
        _say_keys(keys, console)
        return 0
    code = None if asked is None else _known(asked)
    if console.format == "json":
        console.say(_document(code))
    elif code is None:
        console.say("\n".join(_listing(console)))
    else:
        console.say("\n".join(_paragraph(code, console)))
    return 0


_ENDS = {str(int(code)): words for code, words in EXIT_CODES.items()}
"""What each exit code means, as it is asked for."""


def _code(asked: str) -> str:
    """Return the code in what was copied from a message: error[over-limit-calls]."""
    return asked.rpartition("[")[2].rstrip("]:").lower()


def _is_code(asked: str) -> bool:
    return _code(asked) in MESSAGES or _code(asked) in _ENDS


def _known(asked: str) -> str:
    code = _code(asked)
    if _is_code(asked):
        return code
    words = {key.path[-1] for key in all_keys()}
    near = get_close_matches(code[:_ECHOED], [*MESSAGES, *sorted(words)], n=1)
    raise fail(
        "unknown-code",
        f"{code[:_ECHOED]} is no code of a message and no key of the file."
        + (f" Did you mean {near[0]}?" if near else ""),
        hint=f"reconcile explain {near[0]}" if near else "reconcile explain",
    )


def _paragraph(code: str, console: Console) -> Iterator[str]:
    heading, words = f"exit code {code}", _ENDS.get(code, "")
    if code in MESSAGES:
        heading, words = f"{code}: {_summary(code)}", MESSAGES[code].explanation
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


def _document(code: str | None) -> str:
    codes = {
        name: Meaning(summary=_summary(name), explanation=MESSAGES[name].explanation)
        for name in sorted(MESSAGES)
        if code in {None, name}
    }
    meanings = {name: words for name, words in _ENDS.items() if code in {None, name}}
    return encode(ExplanationsDocument(codes=codes, exit_codes=meanings))


# Keys of the file.


def _say_keys(keys: tuple[Key, ...], console: Console) -> None:
    if console.format == "json":
        meanings = {
            key.name: KeyMeaning(key.meaning, key.takes, key.default, key.inherits, key.example)
            for key in keys
        }
        console.say(encode(KeysDocument(keys=meanings)))
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


@click.command(cls=Command)
@click.argument("command", nargs=-1, metavar="[COMMAND]...")
@output_options
def run_help(options: Options, console: Console) -> int:
    """Print the help of a command, or of the whole."""
    root = click.get_current_context().find_root()
    command, context = root.command, root
    for word in options.command:
        if not isinstance(command, click.Group):
            break
        name, found, _ = command.resolve_command(context, [word])
        if found is None:
            break
        command, context = found, click.Context(found, context, name)
    console.say(command.get_help(context))
    return 0


# `docs`: what is shipped beside the code, a file a topic.

_DOCS = Path(reconcile.__file__).with_name("docs")


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
    """Print one document as Markdown, or list them."""
    topics, topic = _topics(), options.topic
    if topic is not None and topic not in topics:
        raise _no_topic(topic, topics)
    text = (_DOCS / f"{topic}.md").read_text(encoding="utf-8") if topic else None
    if console.format == "json":
        console.say(encode(TopicDocument(text=text) if text else TopicsDocument(topics=topics)))
    elif text:
        console.give(text)
    else:
        widest = max(map(len, topics)) + 2
        for name, title in topics.items():
            console.say("\n".join(_row(name, title, widest, console.width())))
        console.say("\nNext: reconcile docs tutorial")
    return 0


def _no_topic(topic: str, topics: Mapping[str, str]) -> ReconcileError:
    near = get_close_matches(topic[:_ECHOED], topics, n=1)
    return fail(
        "unknown-topic",
        f"There is no topic {topic[:_ECHOED]}. There are {', '.join(topics)}.",
        hint=f"reconcile docs {near[0]}" if near else "reconcile docs",
    )

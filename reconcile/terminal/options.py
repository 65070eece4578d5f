"""The options that commands share, and what every command does around its own function."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from shlex import quote
from types import SimpleNamespace
from typing import Any, Final

import click
from click.core import ParameterSource
from click.exceptions import NoArgsIsHelpError, NoSuchCommand, NoSuchOption
from click.shell_completion import CompletionItem

from reconcile import NotInstalledError, install_with
from reconcile.config.toml import plain_addresses, plain_signals
from reconcile.config.values import parse_duration
from reconcile.errors import Diagnostic, ExitCode, LeafError, ReconcileError, diagnose, mishap
from reconcile.model.address import has_secret
from reconcile.model.plan import EXCEPT
from reconcile.model.struct import replace
from reconcile.render.layout import escape_terminal
from reconcile.terminal.console import standard_console

DEFAULT_FILE = "reconcile.toml"
STANDARD_OUTPUT = "-"

Declare = Callable[[Any], Any]
"""A decorator that declares an option or an argument of a command's function."""


class Options(SimpleNamespace):
    """What was given on the command line: each option and argument by its name."""


class Command(click.Command):
    """A command whose function takes `Options` and a console, and returns the exit code."""

    stays = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what was given; a mistake in it knows which command it was made in."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> int:
        """Run the function; say what went wrong, without a traceback and without locals."""
        options = Options(**ctx.params)
        if excluded := vars(options).pop("exclude", ()):
            options.select = (*options.select, *(f"{EXCEPT}{glob}" for glob in excluded))
        console = standard_console(options.format, options.color)
        kept = None if self.stays else console.kept
        console = replace(console, complete=NextCommand(ctx, options), kept=kept)
        try:
            code: int = ctx.invoke(self.callback, options, console) if self.callback else 0
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        except (click.ClickException, NotInstalledError):  # The latter: `help` of an extra.
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, it becomes an exit code
            console.diagnose(mishap(error))
            return error.exit_code if isinstance(error, ReconcileError) else ExitCode.ERROR
        finally:
            console.end()
        return code


class StayingCommand(Command):
    """A command that runs on until it is told to stop."""

    stays = True


def refuse(error: Exception, given: Sequence[str]) -> int:
    """Say why the command line that was given cannot be carried out; returns the exit code."""
    match error:
        case click.Abort():
            return ExitCode.INTERRUPTED
        case NoArgsIsHelpError(ctx=click.Context() as context):
            standard_console("text", "auto").note(context.get_help())
            return ExitCode.ERROR
        case click.ClickException():
            told: Sequence[Diagnostic] = [_bad_usage(error)]
        case NotInstalledError():
            told = [_not_installed(error)]
        case _:
            told = mishap(error)
    # It could not be read, and may still ask for JSON.
    as_json = "--format json" in " ".join(given) or bool({"--format=json", "--json"} & {*given})
    console = standard_console("json" if as_json else "text", "auto")
    console.diagnose(told)
    console.end()
    return ExitCode.ERROR


def _bad_usage(error: click.ClickException) -> Diagnostic:
    """Put click's words in ours. It shows no value of an option that is unknown."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "reconcile"
    why = " ".join(error.format_message().split())
    meant = ""
    if isinstance(error, NoSuchCommand | NoSuchOption) and error.possibilities:
        why, meant = error.message, f" Did you mean {error.possibilities[0]}?"
    if isinstance(error, NoSuchOption) and context and isinstance(context.command, click.Group):
        # A group has --help, and --version at most; what begins unlike them is a command's.
        alike = {option[:3] for option in error.possibilities or ()}
        meant = meant if error.option_name[:3] in alike else " Options follow the command."
    culprit, _, more = why.partition(". ")
    return diagnose(
        "bad-usage",
        headline=f"{command}: {culprit.rstrip('.')}",
        detail=f"{more or 'The command line cannot be read.'}{meant}",
        hint=f"{command} --help",
    )


def _not_installed(error: NotInstalledError) -> Diagnostic:
    return diagnose(
        "extra-missing",
        f"`{error.command}` needs the package {error.package}, which comes with that extra.",
        headline=f"the extra `{error.extra}` is not installed",
        hint=install_with(error.extra),
    )


# Commands that people are told to run next: about the same files and state, and the same choice.


class Common:
    """A parameter that a command which is told is to be given too, if it takes it.

    `most`: it takes no more values than this.
    """

    most: int | None = None


class CommonOption(Common, click.Option):
    """An option that means the same wherever it is declared."""


class CommonArgument(Common, click.Argument):
    """An argument of that kind."""


class NewFileOption(CommonOption):
    """The option of a command that writes one file."""

    most = 1


_COMMAND: Final = re.compile(r"(?:.*: )?reconcile (?P<words>\S.*)")
_PLAIN: Final = frozenset(map(chr, range(32, 127))) - {"'", "\\"}
_PLACES: Final = frozenset(("file", "state"))


class NextCommand:
    """Gives the command that a text ends with what the running one was given."""

    def __init__(self, ctx: click.Context, options: Options) -> None:
        self._ctx, self._options = ctx, options

    def __call__(self, text: str) -> str:
        """Return the text with what its command lacks; as it is where it ends with none."""
        found = _COMMAND.fullmatch(text)
        words = found["words"].split() if found else []
        told = self._named(words)
        takes = {one.name: one.most for one in told.params if isinstance(one, Common)}
        if "--force" in words:
            takes.pop("plan", None)  # A saved plan has a choice of its own.
        more = [
            word
            for one in self._ctx.command.params
            if isinstance(one, Common) and one.name in takes
            for word in _lacking(one, self._given(one.name, takes), takes[one.name], words)
        ]
        return f"{text} {shell_words(more)}" if more else text

    def _named(self, words: Sequence[str]) -> click.Command:
        """Return the command that the words begin with; one without parameters if there is none."""
        root, nothing = self._ctx.find_root(), click.Command(None)
        found: click.Command | None = root.command
        for word in words:
            if not isinstance(found, click.Group):
                break
            try:
                found = found.get_command(root, word)
            except NotInstalledError:
                return nothing
        return found or nothing

    def _given(self, name: str, takes: Mapping[str, int | None]) -> Sequence[object]:
        """Return the values of a parameter that were given, or taken from a saved plan."""
        value = self._ctx.params[name]
        if name in _PLACES and not ("plan" in takes and self._ctx.params.get("plan")):
            taken = getattr(self._options, name, value)
            if taken != value:
                return taken if isinstance(taken, tuple) else (taken,)
        source = self._ctx.get_parameter_source(name)
        # A command that writes one file does not look for it in the folders above.
        found_above = takes.get(name) == NewFileOption.most and value != (DEFAULT_FILE,)
        if source is not ParameterSource.COMMANDLINE and not found_above:
            return ()
        return value if isinstance(value, tuple) else (value,)


def shell_words(words: Iterable[str]) -> str:
    """Spell words for a shell; what cannot be seen, or is no text, by the numbers of its bytes."""
    return " ".join(map(_shell_word, words))


def _shell_word(word: str) -> str:
    shown = quote(word)
    if escape_terminal(shown) == shown:
        return shown
    plain = (chr(one) if chr(one) in _PLAIN else f"\\x{one:02x}" for one in os.fsencode(word))
    return f"$'{''.join(plain)}'"


def _lacking(
    one: click.Parameter, values: Sequence[object], most: int | None, words: Sequence[str]
) -> Iterator[str]:
    """Yield the words that give a parameter's values to a command which has not got it yet."""
    if most is not None and len(values) > most:
        return
    name = max(one.opts, key=len)
    for value in values:
        if has_secret(str(value)):
            continue  # No command with it would be taken, and hints go into logs.
        if isinstance(one, click.Argument):
            yield from () if value in words else (str(value),)
        elif name == "--allow":
            limit = str(value).partition("=")[0]
            if not any(word.startswith(f"{limit}=") for word in words):
                yield from (name, str(value))
        elif not {*one.opts} & {*words}:
            yield from (name,) if value is True else (name, str(value))


class OneOf(click.Choice[str]):
    """One of a few words; a mistake names the nearest of them instead of all, if one is near."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Say what is wrong with a value."""
        del ctx
        for near in get_close_matches(str(value), self.choices, n=1):
            return f"there is no {value!r}. Did you mean {near}?"
        return f"{value!r} is not one of {', '.join(self.choices)}."


class Verbs(click.Group):
    """A command that consists of verbs."""

    command_class = Command


def together(*options: Declare) -> Declare:
    """Return one decorator for several; help lists them in this order."""
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)


# What a shell may complete, from the files alone: nothing is checked, and no mistake is told.

FILE = click.Path(readable=False)
"""A path that a shell completes. Whether it can be read is told by whoever reads it."""


def complete_addresses(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Offer the addresses of the files that the command line names so far."""
    return offered(plain_addresses(ctx.params.get("file") or (DEFAULT_FILE,)), incomplete)


def complete_records(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Offer models and connections too: each stands for all records of its items."""
    addresses = [item.value for item in complete_addresses(ctx, parameter, "")]
    owners = {".".join(address.split(".")[:2]) for address in addresses}
    return offered([*sorted(owners), *addresses], incomplete)


def complete_signals(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Offer the signals that the files await."""
    return offered(plain_signals(ctx.params.get("file") or (DEFAULT_FILE,)), incomplete)


def offered(words: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    """Offer the words that begin with what was typed."""
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


# Which files, which state, and how the result is printed.


def _above(ctx: click.Context, _: click.Parameter, files: tuple[str, ...]) -> tuple[str, ...]:
    """Look for the default file in the folders above, up to that of the repository.

    Beyond it, or outside of any, a file may be anybody's.
    """
    if ctx.get_parameter_source("file") is not ParameterSource.DEFAULT:
        return files
    here = Path.cwd()
    folders = [here, *here.parents]
    top = next((n for n, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    for folder in folders[: top + 1]:
        if os.path.lexists(folder / DEFAULT_FILE):
            return (os.path.relpath(folder / DEFAULT_FILE),)
    return files


def _file_option(
    look: Callable[..., Any] | None, more: str = "", cls: type[click.Option] = CommonOption
) -> Declare:
    return click.option(
        "-f",
        "--file",
        cls=cls,
        type=FILE,
        multiple=True,
        default=(DEFAULT_FILE,),
        callback=look,
        metavar="FILE|DIR",
        help=f"The desired state: a TOML file or a directory of them{more}. May be given again.",
    )


file_option = _file_option(_above, "; looked for up to the top of the repository")
new_file_option = _file_option(None, cls=NewFileOption)
"""For a command that starts a file where it is run."""
state_option = click.option(
    "--state",
    cls=CommonOption,
    type=FILE,
    metavar="URL",
    help="Use this state instead of the file's.",
)
color_option = click.option("--color", type=OneOf(("auto", "always", "never")), default="auto")


def format_option(*formats: str) -> Declare:
    """Declare what the result is printed as; the first is the default."""
    return together(
        click.option("--format", type=OneOf(formats), default=formats[0]),
        click.option("--json", "format", flag_value="json", help="Short for --format json."),
    )


def _output_options(*formats: str) -> Declare:
    return together(
        format_option(*formats),
        color_option,
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            help="Show also what is covered, and as text all of a long list.",
        ),
    )


output_options = _output_options("text", "json")
review_output_options = _output_options("text", "json", "markdown", "html")
"""For a command whose result goes into a review."""

checked_output_options = _output_options("text", "json", "github")
planned_output_options = _output_options("text", "json", "markdown", "html", "github")
"""`github` is text, with annotations of the lines that are wrong."""


# Which items a plan is about, and as of when.


def _addresses_option(name: str, metavar: str, told: str) -> Declare:
    return click.option(
        name,
        cls=CommonOption,
        multiple=True,
        metavar=metavar,
        shell_complete=complete_addresses,
        help=f"{told} May be given again.",
    )


select_option = together(
    _addresses_option("--select", "PATTERN", "Only addresses that match this glob."),
    _addresses_option("--exclude", "PATTERN", "No addresses that match this glob."),
)
on_unknown_option = click.option(
    "--on-unknown",
    cls=CommonOption,
    type=OneOf(("resend", "hold")),
    default="resend",
    help="What to do with calls whose outcome is unknown.",
)
choice_options = together(
    select_option,
    _addresses_option("--force", "ADDRESS", "Make this item due whatever is recorded."),
    on_unknown_option,
)
at_option = click.option(
    "--at", metavar="INSTANT", help="Plan as of this instant (RFC 3339, such as 2026-12-01T06:00Z)."
)
exit_code_option = click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 if calls are due or were made, 3 if a limit blocks them.",
)


# What an apply may be told, and whom it tells.

allow_option = click.option(
    "--allow",
    cls=CommonOption,
    multiple=True,
    metavar="LIMIT=VALUE",
    help="Let this one apply pass a limit, such as calls=80. May be given again.",
)


def _seconds(_: click.Context, __: click.Parameter, text: str) -> float:
    """Read a duration, or a plain number of seconds."""
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    try:
        return parse_duration(text).total_seconds()
    except LeafError as error:
        raise click.BadParameter(error.detail) from None


lock_timeout_option = click.option(
    "--lock-timeout",
    callback=_seconds,
    default="0",
    metavar="DURATION",
    help="Wait this long for another run to end, such as 10m, or seconds.",
)
profile_option = click.option(
    "--profile",
    cls=CommonOption,
    help="Take the credential from this profile of Omni's own CLI.",
)
saved_plan_argument = click.argument(
    "plan",
    cls=CommonArgument,
    required=False,
    type=FILE,
    help="A plan saved by `plan --out`.",
)
notify_options = together(
    click.option(
        "--events",
        type=FILE,
        metavar="FILE|-",
        help="Append what happens to this file as it happens, one JSON object a line.",
    ),
    click.option(
        "--metrics",
        type=FILE,
        metavar="FILE",
        help="Write Prometheus metrics to this file at the end.",
    ),
)


# Looking at the live instance.

age_option = click.option(
    "--max-age",
    default="10m",
    metavar="DURATION",
    help="Take the last live look if it is younger than this; 0s looks again.",
)
live_options = together(
    click.option(
        "--live",
        cls=CommonOption,
        is_flag=True,
        help="Also look at the instance; needs a token, only reads.",
    ),
    age_option,
)


# The embedded server, and pages that are served.

faults_option = click.option(
    "--faults",
    default="",
    metavar="SPEC",
    help='Seeded faults, such as "job:fail=20%,seed=7": see `reconcile docs sandbox`.',
)
signal_token_option = click.option(
    "--signal-token-file",
    type=FILE,
    metavar="FILE",
    help="Whoever shows this token may POST /signals/NAME; webhooks sign what they send instead.",
)
listen_options = together(
    click.option(
        "--listen",
        metavar="PLACE",
        help="Serve a page, metrics and probes at ADDRESS:PORT (or PORT, or unix:PATH).",
    ),
    click.option(
        "--token-file",
        type=FILE,
        metavar="FILE",
        help="Whoever looks at the page must know this token; needed beyond this machine.",
    ),
)

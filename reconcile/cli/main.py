"""The process around a command, and the table of commands: the one place that names them."""

import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from glob import escape
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import click
from click.exceptions import NoSuchCommand
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from reconcile import NotInstalledError, __version__
from reconcile.terminal.interruption import EXIT_BASE, end_soon

TABLE: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Start": {
        "init": ("cli.configuration", "Start a file, or add models to one."),
        "import": ("live.command", "Write models of the instance into the file."),
        "rehearse": (
            "sandbox.command",
            "Plan and apply against an embedded server, on a copy of the state.",
        ),
        "docs": ("cli.explain", "Read the documents: tutorial, keys, runbook and others."),
    },
    "Daily": {
        "validate": ("cli.configuration", "Check the files; needs no token."),
        "plan": ("cli.plan", "Show the calls that are due now, and where every item stands."),
        "apply": ("cli.apply", "Make the calls that are due."),
        "signal": ("cli.signal", "Say that something has happened, such as the end of a load."),
        "show": ("cli.plan", "Show every item, or a saved plan."),
        "why": ("forecast.command", "Show why one item is due or not, and when it will run."),
    },
    "Ahead": {
        "forecast": ("forecast.command", "Show the calls of the coming days."),
        "simulate": ("simulation.command", "Play months of plan and apply in virtual time."),
    },
    "Live, only read": {
        "discover": ("live.command", "List connections, models, policies and native schedules."),
        "drift": ("live.command", "Compare the files with the instance; exit 8 if they differ."),
        "lock": ("live.command", "Pin the models that [[select]] matches."),
    },
    "State": {"state": ("cli.state", "Look at the recorded state, and mend it.")},
    "Service": {
        "run": ("controller.command", "Run as a daemon: apply whenever something is due."),
        "fleet": ("fleet.command", "Reconcile many instances, with any number of workers."),
        "sandbox": ("sandbox.command", "Serve an Omni server on loopback."),
    },
    "Editors and help": {
        "fmt": ("cli.configuration", "Give files their canonical form, comments included."),
        "schema": ("cli.explain", "Print the JSON Schema of the file, or of an output."),
        "completion": ("cli.explain", "Print a shell completion script."),
        "explain": ("cli.explain", "Explain an error code, an exit code or a key."),
        "help": ("cli.explain", "Print the help of a command."),
    },
}
"""Heading -> name -> the module that has `run_NAME`, and one line of help.

An extra can be deleted with its lines: nothing else imports its folder but on the way to do what
was asked for.
"""

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "init": ("init --model sales=bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed", "init --gitignore"),
    "import": ("import 'Sales*' --policies", "import --diff '*'"),
    "rehearse": ("rehearse", 'rehearse --faults "refresh:fail"'),
    "docs": ("docs tutorial", "docs runbook"),
    "validate": ("validate", "validate -f live/", "validate - <reconcile.toml"),
    "plan": (
        "plan --select 'models.sales.*'",
        "plan --against origin/main... --format markdown",
        "plan --out saved.plan",
    ),
    "apply": ("apply", "apply --yes --lock-timeout 10m", "apply saved.plan"),
    "show": ("show --verbose", "show saved.plan"),
    "signal": (
        "signal warehouse-load",
        "signal warehouse-load --at 2026-12-01T05:42Z",
        "signal --list",
    ),
    "why": ("why models.sales.refresh", "why models.sales.refresh --at 2026-12-01T06:00Z"),
    "forecast": ("forecast --for 2d", "forecast --format ics"),
    "simulate": ("simulate --for 30d --lateness github", "simulate --for 90d --json"),
    "discover": ("discover", "discover 'Sales*' --json"),
    "drift": ("drift", "drift --json"),
    "lock": ("lock", "lock -f live/"),
    "state list": ("state list", "state list 'models.sales.*'"),
    "state show": ("state show models.sales.refresh", "state show models.sales.refresh --json"),
    "state history": ("state history --since 2d", "state history models.sales.refresh"),
    "state verify": ("state verify", "state verify --state s3://acme-omni/prod.json"),
    "state pull": ("state pull", "state pull >copy.json"),
    "state rm": ("state rm models.old --dry-run", "state rm 'models.old.*'"),
    "state mv": (
        "state mv models.sales models.revenue",
        "state mv models.sales.cache.daily models.sales.cache.nightly",
    ),
    "state mark": (
        "state mark models.sales.refresh --due",
        "state mark 'models.sales.*' --done",
    ),
    "state push": ("state push copy.json", "state push copy.json --force"),
    "state unlock": (
        "state unlock 5f2c9a41",
        "state unlock 5f2c9a41 --state s3://acme-omni/prod.json",
    ),
    "state repair": ("state repair", "state repair --state state/prod.json"),
    "state restore": ("state restore", "state restore --state state/prod.json"),
    "state check": ("state check", "state check --state s3://acme-omni/prod.json"),
    "state migrate": (
        "state migrate state/prod.json s3://acme-omni/prod.json",
        "state migrate s3://acme-omni/prod.json postgresql://db.acme.com/omni#prod",
    ),
    "run": ("run --listen 127.0.0.1:8461", "run --once"),
    "fleet worker": ("fleet worker", "fleet worker --listen 127.0.0.1:8461"),
    "fleet status": ("fleet status", "fleet status 'acme-*' --troubles"),
    "fleet pause": (
        'fleet pause acme --reason "warehouse migration"',
        'fleet pause acme --until 2026-12-01T06:00Z --reason "warehouse migration"',
    ),
    "fleet resume": ("fleet resume acme", "fleet resume acme -f fleet.toml"),
    "fleet migrate": ("fleet migrate", "fleet migrate -f fleet.toml"),
    "sandbox": ("sandbox", 'sandbox --faults "job:fail=20%,seed=7"'),
    "fmt": ("fmt", "fmt --check", "fmt - <reconcile.toml"),
    "schema": ("schema", "schema plan"),
    "completion": ("completion bash", "completion zsh"),
    "explain": ("explain lock-held", "explain models.sales.refresh.every", "explain 6"),
    "help": ("help plan", "help state rm"),
}
"""What `--help` of a command or of a verb ends with; a test reads each as a command line."""

_COMMANDS = {name: command for commands in TABLE.values() for name, command in commands.items()}


class Commands(click.Group):
    """The commands of the table. Only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command. Raises NotInstalledError."""
        if cmd_name not in _COMMANDS:
            return None
        place, summary = _COMMANDS[cmd_name]
        from reconcile.clock import require_plausible_clock

        require_plausible_clock()  # One that is far off breaks some of what is imported now.
        try:
            module = import_module(f"reconcile.{place}")
        except ModuleNotFoundError as missing:
            if missing.name is None or missing.name.partition(".")[0] == "reconcile":
                raise
            if ctx.resilient_parsing:  # A shell asks, and shows whatever is said.
                return click.Command(cmd_name, add_help_option=False)
            raise NotInstalledError(cmd_name, missing.name, place.partition(".")[0]) from None
        command: click.Command = getattr(module, f"run_{cmd_name}")
        command.help = summary
        command.epilog = _examples(cmd_name)
        if isinstance(command, click.Group):
            for name, verb in command.commands.items():
                verb.epilog = _examples(f"{cmd_name} {name}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; click itself suggests only what is imported already."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as unknown:
            raise NoSuchCommand(unknown.command_name, None, _COMMANDS, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all commands by what they are about."""
        del ctx
        widest = max(map(len, _COMMANDS))
        for heading, commands in filter(all, TABLE.items()):
            with formatter.section(heading):
                rows = ((name.ljust(widest), line) for name, (_, line) in commands.items())
                formatter.write_dl(list(rows))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Offer options, and the commands with their lines of help."""
        named = [item for item in _COMMANDS.items() if item[0].startswith(incomplete)]
        commands = [CompletionItem(name, help=summary) for name, (_, summary) in named]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]


def _examples(name: str) -> str | None:
    told = "\n".join(f"  reconcile {line}" for line in EXAMPLES.get(name, ()))
    return f"\b\nExamples:\n{told}" if told else None


# The three shells that completion is for, where they and click disagree about --option=.


@add_completion_class
class Bash(BashComplete):
    """Readline cuts a word before and after each `=`, and completes the last piece alone."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Leave the signs out: an option and its value may stand apart as well."""
        args, incomplete = super().get_completion_args()
        return [word for word in args if word != "="], incomplete.removeprefix("=")


class _WholeWords(ShellComplete):
    """These shells replace the whole word, with the option that it begins with."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Offer what may follow the sign together with what stands before it."""
        found = super().get_completions(args, incomplete)
        option, sign, typed = incomplete.partition("=")
        if not sign or not option.startswith("--"):
            return found
        words = (word for item in found for word in _words(item, typed))
        return [CompletionItem(f"{option}={word}") for word in words]


def _words(item: CompletionItem[Any], typed: str) -> Iterator[str]:
    """Name the files that are meant, as no shell looks for them in the middle of a word."""
    if item.type == "plain":
        yield str(item.value)
    else:
        yield from sorted(map(str, Path().glob(f"{escape(typed)}*")))


@add_completion_class
class Zsh(_WholeWords, ZshComplete):
    """For zsh."""


@add_completion_class
class Fish(_WholeWords, FishComplete):
    """For fish."""


SHELLS = (Bash, Zsh, Fish)


# The process: what is worth doing once at the start and once at the end.


def entry() -> None:
    """Run the command line and end the process.

    Most commands build a few large values and end: searching them for cycles over and over, and
    taking them apart at the end, costs more than all else they do. Commands that stay turn the
    collector on again (`terminal.console.collect_again`).
    """
    if os.name != "posix":
        # What follows needs file locks, signals and directories as POSIX has them.
        sys.exit("error: reconcile does not run on Windows itself; install it within WSL")
    import resource

    gc.disable()
    # Looking through all that is installed for plugins takes 10 ms; nobody else is to judge files.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    # A core would hold the token, in whatever directory the command was run.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _open_closed_streams()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupted)
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # Whoever read it had enough: `--help | head`.
    except OSError:
        code = code or 1
    os._exit(code)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """See to it that a Ctrl-C ends the process in time, though what it interrupts tidies up."""
    end_soon(EXIT_BASE + number)
    signal.default_int_handler(number, frame)


def _open_closed_streams() -> None:
    """Put nothing in the place of a standard stream that the parent closed.

    Otherwise the state would be opened under its number, and be what is printed to.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # The lowest free number is the stream's own: those below it are open by now.
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))


# The command line: options follow the command, and each command takes only what it uses.

_EPILOG = """\
\b
Exit codes:
  0 nothing to do, or all done          4 the saved plan no longer matches
  1 error                               5 another run holds the lock
  2 calls due or made, if asked with    6 partly applied
    --detailed-exitcode                 8 the live instance differs (drift)
  3 blocked by a limit                  130, 143 interrupted, state saved
"""


@click.group(
    cls=Commands,
    epilog=_EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.version_option(__version__, "-V", "--version", message="reconcile %(version)s")
def command_line() -> None:
    """Declare when Omni models are refreshed and their caches reset; plan, apply."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of DESIGN's table."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code: int = command_line.main(given, "reconcile", standalone_mode=False)
    except SystemExit as ended:
        # 130 and 143 are of calls that were interrupted; 1 is click's where nobody reads the help.
        return 0 if ended.code in {None, 1} else int(ended.code)
    except Exception as error:  # noqa: BLE001 -- no traceback of a command that was not found
        # Twice what click costs, which neither the version nor a press of Tab needs.
        from reconcile.terminal.options import refuse

        return refuse(error, given)
    return code

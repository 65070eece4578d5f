"""`fmt`: give files their canonical form, comments included."""

from argparse import Namespace
from collections.abc import Iterator
from difflib import unified_diff

from reconcile.cli.console import Console
from reconcile.config.edit import Edited, formatted
from reconcile.render.documents import formatted_json
from reconcile.render.escape import escape_terminal

WOULD_CHANGE = 1


def run(options: Namespace, console: Console) -> int:
    """Format, or tell what would change."""
    files = formatted(options.file)
    changing = [file for file in files if file.changed]
    dry = options.check or options.diff
    if not dry:
        for file in changing:
            file.save()
    _say(files, changing, options, console)
    return WOULD_CHANGE if options.check and changing else 0


def _say(
    files: tuple[Edited, ...], changing: list[Edited], options: Namespace, console: Console
) -> None:
    if console.format == "json":
        console.say(formatted_json((file.path, file.changed) for file in files))
        return
    for file in changing:
        lines = list(_diff(file)) if options.diff else [escape_terminal(str(file.path))]
        console.say("\n".join(lines))


def _diff(file: Edited) -> Iterator[str]:
    name = str(file.path)
    before, after = file.before.split("\n"), file.after.split("\n")
    told = list(unified_diff(before, after, name, name, lineterm=""))
    # Without a line of text that differs, it is the line ends or the end of the file.
    yield from map(escape_terminal, told or [f"{name}: only line ends differ"])

"""The three shells that completion is for, where they and click disagree about `--option=`."""

from collections.abc import Iterator
from glob import escape
from pathlib import Path
from typing import Any

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)


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

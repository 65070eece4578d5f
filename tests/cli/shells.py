"""What real shells offer after a line that was typed, each with its own script loaded."""

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from reconcile.cli.main import SHELLS, command_line

_BASH = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_reconcile_completion reconcile
printf '%s\\n' "${COMPREPLY[@]}"
"""

_ZSH = """
autoload -U compinit && compinit
source ./completion.zsh
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
    local -a offered
    builtin compadd -A offered "$@"
    print -rl -- $offered >> offered
    builtin compadd "$@"
}
press_tab() { BUFFER=$TYPED CURSOR=$#TYPED; zle complete-word; exit }
zle -N zle-line-init press_tab
"""
"""Runs where the line editor begins; what is handed to it as a candidate is also written down."""


def script(folder: Path, shell: str) -> Path:
    """Write the script of a shell."""
    path = folder / f"completion.{shell}"
    (made,) = (known for known in SHELLS if known.name == shell)
    completion = made(command_line, {}, "reconcile", "_RECONCILE_COMPLETE")
    path.write_text(completion.source(), encoding="utf-8")
    return path


def bash_offers(folder: Path, *words: str) -> set[str]:
    """Complete the last word in bash."""
    # As readline does; there is an empty word only where the cursor is.
    cut = [part for word in words for part in re.split("(=)", word) if part or not word]
    asked = ["bash", "--norc", "-c", _BASH, "typed", str(script(folder, "bash")), *cut]
    return _said(asked, folder)


def fish_offers(folder: Path, *words: str) -> set[str]:
    """Complete the last word in fish, descriptions left out."""
    typed = " ".join(words)
    load = f"source {script(folder, 'fish')}; complete -C '{typed}'"
    return _said([_installed("fish"), "--no-config", "-c", load], folder)


def zsh_offers(folder: Path, *words: str) -> set[str]:
    """Complete the last word in zsh, at a terminal of its own: there is no other way."""
    script(folder, "zsh")
    (folder / ".zshrc").write_text(_ZSH, encoding="utf-8")
    controller, terminal = pty.openpty()
    asked = ["timeout", "60", "setsid", "--ctty", "--wait", _installed("zsh"), "-d", "-i"]
    variables = _variables(folder) | {"ZDOTDIR": str(folder), "TYPED": " ".join(words)}
    with subprocess.Popen(
        asked, cwd=folder, env=variables, stdin=terminal, stdout=terminal, stderr=terminal
    ):
        os.close(terminal)
        _drain(controller)
    os.close(controller)
    offered = folder / "offered"
    found = offered.read_text().split() if offered.exists() else []
    offered.unlink(missing_ok=True)
    return _behind_the_sign(found)


OFFERS: Mapping[str, Callable[..., set[str]]] = {
    "bash": bash_offers,
    "zsh": zsh_offers,
    "fish": fish_offers,
}


def _installed(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def _said(asked: list[str], folder: Path) -> set[str]:
    done = subprocess.run(
        asked,
        cwd=folder,
        env=_variables(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    offered = (line.partition("\t")[0] for line in done.stdout.splitlines())
    return _behind_the_sign(offered)


def _behind_the_sign(offered: Iterable[str]) -> set[str]:
    """Cut off the option of `--option=value`: bash is offered the value alone, others all."""
    return {word.rpartition("=")[2] for word in offered} - {""}


def _variables(folder: Path) -> dict[str, str]:
    tool = folder / "bin" / "reconcile"
    tool.parent.mkdir(exist_ok=True)
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconcile "$@"\n', encoding="utf-8")
    tool.chmod(0o755)
    paths = {"PATH": f"{tool.parent}:/usr/bin:/bin", "PYTHONPATH": str(Path.cwd())}
    return paths | {"HOME": str(folder), "TERM": "dumb"}


def _drain(controller: int) -> None:
    """Read until the terminal is closed, so that nobody waits to write to it."""
    try:
        while os.read(controller, 4096):
            pass
    except OSError:  # how Linux says that the other end is closed
        return

"""What is printed at a terminal of 80 columns fits it."""

import os
import pty
import re
import termios
from contextlib import suppress
from pathlib import Path

import pytest

import reconcile
from tests.logged_world import LoggedWorld
from tests.stage import Stage

DOCS = Path(reconcile.__file__).with_name("docs")
KEPT = re.compile(r"^( *)```.*?^\1```$|^ *\|.*?$", re.MULTILINE | re.DOTALL)
COLUMNS = 80


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))


def at_terminal(stage: Stage, *arguments: str) -> str:
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, COLUMNS))
    shown = b""
    with stage.start(*arguments, out=terminal):
        os.close(terminal)
        with suppress(OSError):  # Linux says so where the other end was closed.
            while data := os.read(controller, 1 << 16):
                shown += data
    os.close(controller)
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("topic", ["install", "changelog", "tutorial", "semantics"])
def test_the_prose_of_a_document_fits_and_no_word_or_table_is_lost(bare: Stage, topic: str) -> None:
    text, shown = (DOCS / f"{topic}.md").read_text(), at_terminal(bare, "docs", topic)
    assert shown.split() == text.split()
    assert [it[0] for it in KEPT.finditer(shown)] == [it[0] for it in KEPT.finditer(text)]
    assert max(map(len, KEPT.sub("", shown).splitlines())) <= COLUMNS


def test_what_a_new_file_needs_fits(bare: Stage) -> None:
    shown = at_terminal(bare, "init").splitlines()
    assert "  state/*.lock" in shown
    assert max(map(len, shown)) <= COLUMNS

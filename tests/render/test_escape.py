import shlex
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconcile.render.layout import escape_ci_log, escape_terminal, for_encoding, shell_word

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.fault("Z10", "Z11")
@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\bc\x7f", r"a\rb\x08c\x7f"),
        ("x\nNo changes.", r"x\nNo changes."),
        ("a\tb", r"a\tb"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u200bb\u2066c\ufeff", r"a\u200bb\u2066c\ufeff"),
        ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
        ("\ud800", r"\ud800"),
        ("\ue000\U000e0041", r"\ue000\U000e0041"),
        ("a\u3164b", r"a\u3164b"),
        ("[link=http://evil]x[/link][/]", "[link=http://evil]x[/link][/]"),
        ("ventes été · 売上 🙂", "ventes été · 売上 🙂"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(raw: str, shown: str) -> None:
    assert escape_terminal(raw) == shown


@pytest.mark.fault("Z10")
@given(st.text(st.characters(exclude_categories=())))
def test_no_unsafe_character_survives(raw: str) -> None:
    assert not {unicodedata.category(character) for character in escape_terminal(raw)} & UNSAFE


@given(st.text())
def test_what_was_made_safe_stays_as_it_is(raw: str) -> None:
    once = escape_terminal(raw)
    assert escape_terminal(once) == once


def test_a_long_text_is_cut_and_the_rest_is_counted() -> None:
    assert escape_terminal("x" * 10_000, 5) == "xxxxx...(+9995)"
    assert escape_terminal("\x1b" * 3, 2) == r"\x1b\x1b...(+1)"
    assert escape_terminal("xxxxx", 5) == "xxxxx"


@pytest.mark.fault("Z14")
@pytest.mark.parametrize(
    ("raw", "broken"),
    [
        ("::add-mask::x", r"\x3a:add-mask::x"),
        ("ok\n  ::error::x", "ok\n  \\x3a:error::x"),
        ("a ##[command]x", r"a \x23#[command]x"),
        ("##vso[task.setvariable]", r"\x23#vso[task.setvariable]"),
        ("a::b, 06:00 # c ##", "a::b, 06:00 # c ##"),
    ],
)
def test_a_runner_finds_no_command_in_a_log(raw: str, broken: str) -> None:
    assert escape_ci_log(raw) == broken


@pytest.mark.fault("Z14")
@given(st.text(":# \n\r\tx["))
@example("::::")
def test_no_line_of_a_log_starts_a_command(raw: str) -> None:
    escaped = escape_ci_log(raw)
    assert "##[" not in escaped
    assert not any(line.lstrip().startswith("::") for line in escaped.splitlines())


@pytest.mark.fault("P09")
@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "3 · é 売 ▁█"),
        ("latin-1", "3 · é \\u58f2 18"),
        ("ascii", "3 - \\xe9 \\u58f2 18"),
        (None, "3 - \\xe9 \\u58f2 18"),
        ("no-such-encoding", "3 - \\xe9 \\u58f2 18"),
    ],
)
def test_a_poor_terminal_gets_plain_forms(encoding: str | None, shown: str) -> None:
    assert for_encoding("3 · é 売 ▁█", encoding) == shown


@pytest.mark.fault("P09")
@given(
    st.text(st.characters(exclude_categories=())),
    st.sampled_from(["ascii", "latin-1", "utf-8", "cp1252"]),
)
def test_every_text_can_be_printed_in_every_encoding(text: str, encoding: str) -> None:
    for_encoding(text, encoding).encode(encoding)


@pytest.mark.fault("Z31")
@pytest.mark.parametrize(
    "name", ["-rf", "a;b", "a'b", "$(x)", "a`b`", "a\nb", "a!b", "a\u202eb", ""]
)
def test_a_command_to_copy_never_holds_an_odd_name(name: str) -> None:
    assert shell_word(name) is None


@pytest.mark.fault("Z31")
@given(st.text('ab c"._-:/é', min_size=1))
def test_a_name_in_a_command_reaches_the_program_as_it_is(name: str) -> None:
    word = shell_word(name)
    assert word is None or shlex.split(word) == [name]

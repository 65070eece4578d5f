"""Every code that anything in the tool can say has an explanation, and one only."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import reconcile
from reconcile.cli.explain import EXIT_CODES
from reconcile.messages import ALL_CODES, CODES
from reconcile.planning.guards import excesses
from reconcile.sandbox.world import World
from tests.cli.stage import Stage

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
MAKERS = re.compile(r"Diagnostic|LeafError|diagnose|_?refus\w+|warning|add")
SOURCES = sorted(Path(str(reconcile.__file__)).parent.rglob("*.py"))


def texts(nodes: list[ast.expr]) -> list[str]:
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def said_in(path: Path) -> Iterator[tuple[str, str | None]]:
    """Yield each code that a file makes a diagnostic of, and the summary beside it if literal."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        named = {word.arg: word.value for word in node.keywords if word.arg}
        maker = getattr(node.func, "id", getattr(node.func, "attr", ""))
        given = texts(node.args) if MAKERS.fullmatch(maker) else []
        codes = [text for text in given[:2] if KEBAB.fullmatch(text)]
        codes += texts([named["code"]]) if "code" in named else []
        beside = texts([named["summary"]]) if "summary" in named else given[1:2]
        if codes:
            yield codes[0], beside[0] if beside and "omni" not in path.parts else None


@cache
def said() -> list[tuple[str, str | None, str]]:
    return [(code, summary, path.name) for path in SOURCES for code, summary in said_in(path)]


def test_every_code_in_the_source_is_explained() -> None:
    assert len({code for code, _, _ in said()}) > 80
    assert [(code, file) for code, _, file in said() if code not in ALL_CODES] == []


def test_every_explanation_is_of_a_code_in_the_source() -> None:
    computed = {code for code in ALL_CODES if code.startswith("over-limit-")}
    named = {
        node.value
        for path in SOURCES
        if not path.name.startswith(("codes_of", "about_"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(ALL_CODES) - computed <= named


def test_every_limit_has_a_code_of_its_own_and_no_code_is_of_no_limit() -> None:
    source = Path(excesses.__code__.co_filename).read_text(encoding="utf-8")
    limits = {code.removeprefix("over-limit-").replace("-", "_") for code in ALL_CODES}
    for limit in limits & {"calls", "hard_refreshes", "share", "forget_all"}:
        assert f'"{limit}"' in source


def test_a_code_has_one_summary_wherever_it_is_said() -> None:
    # Codes of the files' own rules are also said of options, which their summaries then name.
    fixed = {code for code in ALL_CODES if code not in CODES} - {"bad-usage"}
    literal = [entry for entry in said() if entry[0] in fixed and entry[1] is not None]
    assert len(literal) > 50
    assert [entry for entry in literal if entry[1] != ALL_CODES[entry[0]].summary] == []


def test_explanations_are_sentences() -> None:
    for code, explained in ALL_CODES.items():
        assert explained.explanation.endswith("."), code
        assert not explained.summary.endswith("."), code
        assert KEBAB.fullmatch(code), code


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "http://127.0.0.1:1", World.from_models([]))


def test_a_code_is_explained_as_it_stands_in_a_message(bare: Stage) -> None:
    for spelled in ("lock-held", "error[lock-held]:", "LOCK-HELD"):
        ended = bare.run("explain", spelled)
        assert ended.code == 0
        assert ended.out.startswith("lock-held: Another run holds the lock\n")


def test_an_unknown_code_gets_the_nearest(bare: Stage) -> None:
    ended = bare.run("explain", "lock-hold")
    assert ended.code == 1
    assert "Did you mean lock-held?" in ended.err


def test_without_a_code_all_are_listed_with_the_exit_codes(bare: Stage) -> None:
    listed = bare.run("explain").out
    assert all(f"  {code} " in listed for code in [*ALL_CODES, *EXIT_CODES])
    assert max(map(len, listed.splitlines())) <= 100
    document = bare.run("explain", "--format", "json").json()
    assert set(document["codes"]) == set(ALL_CODES)


def test_exit_codes_are_explained_too(bare: Stage) -> None:
    assert "saved plan" in bare.run("explain", "4").out


def test_a_hostile_code_is_shown_escaped_and_short(bare: Stage) -> None:
    ended = bare.run("explain", "\x1b[2J::error::" + "x" * 10_000)
    assert ended.code == 1
    assert "\x1b" not in ended.err
    assert len(ended.err) < 1_000

"""Every code that anything in the tool can say has an explanation, and one only."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import reconcile
from reconcile.cli.explain import explanations
from reconcile.errors import EXIT_CODES, MESSAGES
from reconcile.planning.guards import excesses
from tests.logged_world import LoggedWorld
from tests.project import sources
from tests.stage import Stage

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
MAKERS = re.compile(r"LeafError|diagnose|fail|_?refus\w+|warning|add")
ROOT = Path(str(reconcile.__file__)).parent


@cache
def trees() -> dict[str, ast.Module]:
    """Parse all but the table that says what each code means."""
    found = {str(path): tree for path, tree in sources.trees().items()}
    body = found["errors.py"].body
    table = next(it for it in body if "MESSAGES" in ast.unparse(getattr(it, "target", it)))
    left = [it for it in body if it is not table]
    return {**found, "errors.py": ast.Module(left, type_ignores=[])}


def texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield file, getattr(node.func, "id", getattr(node.func, "attr", "")), node


def said() -> Iterator[tuple[str, str]]:
    """Yield each code that is said somewhere, and the file."""
    for file, maker, call in calls():
        if MAKERS.fullmatch(maker):
            yield from ((text, file) for text in texts(call.args[:2]) if KEBAB.fullmatch(text))


def test_every_code_in_the_source_is_explained() -> None:
    assert len({code for code, _ in said()}) > 80
    assert [(code, file) for code, file in said() if code not in MESSAGES] == []


def test_every_explanation_is_of_a_code_in_the_source() -> None:
    computed = {code for code in MESSAGES if code.startswith("over-limit-")}
    named = {text for tree in trees().values() for text in texts(ast.walk(tree))}
    assert set(MESSAGES) - computed <= named


def test_no_code_stands_in_the_table_twice() -> None:
    source = (ROOT / "errors.py").read_text(encoding="utf-8")
    listed = re.findall(r'^    "([a-z0-9-]+)": Message\(', source, re.MULTILINE)
    assert sorted(listed) == sorted(MESSAGES)


def test_every_limit_has_a_code_of_its_own_and_no_code_is_of_no_limit() -> None:
    source = Path(excesses.__code__.co_filename).read_text(encoding="utf-8")
    limits = {code.removeprefix("over-limit-").replace("-", "_") for code in MESSAGES}
    for limit in limits & {"calls", "hard_refreshes", "share", "forget_all"}:
        assert f'"{limit}"' in source


def test_what_a_code_says_is_looked_up_in_the_one_table() -> None:
    made = {file for file, maker, _ in calls() if maker == "Diagnostic"}
    assert made == {"errors.py"}


def test_explanations_are_sentences() -> None:
    for code, message in MESSAGES.items():
        assert explanations()[code].endswith("."), code
        assert ". " not in f"{message.headline} ", code
        assert KEBAB.fullmatch(code), code


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))


def test_a_code_is_explained_as_it_stands_in_a_message(bare: Stage) -> None:
    for spelled in ("lock-held", "error[lock-held]:", "LOCK-HELD"):
        ended = bare.run("explain", spelled)
        assert ended.code == 0
        assert ended.out.startswith("lock-held: Another run holds the lock\n")


@pytest.mark.parametrize("name", ["OMNI_BASE_URL", "OMNI_API_KEY_FILE", "OMNI_API_KEY_COMMAND"])
def test_a_variable_is_explained_where_its_kind_is(bare: Stage, name: str) -> None:
    assert name in bare.run("explain", name).out


def test_an_unknown_code_gets_the_nearest(bare: Stage) -> None:
    ended = bare.run("explain", "lock-hold")
    assert ended.code == 1
    assert "Did you mean lock-held?" in ended.err


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("models.sales.refresh.evry", "models.NAME.refresh.every"),
        ("[defaults.timezon]", "defaults.timezone"),
        ("evry", "every"),
    ],
)
def test_a_misspelt_key_gets_the_nearest_of_its_table(
    bare: Stage, misspelt: str, meant: str
) -> None:
    told = " ".join(bare.run("explain", misspelt).err.split())
    assert f"Did you mean {meant}?" in told
    assert bare.run("explain", meant).code == 0


def test_without_a_code_all_are_listed_with_the_exit_codes(bare: Stage) -> None:
    listed = bare.run("explain").out
    assert all(f"  {code} " in listed for code in [*MESSAGES, *map(int, EXIT_CODES)])
    assert max(map(len, listed.splitlines())) <= 100
    document = bare.run("explain", "--format", "json").json()
    assert set(document["codes"]) == set(MESSAGES)


def test_exit_codes_are_explained_too(bare: Stage) -> None:
    assert "saved plan" in bare.run("explain", "4").out


def test_a_hostile_code_is_shown_escaped_and_short(bare: Stage) -> None:
    ended = bare.run("explain", "\x1b[2J::error::" + "x" * 10_000)
    assert ended.code == 1
    assert "\x1b" not in ended.err
    assert len(ended.err) < 1_000

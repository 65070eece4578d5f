"""The canonical form: what it changes, and that it never changes a meaning or loses a comment."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.edit import (
    Edited,
    comments_of,
    format_text,
    formatted,
    open_lock,
    with_imported,
    with_models,
)
from reconcile.config.load import load_text
from reconcile.config.merge import LOCK_NAME
from reconcile.errors import ReconcileError
from reconcile.model.desired import LockFile
from reconcile.model.observed import Imported, ImportedModel
from tests.config.given import ID, OTHER_ID
from tests.strategies import examples

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/**/*.toml"))

UNTIDY = f"""

# about everything

   [ models . 'sales' ] # the shop
connection='warehouse'
id   =   "{ID}" #its id
[models.sales.refresh]
mode = 'hard'
every="6h"
"""
TIDY = f"""\
# about everything

[models.sales]  # the shop
id = "{ID}"  #its id
connection = "warehouse"

[models.sales.refresh]
every = "6h"
mode = "hard"
"""


def test_spacing_quotes_and_order_become_canonical() -> None:
    assert format_text(UNTIDY) == TIDY


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("at=['06:00','18:00',]", 'at = ["06:00", "18:00"]'),
        ("refresh={every='6h',mode='soft'}", 'refresh = { every = "6h", mode = "soft" }'),
        ("empty = [ ]", "empty = []"),
        ("empty = { }", "empty = {}"),
        ("reset_at = 2026-12-01 07:00:00Z", "reset_at = 2026-12-01 07:00:00Z"),
        (r"x = 'C:\dir'", r"x = 'C:\dir'"),
        ("x = '''a'''", "x = '''a'''"),
        ('"bare" . "two words"=1', 'bare."two words" = 1'),
    ],
)
def test_one_line_values_are_respelled_where_that_is_safe(written: str, canonical: str) -> None:
    assert format_text(written) == f"{canonical}\n"


def test_values_over_several_lines_stay_as_they_are() -> None:
    text = 'at = [\n    "06:00",   # early\n  "18:00"\n]\nx = """\n  a  \n"""\n'
    assert format_text(text) == text


def test_lines_below_a_comment_of_their_own_are_not_reordered() -> None:
    text = '[models.sales]\n# of both, or of one?\nconnection = "w"\nid = "x"\n'
    assert format_text(text) == text


def test_comments_in_a_column_stay_in_it() -> None:
    text = 'at="06:00"         # early\ndays = "mon-fri"  # no more\n'
    assert format_text(text) == 'at = "06:00"       # early\ndays = "mon-fri"  # no more\n'


def test_a_comment_above_a_header_stays_with_it() -> None:
    text = "[a]\nx = 1\n# of b\n[b]\ny = 2\n"
    assert format_text(text) == text


TEXTS = st.sampled_from(["a", "b c", "#no", "'", '"', "\\", "x = 1", "[t]", "é", "]", "}", ","])
STRINGS = TEXTS.map(lambda text: f"'{text}'" if "'" not in text else f'"{text}"')
SCALARS = st.one_of(
    STRINGS, st.sampled_from(["1", "-0.5", "true", "2026-12-01 07:00:00Z", "07:00:00", '""" x """'])
)
SPACE = st.sampled_from(["", " ", "  ", "\t"])
KEYS = st.sampled_from(["id", "every", "'a b'", '"q"', "mode", "x.y", "z . 'w'"])


def _listed(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    breaks = st.sampled_from(["", " ", "\n  ", " # in list\n"])
    element = st.tuples(breaks, parts, breaks).map("".join)
    return st.lists(element, max_size=3).map(lambda some: f"[{','.join(some)}]")


def _tabled(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.dictionaries(st.sampled_from(["a", "'b'", '"c d"']), parts, max_size=3)
    return pairs.map(lambda some: "{" + ",".join(f"{k}={v}" for k, v in some.items()) + "}")


VALUES = st.recursive(SCALARS, lambda parts: _listed(parts) | _tabled(parts), max_leaves=5)
COMMENTS = st.sampled_from(["", " # why", "      # far", "#why", " #\ttab  ", ' # "quoted"'])


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(["", "\n\n", "# top\n\n"]))
    for number in range(draw(st.integers(0, 3))):
        header = draw(st.sampled_from(["[t{}]", "[ t{} . u ]", "[[s{}]]", "  [ 'q {}' ]"]))
        text += header.format(number) + draw(COMMENTS) + "\n"
        for key in draw(st.lists(KEYS, unique=True, max_size=4)):
            text += draw(st.sampled_from(["", "\n", "# above\n", "  # in\n\n"]))
            text += f"{draw(SPACE)}{key}{draw(SPACE)}={draw(SPACE)}{draw(VALUES)}{draw(COMMENTS)}\n"
    return text


@examples(300)
@given(documents())
def test_formatting_keeps_meaning_and_comments_and_is_idempotent(text: str) -> None:
    after = format_text(text)
    assert tomli.loads(after) == tomli.loads(text)
    assert comments_of(after) == comments_of(text)
    assert format_text(after) == after


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_examples_are_formatted_and_mean_the_same_after(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    after = format_text(text)
    assert comments_of(after) == comments_of(text)
    assert tomli.loads(after) == tomli.loads(text)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_mark_are_kept(tmp_path: Path, line_end: str, mark: bytes) -> None:
    path = tmp_path / "reconcile.toml"
    path.write_bytes(mark + UNTIDY.replace("\n", line_end).encode())
    (file,) = formatted(path)
    assert file.changed
    file.save()
    assert path.read_bytes() == mark + TIDY.replace("\n", line_end).encode()
    assert not formatted(path)[0].changed
    assert [left.name for left in tmp_path.iterdir()] == ["reconcile.toml"]


def test_the_desired_state_is_the_same_before_and_after(tmp_path: Path) -> None:
    before = load_text(UNTIDY, "reconcile.toml", tmp_path).desired
    assert load_text(format_text(UNTIDY), "reconcile.toml", tmp_path).desired == before


def test_a_file_with_errors_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "reconcile.toml"
    path.write_text(UNTIDY.replace("every", "evrey"), encoding="utf-8")
    with pytest.raises(ReconcileError) as refused:
        formatted(path)
    assert {found.code for found in refused.value.diagnostics} >= {"unknown-key"}


def test_tables_that_stand_apart_are_left_where_they_are_and_the_reason_is_told(
    tmp_path: Path,
) -> None:
    path = tmp_path / "reconcile.toml"
    freeze = '[[freeze]]\nname = "{}"\nallow = "01:00-02:00"\n'
    text = f"{freeze.format('a')}{UNTIDY}{freeze.format('b')}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReconcileError) as refused:
        formatted(path)
    (found,) = refused.value.diagnostics
    assert (found.code, "stand apart" in found.detail) == ("format-unsafe", True)
    assert path.read_text(encoding="utf-8") == text


SAID = f'[models.sales]\nid = "{ID}"\nrefresh = {{ every = "6h" }}\n'
THEIRS = "# theirs\n"


def _save_lock(folder: Path) -> None:
    opened = open_lock(folder / "reconcile.toml")
    (folder / LOCK_NAME).write_text(THEIRS, encoding="utf-8")
    opened.save(LockFile())


def _save(make: Callable[[Path], Edited], folder: Path) -> None:
    file = make(folder / "reconcile.toml")
    file.path.write_text(THEIRS, encoding="utf-8")
    file.save()


def _imported(path: Path) -> Edited:
    path.unlink()
    return with_imported(path, Imported((), (ImportedModel(name="a", model_id=ID),)), every="6h")


@pytest.mark.parametrize(
    ("save", "name"),
    [
        (partial(_save, lambda path: formatted(path)[0]), "reconcile.toml"),
        (partial(_save, lambda path: with_models(path, {"ops": OTHER_ID})), "reconcile.toml"),
        (partial(_save, _imported), "reconcile.toml"),
        (_save_lock, LOCK_NAME),
    ],
    ids=["fmt", "init", "import", "lock"],
)
def test_what_another_wrote_since_it_was_read_is_kept(
    tmp_path: Path, save: Callable[[Path], None], name: str
) -> None:
    (tmp_path / "reconcile.toml").write_text(SAID, encoding="utf-8")
    with pytest.raises(ReconcileError) as refused:
        save(tmp_path)
    assert [found.code for found in refused.value.diagnostics] == ["file-not-written"]
    assert (tmp_path / name).read_text(encoding="utf-8") == THEIRS
    assert {left.name for left in tmp_path.iterdir()} == {"reconcile.toml", name}

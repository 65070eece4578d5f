import ast
from collections.abc import Iterator
from pathlib import Path

import reconcile.config
from reconcile.messages import ALL_CODES, CODES

MAKERS = {"LeafError": 0, "add": 0, "diagnose": 0}


def codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in MAKERS and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def texts_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_code_is_explained_and_every_explanation_is_of_a_code() -> None:
    (folder,) = reconcile.config.__path__
    paths = [*Path(folder).rglob("*.py"), Path(folder).parent / "review" / "git.py"]
    made = {code for path in paths for code in codes_in(path) if "-" in code}
    assert made <= set(ALL_CODES)
    assert set(CODES) <= {text for path in paths for text in texts_in(path)}


def test_explanations_are_sentences_and_summaries_are_not() -> None:
    for code, explained in CODES.items():
        assert explained.explanation.endswith("."), code
        assert not explained.summary.endswith("."), code

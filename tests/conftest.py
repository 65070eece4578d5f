"""Shared by every test: the fault marker, the switch for long suites, whole-output snapshots."""

import os
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

from tests.canary import traces, traces_below
from tests.forkserver import QUICKSTART
from tests.logged_world import LoggedWorld
from tests.stage import Stage, Staging, staging

Snapshot = Callable[[str, str], None]
"""Compares a text with the file of that name under `snapshots/` beside the test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests marked slow")
    parser.addoption("--update-snapshots", action="store_true", help="rewrite snapshot files")


LONG = {"long", "browser", "installs", "needs_root", "servers"}
"""What is long by nature: the whole suite leaves it out, CI runs it apart."""

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("searching", deadline=None, max_examples=100)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each worker begin importing the tests at another place, and find the rest done."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    if not workers or session.config.option.file_or_dir:
        return
    own = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    root = session.config.rootpath
    modules = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in sorted((root / "tests").rglob("test_*.py"))
    ]
    first = len(modules) * own // workers
    for name in modules[first:] + modules[:first]:
        with suppress(Exception, pytest.skip.Exception):
            import_module(name)


def pytest_configure(config: pytest.Config) -> None:
    # A job in the background has SIGINT ignored, and what it starts inherits that; here processes
    # are started to be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same examples in every run, so that a change and nothing else turns CI red; the long
    # suites go on searching, through more of them.
    settings.load_profile("searching" if config.getoption("--slow") else "steady")
    config.addinivalue_line("markers", "fault(*ids): rows of the fault catalogue this test covers")


@pytest.hookimpl(tryfirst=True)  # before -m reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    slow = pytest.mark.skip(reason="slow: run with --slow")
    long = pytest.mark.skip(reason="long: run with -m long, or by its path")
    asked_for = bool(config.option.file_or_dir or config.option.markexpr)
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(slow)
        if LONG & item.keywords.keys():
            item.add_marker("long")
            if not asked_for:
                item.add_marker(long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail every test after which the canary token is in what it said, logged, or wrote."""
    report = yield
    if call.when != "teardown":
        return report
    found = [title for title, text in report.sections if traces(text.encode())]
    if isinstance(folder := getattr(item, "funcargs", {}).get("tmp_path"), Path):
        found += traces_below(folder)
    if found and report.passed:
        report.outcome = "failed"
        report.longrepr = "the token was left in " + "; ".join(found)
    return report


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    folder = Path(request.path).parent / "snapshots"

    def compare(name: str, text: str) -> None:
        file = folder / name
        if request.config.getoption("--update-snapshots"):
            folder.mkdir(exist_ok=True)
            file.write_bytes(text.encode())
        assert text == file.read_bytes().decode(), f"{name}: see --update-snapshots"

    return compare


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Staging]:
    with staging(tmp_path) as make:
        yield make


@pytest.fixture
def quickstart(tmp_path: Path) -> Stage:
    """Put the file that newcomers begin with where no Omni answers."""
    shutil.copy(QUICKSTART, tmp_path / "reconcile.toml")
    return Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))

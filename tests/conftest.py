"""Shared by every test: the fault marker, the switch for long suites, whole-output snapshots."""

import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.canary import traces, traces_below

Snapshot = Callable[[str, str], None]
"""Compares a text with the file of that name under `snapshots/` beside the test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests marked slow")
    parser.addoption("--update-snapshots", action="store_true", help="rewrite snapshot files")


settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    # A job in the background has SIGINT ignored, and what it starts inherits that; here processes
    # are started to be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same examples in every run, so that a change and nothing else turns CI red; the long
    # suites go on searching.
    settings.load_profile("searching" if config.getoption("--slow") else "steady")
    config.addinivalue_line("markers", "fault(*ids): rows of the fault catalogue this test covers")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow: run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


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

"""A pull request that moves the state to a database of its own, and what that database is sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.repositories import commit, run_git
from tests.logged_world import LoggedWorld
from tests.stage import SALES, Ended, Stage
from tests.state.remote.silent_database import SilentDatabase, listening_database

PASSWORD = "hunter2-of-the-state"  # noqa: S105 - it guards nothing
MODEL = f'[models.sales]\nid = "{SALES}"\nrefresh = {{ every = "6h" }}\n'
COMMANDS = [
    ("plan",),
    ("plan", "--against", "HEAD"),
    ("apply", "--yes"),
    ("state", "list"),
    ("why", "models.sales.refresh"),
]


@pytest.fixture
def database() -> Iterator[SilentDatabase]:
    with listening_database() as found:
        yield found


@pytest.fixture
def stage(tmp_path: Path, database: SilentDatabase) -> Stage:
    """Commit a local state, and leave one in the work tree that is in the database."""
    run_git(tmp_path, "init", "-q")
    commit(tmp_path, reconcile=MODEL)
    variables = {"PGPASSWORD": PASSWORD, "HOME": str(tmp_path)}
    stage = Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]), variables)
    stage.write(f'[state]\nurl = "{url(database)}"\n{MODEL}')
    return stage


def url(database: SilentDatabase) -> str:
    return f"postgresql://me@127.0.0.1:{database.port}/db#k"


def told(ended: Ended) -> str:
    assert PASSWORD not in ended.out + ended.err
    assert ended.code == 1
    return ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_sends_the_password_where_a_file_says(
    stage: Stage, database: SilentDatabase, command: tuple[str, ...]
) -> None:
    # H2
    err = told(stage.run(*command))
    assert "error[state-host-unsaid]" in err
    assert "export PGHOST=127.0.0.1" in err
    assert (database.connections, bytes(database.heard)) == (0, b"")


@pytest.mark.parametrize("how", ["PGHOST", "RECONCILE_STATE_URL", "--state", "PGSERVICE"])
def test_the_password_is_sent_once_the_operator_names_the_host(
    stage: Stage, database: SilentDatabase, how: str
) -> None:
    # H2
    service = stage.write("[omni]\nhost=127.0.0.1\n", "services")
    said = {
        "PGHOST": "127.0.0.1",
        "RECONCILE_STATE_URL": url(database),
        "PGSERVICE": "omni",
        "PGSERVICEFILE": str(service),
    }
    options = ("--state", url(database)) if how == "--state" else ()
    names = {how, "PGSERVICEFILE"}
    told(stage.run("plan", *options, **{n: said[n] for n in said.keys() & names}))
    assert PASSWORD.encode() in database.heard


def test_an_entry_of_the_password_file_is_bound_to_its_host(
    stage: Stage, database: SilentDatabase
) -> None:
    # H2
    entry = f"127.0.0.1:{database.port}:db:me:{PASSWORD}\n"
    for host, sent in (("*", False), ("127.0.0.1", True)):
        file = stage.write(entry.replace("127.0.0.1", host, 1), "passwords")
        file.chmod(0o600)
        told(stage.run("plan", PGPASSWORD="", PGPASSFILE=str(file)))
        assert (PASSWORD.encode() in database.heard) is sent


def test_a_file_that_names_another_state_than_the_environment_is_refused(
    stage: Stage, database: SilentDatabase
) -> None:
    # H2
    other = url(database).replace("#k", "#other")
    assert "error[state-url-differs]" in told(stage.run("plan", RECONCILE_STATE_URL=other))
    assert database.connections == 0


def test_the_environment_says_where_the_state_is_where_no_file_does(stage: Stage) -> None:
    # H2
    stage.write(MODEL)
    assert stage.run("plan", RECONCILE_STATE_URL="elsewhere/state.json").code == 0
    ended = stage.run("state", "list", RECONCILE_STATE_URL="postgresql://127.0.0.1:1/db")
    assert "error[state-url]" in ended.err


def test_a_file_does_not_choose_how_the_database_is_trusted(
    stage: Stage, database: SilentDatabase
) -> None:
    # H2
    weak = url(database).replace("#", "?sslmode=disable&sslkeylogfile=keys#")
    stage.write(f'[state]\nurl = "{weak}"\n{MODEL}')
    assert "error[state-url-option]" in told(stage.run("plan", PGHOST="127.0.0.1"))
    assert database.connections == 0

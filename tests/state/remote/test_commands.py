"""The commands about where state is kept, as a person types them."""

import pytest

from tests.stage import Stage, Staging
from tests.state.remote import servers
from tests.state.remote.test_applying import server_environment

ITEM = """
[models.sales]
id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
cache.daily.at = "00:00"
"""

pytestmark = pytest.mark.servers


@pytest.fixture
def stage(staged: Staging, url: str) -> Stage:
    stage = staged(f'[state]\nurl = "{url}"\n{ITEM}')
    stage.environment |= server_environment()
    return stage


def test_a_file_is_started_on_a_store_that_was_tried_out(stage: Stage, url: str) -> None:
    model = "sales=bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
    ended = stage.run("init", "-f", "new.toml", "--state", url, "--model", model)
    assert (ended.code, ".gitignore" in ended.out) == (0, False), ended
    assert f'url = "{url}"' in (stage.folder / "new.toml").read_text()
    assert stage.run("state", "check", "-f", "new.toml").code == 0
    assert stage.run("plan", "-f", "new.toml", "--detailed-exitcode").code == 2


def test_a_state_is_moved_to_a_store_and_goes_on_there(stage: Stage, url: str) -> None:
    assert stage.run("apply", "--yes", "--state", "local.json").code == 0
    moved = stage.run("state", "migrate", "local.json", url)
    assert (moved.code, f'[state] url = "{url}"' in moved.out) == (0, True), moved
    assert stage.run("plan", "--detailed-exitcode").code == 0
    assert stage.run("state", "mark", "models.sales.cache.daily", "--due").code == 0
    assert stage.run("apply", "--yes").code == 0
    assert len(stage.calls()) == 2
    assert stage.run("state", "history").out.count("intent") == 2
    assert stage.run("state", "migrate", "local.json", url).code == 1


def test_what_a_run_rescued_in_a_store_is_put_in_place_by_its_url(stage: Stage, url: str) -> None:
    assert stage.run("apply", "--yes", "--state", "local.json").code == 0
    rescued = f"{url}.rescued-1"
    assert stage.run("state", "push", "local.json", "--state", rescued).code == 0
    pushed = stage.run("state", "push", "--force", rescued)
    assert (pushed.code, stage.run("plan", "--detailed-exitcode").code) == (0, 0), pushed
    assert stage.run("state", "push", "--force", f"{url}.rescued-2").code == 1


def test_a_rehearsal_leaves_the_remote_state_alone(stage: Stage) -> None:
    assert stage.run("apply", "--yes").code == 0
    before = stage.run("state", "pull").out
    assert stage.run("rehearse", "--force", "models.sales.cache.daily").code == 0
    assert stage.run("state", "pull").out == before


def test_no_message_repeats_a_stores_secret(stage: Stage) -> None:
    for command in ("plan", "apply", "state list"):
        away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "PGPORT": "1"}
        away["AZURITE_BLOB_STORAGE_URL"] = "http://127.0.0.1:1"
        ended = stage.run(*command.split(), **away)
        assert (ended.code, "state-store-error" in ended.err) == (1, True), ended
        assert servers.SECRET not in ended.out + ended.err

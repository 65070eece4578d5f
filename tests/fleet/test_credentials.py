import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconcile.clock import wall_clock
from reconcile.config.fleet import load_fleet
from reconcile.controller.cycle import Outcome, Verdict
from reconcile.errors import ReconcileError
from reconcile.fleet.database import Roster, opened, prepare
from reconcile.fleet.worker import Habitat, Worker, named_credential
from tests.fleet.conftest import Yarding
from tests.fleet.test_fleet import body
from tests.fleet.yard import token_of
from tests.patience import wait_until

PAIR = {
    "OMNI_BASE_URL_ACME_EU": "https://acme.omniapp.co",
    "OMNI_API_KEY_ACME_EU": "a-token-of-acme",
}


def test_two_variables_of_its_name_are_a_credential() -> None:
    found = named_credential(PAIR, "acme-eu")
    assert str(found.origin) == "https://acme.omniapp.co"
    assert found.token.reveal() == "a-token-of-acme"


def test_a_key_that_is_rotated_in_its_file_is_taken_up(tmp_path: Path) -> None:  # K6
    key = tmp_path / "key"
    url = {"OMNI_BASE_URL_ACME_EU": "https://acme.omniapp.co"}
    for token in ("a-token-of-acme", "another-token-of-acme"):
        key.write_text(token)
        found = named_credential(url | {"OMNI_API_KEY_FILE_ACME_EU": str(key)}, "acme-eu")
        assert found.token.reveal() == token


def test_a_key_is_asked_of_a_command_of_its_name() -> None:  # K6
    pair = {k: v for k, v in PAIR.items() if "URL" in k}
    asked = pair | {"OMNI_API_KEY_COMMAND_ACME_EU": "echo a-token-of-a-vault"}
    assert named_credential(asked, "acme-eu").token.reveal() == "a-token-of-a-vault"


def test_half_a_pair_is_refused_and_not_filled_up_from_elsewhere() -> None:
    half = {"OMNI_API_KEY_ACME": "a-token-of-acme", "OMNI_BASE_URL": "https://other.omniapp.co"}
    with pytest.raises(ReconcileError) as caught:
        named_credential(half, "acme")
    (found,) = caught.value.diagnostics
    assert found.code == "half-a-credential"
    assert "OMNI_BASE_URL_ACME is not" in found.detail


def test_without_variables_it_is_a_profile_and_never_the_one_without_a_name(
    tmp_path: Path,
) -> None:
    others = {"OMNI_BASE_URL": "https://x.omniapp.co", "OMNI_API_KEY": "a-token-of-x"}
    with pytest.raises(ReconcileError) as caught:
        named_credential(others | {"OMNI_CONFIG_DIR": str(tmp_path)}, "acme")
    (found,) = caught.value.diagnostics
    assert found.code == "no-credential"
    assert "OMNI_BASE_URL_ACME" in found.detail
    assert "'acme'" in found.detail


@pytest.mark.parametrize("variable", ["OMNI_API_KEY_FILE", "OMNI_API_KEY_COMMAND", "OMNI_API_KEY"])
def test_a_token_that_cannot_be_used_is_told_by_the_variable_of_its_name(variable: str) -> None:
    url = {"OMNI_BASE_URL_ACME": "https://acme.omniapp.co"}
    with pytest.raises(ReconcileError) as caught:
        named_credential(url | {f"{variable}_ACME": "/no such"}, "acme")
    assert f"{variable}_ACME" in caught.value.diagnostics[0].detail


@pytest.mark.long
def test_no_call_begins_once_a_worker_is_told_to_stop_while_a_command_makes_its_token(
    yarded: Yarding,
) -> None:
    yard = yarded({"acme": body(1)})
    asked, go = yard.folder / "asked", yard.folder / "go"
    waiting = f"touch {asked}; until [ -e {go} ]; do sleep 0.02; done"
    environment = {
        "OMNI_BASE_URL_ACME": yard.base_url,
        "OMNI_API_KEY_COMMAND_ACME": f"sh -c '{waiting}; echo {token_of('acme')}'",
        "XDG_CACHE_HOME": str(yard.folder),
    }
    outcomes: list[Outcome] = []

    async def run() -> None:
        with ThreadPoolExecutor(1) as threads:
            async with opened(yard.database) as database:
                await prepare(database)
                habitat = Habitat(
                    name="w",
                    environment=environment,
                    now=wall_clock,
                    threads=threads,
                    tell=lambda _, outcome: outcomes.append(outcome),
                )
                fleet = load_fleet(yard.folder / "fleet.toml")
                worker = Worker(fleet, Roster(database), habitat)
                running = asyncio.create_task(worker.reconcile("acme"))
                await asyncio.to_thread(wait_until, asked.exists)
                worker.stop()
                go.touch()
                await running

    asyncio.run(run())
    assert [outcome.verdict for outcome in outcomes] == [Verdict.STOPPED]
    assert not yard.posts()
    history = yard.run("state", "history", "-f", "acme", "--state", "states/acme.json")
    assert "intent" not in history.stdout

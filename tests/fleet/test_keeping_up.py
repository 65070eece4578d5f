"""K6: the fleet's own file is taken up while a worker runs, once it rests and is valid."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reconcile.applying.apply import OmniAccess
from reconcile.config.fleet import Fleet, load_fleet
from reconcile.config.merge import LOCK_NAME
from reconcile.controller.cycle import Instance
from reconcile.controller.watch import file_sight
from reconcile.errors import Diagnostic
from reconcile.fleet.text import needs_restart, reload_line
from reconcile.fleet.worker import Contents, DesiredStates, keep_up
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential, Secret, parse_origin
from tests.canary import CANARY

WHOLE = '[state]\nurl = "state.json"\n'
OTHER = '[state]\nurl = "other.json"\n'
ACME = '[instances.acme]\nfile = "acme"\n'
BOLT = '[instances.bolt]\nfile = "bolt"\n'
Told = asyncio.Queue[Fleet | tuple[Diagnostic, ...]]


def keeping_up(path: Path, act: Callable[[Told, asyncio.Event], Awaitable[None]]) -> None:
    """Watch a file while something is done to it and what is told is looked at."""

    async def run() -> None:
        again, told, loaded = asyncio.Event(), Told(), file_sight(path)
        tell = told.put_nowait
        keeping = asyncio.create_task(
            keep_up(path, again, tell, tell, loaded=loaded, look_every_s=0.01)
        )
        async with asyncio.timeout(20):
            await act(told, again)
        keeping.cancel()

    asyncio.run(run())


def test_the_lock_file_is_part_of_what_an_instance_declares(tmp_path: Path) -> None:
    file = tmp_path / "reconcile.toml"
    file.write_text(ACME)
    before = Contents().of(str(file))
    (tmp_path / LOCK_NAME).write_text(BOLT)
    assert Contents().of(str(file)) != before
    assert before is not None


def test_a_file_whose_name_is_no_text_is_part_of_what_an_instance_declares(tmp_path: Path) -> None:
    (tmp_path / "reconcile.toml").write_text(ACME)
    before = Contents().of(str(tmp_path))
    (tmp_path / os.fsdecode(b"m\xfcnchen.toml")).write_text("")
    assert Contents().of(str(tmp_path)) not in {before, None}


def test_files_that_are_being_written_count_as_before_until_they_rest(tmp_path: Path) -> None:
    file, contents = tmp_path / "reconcile.toml", Contents(rests_s=0.05)
    file.write_text(ACME)
    before = contents.of(str(file))
    for _ in range(5):
        with file.open("a") as written:
            written.write("# part\n")
        assert contents.of(str(file)) == before
    time.sleep(0.06)
    assert contents.of(str(file)) not in {before, None}


def test_files_that_are_written_anew_with_what_they_held_are_at_rest(tmp_path: Path) -> None:
    file, contents = tmp_path / "reconcile.toml", Contents()
    file.write_text(ACME)
    before = contents.of(str(file))
    assert before is not None
    for second in range(3):
        os.utime(file, (second, second))
        assert contents.of(str(file)) == before
        assert contents.are_still(str(file), before)


def test_a_file_that_is_away_while_it_is_written_counts_as_before(tmp_path: Path) -> None:
    file, contents = tmp_path / "reconcile.toml", Contents()
    (tmp_path / "other.toml").write_text(BOLT)
    file.write_text(ACME)
    before = contents.of(str(tmp_path))
    file.unlink()
    file.mkdir()
    assert contents.of(str(tmp_path)) == before


@pytest.mark.parametrize("texts", [[""], [OTHER, WHOLE], ["[models"]], ids=["cut", "back", "torn"])
def test_what_was_loaded_while_its_files_were_written_is_not_acted_on(
    tmp_path: Path, texts: list[str]
) -> None:
    file, contents = tmp_path / "reconcile.toml", Contents()
    credential = Credential(parse_origin("https://myorg.omniapp.co"), Secret(CANARY))
    instance = Instance(file=str(file), access=OmniAccess(credential))
    file.write_text(WHOLE)
    content = contents.of(str(file))
    assert DesiredStates(contents).desired(instance, content) is not None
    for text in texts:
        file.write_text(text)
    assert DesiredStates(contents).desired(instance, content) is None


def test_what_is_no_path_at_all_is_left_to_the_run_to_tell() -> None:
    assert Contents().of("a\0b") is None


def test_an_edit_is_taken_up_and_a_broken_one_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(ACME)

    async def act(told: Told, _: asyncio.Event) -> None:
        path.write_text(ACME + BOLT)
        assert await told.get() == load_fleet(path)
        path.write_text("[instances")
        assert isinstance(await told.get(), tuple)
        await asyncio.sleep(0.1)
        assert told.empty()
        path.write_text(BOLT)
        assert await told.get() == load_fleet(path)

    keeping_up(path, act)


def test_whoever_asks_for_it_has_it_read_though_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(ACME)

    async def act(told: Told, again: asyncio.Event) -> None:
        await asyncio.sleep(0.05)
        assert told.empty()
        again.set()
        assert await told.get() == load_fleet(path)

    keeping_up(path, act)


def test_what_takes_another_start_is_said(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(ACME)
    fleet = load_fleet(path)
    assert not needs_restart(fleet, replace(fleet, members=()))
    assert needs_restart(fleet, replace(fleet, look_every_s=1))
    assert "starts again" in reload_line(fleet, restart=True)

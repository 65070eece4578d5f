"""Where a plan and an apply write to, who reads it, and when."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stage import OPS, Stage, Staging, models, staging

TWO = models(["a", "b"], 'refresh = { every = "6h" }')
FAMILY = ["", ".journal", ".lock", ".prev", ".history", ".observed", ".reserve", ".session"]
INPUTS = ["reconcile.toml", *(f"state.json{suffix}" for suffix in FAMILY)]
WRITERS = {
    "out": ("plan", "--out"),
    "metrics": ("apply", "--yes", "--metrics"),
    "events": ("apply", "--yes", "--events"),
    "run metrics": ("run", "--once", "--metrics"),
    "run events": ("run", "--once", "--events"),
}
every_writer = pytest.mark.parametrize("writer", WRITERS.values(), ids=list(WRITERS))


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staging(tmp_path_factory.mktemp("applied")) as make:
        stage = make(f'[state]\nurl = "state.json"\n{TWO}')
        assert stage.run("apply", "--yes").code == 0
        yield stage


@pytest.fixture
def kept(applied: Stage, tmp_path: Path) -> Stage:
    shutil.copytree(applied.folder, tmp_path, dirs_exist_ok=True)
    return Stage(tmp_path, applied.base_url, applied.world)


def everything(stage: Stage) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in stage.folder.iterdir() if path.is_file()}


@every_writer
@pytest.mark.parametrize("name", INPUTS)
def test_no_output_is_an_input(kept: Stage, writer: tuple[str, ...], name: str) -> None:  # G10
    before = everything(kept)
    ended = kept.run(*writer, name)
    assert (ended.code, "output-over-input" in ended.err) == (1, True)
    assert everything(kept) == before


@every_writer
@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_another_name_of_an_input_is_that_input(
    kept: Stage, writer: tuple[str, ...], link: object
) -> None:  # G10
    assert callable(link)
    for number, name in enumerate(("reconcile.toml", "state.json")):
        link(kept.folder / name, kept.folder / f"other{number}")
    before = everything(kept)
    for number in range(2):
        assert kept.run(*writer, f"other{number}").code == 1
    assert everything(kept) == before


def test_the_state_of_a_broken_file_is_not_written_over(kept: Stage) -> None:  # G10
    kept.write("[models")
    before = everything(kept)
    for option in ("--events", "--metrics"):
        assert "output-over-input" in kept.run("apply", option, "state.json").err
    assert everything(kept) == before
    kept.run("apply", "--metrics", "new.prom")
    kept.run("apply", "--metrics", "new.prom")
    assert "last_run_exit_status 1" in (kept.folder / "new.prom").read_text()


@pytest.mark.fault("Z20")
@every_writer
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_replaced_by_an_output(
    kept: Stage, writer: tuple[str, ...], make: Callable[[Path], None]
) -> None:
    there = kept.folder / "there"
    make(there)
    (kept.folder / "link").symlink_to("there")
    kind = there.stat().st_mode
    for name in ("there", "link"):
        assert "output-not-a-file" in kept.run(*writer, name).err
    kept.write("[models")
    assert "output-not-a-file" in kept.run(*writer, "there").err
    assert there.stat().st_mode == kind


@every_writer
def test_only_events_go_to_standard_output(kept: Stage, writer: tuple[str, ...]) -> None:
    ended = kept.run(*writer, "-")
    assert ("output-not-a-file" in ended.err) == ("--events" not in writer)
    assert not (kept.folder / "-").exists()


@pytest.mark.parametrize("name", ["there", "absent"])
def test_metrics_that_are_a_link_are_written_where_it_leads(kept: Stage, name: str) -> None:
    kept.write("", "there")
    (kept.folder / "link").symlink_to(name)
    assert kept.run("apply", "--yes", "--metrics", "link").code == 0
    assert (kept.folder / "link").is_symlink()
    assert "last_run_exit_status 0" in (kept.folder / name).read_text()


@pytest.mark.fault("Z20")
def test_a_plan_is_saved_through_no_link(kept: Stage) -> None:
    kept.write("of another", "victim")
    (kept.folder / "link").symlink_to("victim")
    assert "output-not-a-file" in kept.run("plan", "--out", "link").err
    assert (kept.folder / "victim").read_text() == "of another"


def test_a_saved_plan_is_an_input_of_its_apply(kept: Stage) -> None:  # G10
    kept.run("plan", "--out", "plan.json")
    before = everything(kept)
    assert kept.run("apply", "plan.json", "--metrics", "plan.json").code == 1
    assert everything(kept) == before


def test_a_new_file_is_not_made_where_it_would_keep_its_state(quickstart: Stage) -> None:  # G10
    ended = quickstart.run("init", "-f", "new", "--state", "new")
    assert (ended.code, (quickstart.folder / "new").exists()) == (1, False)


def piped(stage: Stage, *arguments: str) -> tuple[int, str]:
    """Run with a reader of standard output that has gone away, as `head` has after its lines."""
    reading, writing = os.pipe()
    os.close(reading)
    with stage.start(*arguments, out=writing) as started:
        os.close(writing)
        _, err = started.communicate()
    return started.returncode, err


def test_an_apply_goes_on_when_its_reader_went_away(staged: Staging) -> None:  # G16
    stage = staged(TWO)
    code, err = piped(stage, "apply", "--yes")
    assert (code, len(stage.calls()), "error" in err, "Traceback" in err) == (0, 2, False, False)


def test_a_failed_apply_keeps_its_code_when_its_reader_went_away(staged: Staging) -> None:  # G16
    stage = staged(TWO, faults="refresh:fail")
    assert piped(stage, "apply", "--yes")[0] == 6


@pytest.mark.parametrize(
    "command", ["plan", "show", "forecast", "validate", "schema", "--help", "plan --format json"]
)
def test_no_command_fails_because_its_reader_went_away(
    staged: Staging, command: str
) -> None:  # G16
    assert piped(staged(TWO), *command.split()) == (0, "")


@pytest.mark.parametrize("command", [("apply",), ("apply", "--yes"), ("run", "--once")])
def test_the_credential_is_checked_when_nothing_is_due(
    staged: Staging, command: tuple[str, ...]
) -> None:  # G8
    stage = staged(TWO)
    assert stage.run("apply", "--yes").code == 0
    requests = len(stage.world.log)
    assert stage.run(*command, OMNI_API_KEY="").code == 1
    assert stage.run(*command, OMNI_BASE_URL="https://other.omniapp.co").code == 1
    assert stage.run(*command).code == 0
    assert len(stage.world.log) == requests


def test_the_credential_is_that_of_the_files_when_nothing_is_due(staged: Staging) -> None:  # G8
    stage = staged(TWO)
    stage.write(f'[omni]\nbase_url = "{stage.base_url}"\n{TWO}')
    assert stage.run("apply", "--yes").code == 0
    ended = stage.run("apply", "--yes", OMNI_BASE_URL="https://other.omniapp.co")
    assert (ended.code, "other.omniapp.co" in ended.err) == (1, True)


def test_every_command_says_one_thing_about_a_running_job(staged: Staging) -> None:  # G14
    stage = staged(models(["a"], 'refresh = { every = "6h" }'), job_s=600)
    with stage.start("apply", "--yes") as started:
        assert started.stderr is not None
        while "accepted" not in started.stderr.readline():
            pass
        started.terminate()
    plan, why = stage.run("plan").out, stage.run("why", "models.a.refresh").out
    assert "1 job to await" in plan
    assert why.startswith("models.a.refresh is awaited")
    assert "An apply awaits the job and starts nothing." in why
    assert "run now" not in why
    assert re.search(r"models.a.refresh +awaited", stage.run("show").out)


DATE = r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} 20\d\d \d\d:\d\d"
NEW_YORK = f'[defaults]\ntimezone = "America/New_York"\n{TWO}'


@pytest.mark.parametrize("command", ["plan", "show", "why models.a.refresh", "show p"])
@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_what_is_read_elsewhere_has_its_date(
    staged: Staging, command: str, form: str
) -> None:  # G18
    stage = staged(NEW_YORK)
    stage.run("plan", "--out", "p")
    more = () if command.startswith("why") else ("--format", form)
    told = stage.run(*command.split(), *more).out
    assert re.search(rf"{DATE} E[DS]T \(", told)


def test_a_comment_tells_every_instant_with_its_date(staged: Staging) -> None:  # G18
    body = f'cache.daily = {{ at = "06:00" }}\nrefresh = {{ every = "6h" }}\nid = "{OPS}"'
    stage = staged(f'[defaults]\ntimezone = "America/New_York"\n[models.a]\n{body}')
    told = stage.run("plan", "--format", "markdown", "--at", "2026-11-23T15:00:00Z").out
    assert "as of Mon 23 Nov 2026 10:00 EST (15:00Z)" in told
    assert "slot Mon 23 Nov 06:00 EST (11:00Z)" in told
    assert "valid until Tue 24 Nov 06:00 EST (11:00Z)" in told
    late = stage.run("plan", "--format", "markdown", "--at", "2026-11-24T02:00:00Z").out
    assert "as of Mon 23 Nov 2026 21:00 EST (Tue 24 Nov 02:00Z)" in late

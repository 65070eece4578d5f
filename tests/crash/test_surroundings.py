"""The tool where a process can hardly live: one plain message, no traceback, nothing lost."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.sandbox.faults import FaultKind, FaultRule, Faults
from tests.crash.evidence import Evidence
from tests.crash.test_kills import ours
from tests.crash.yard import Yard, opened, work
from tests.patience import wait_until

pytestmark = pytest.mark.long

APPLY = f"exec '{sys.executable}' -m reconcile apply --yes"
PLAN = f"exec '{sys.executable}' -m reconcile plan"
SLOW = Faults((FaultRule(kind=FaultKind.SLOW, delay_s=30.0),))


@pytest.fixture
def yard() -> Iterator[Yard]:
    with opened() as yard:
        yield yard


@pytest.fixture
def evidence(yard: Yard, tmp_path: Path) -> Evidence:
    return yard.lay_out(tmp_path / "here", work(6))


def started(yard: Yard, folder: Path, script: str, **more: str) -> subprocess.Popen[str]:
    """Start a shell script in a folder; the tool replaces the shell where the script says exec."""
    return subprocess.Popen(
        ["sh", "-c", script],
        cwd=folder,
        env={**yard.environment, **ours(), **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(yard: Yard, evidence: Evidence, script: str, **more: str) -> tuple[int, str]:
    with started(yard, evidence.state.parent, script, **more) as process:
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert "internal-error" not in err
    return process.returncode, out + err


def finishes(yard: Yard, evidence: Evidence) -> None:
    """Apply once more, undisturbed: whatever came before cost nothing."""
    code, words = said(yard, evidence, APPLY)
    assert code == 0, words
    evidence.look()
    evidence.require_true_to(yard.sent())


@pytest.mark.fault("P03")
def test_a_second_interrupt_ends_the_process_at_once_and_the_journal_is_true(
    yard: Yard, evidence: Evidence
) -> None:
    world = yard.lay_out(evidence.state.parent.with_name("slow"), work(2), faults=SLOW)
    with started(yard, world.state.parent, APPLY) as process:
        wait_until(lambda: bool(yard.sent()))
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    world.look()
    assert world.in_doubt().total() == 1
    assert "doubted" not in world.state.with_name("reconcile.state.json.journal").read_text()


@pytest.mark.fault("P05", "P04")
def test_where_the_shell_ignores_interrupts_a_termination_still_works(
    yard: Yard, evidence: Evidence
) -> None:
    long = yard.lay_out(evidence.state.parent.with_name("long"), work(2), job=timedelta(hours=1))
    with started(yard, long.state.parent, f"trap '' INT; {APPLY}") as process:
        wait_until(lambda: bool(yard.sent()))
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143


@pytest.mark.fault("P08")
@pytest.mark.parametrize("gone", [">&-", "<&- >&- 2>&-", "2>&-"])
def test_an_apply_goes_on_when_nobody_can_be_told(
    yard: Yard, evidence: Evidence, gone: str
) -> None:
    code, _ = said(yard, evidence, f"{APPLY} {gone}")
    assert code in {0, 1}
    evidence.look()
    assert evidence.require_true_to(yard.sent()) == 0
    assert said(yard, evidence, f"{PLAN} --detailed-exitcode")[0] == 0


@pytest.mark.fault("P08", "D01")
def test_a_plan_that_cannot_be_shown_is_not_applied(yard: Yard, evidence: Evidence) -> None:
    code, words = said(yard, evidence, f"{APPLY} >/dev/full")
    assert (code, words.count("error["), yard.sent().total()) == (1, 1, 0)


@pytest.mark.fault("P08")
def test_an_apply_goes_on_when_the_reader_of_its_progress_leaves(
    yard: Yard, evidence: Evidence
) -> None:
    with started(yard, evidence.state.parent, APPLY) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
        process.wait(timeout=60)
    evidence.look()
    assert evidence.require_true_to(yard.sent()) == 0


@pytest.mark.fault("P12", "D04")
def test_a_limit_on_the_size_of_files_is_told_before_any_call(
    yard: Yard, evidence: Evidence
) -> None:
    code, words = said(yard, evidence, f"ulimit -f 1; {APPLY}")
    assert (code, words.count("error["), yard.sent().total()) == (1, 1, 0)
    finishes(yard, evidence)


@pytest.mark.fault("P12", "D04")
@pytest.mark.parametrize("descriptors", [5, 20])
def test_few_descriptors_cost_nothing_but_time(
    yard: Yard, evidence: Evidence, descriptors: int
) -> None:
    code, words = said(yard, evidence, f"ulimit -n {descriptors}; {APPLY}")
    assert code in {0, 1, 6}, words
    evidence.look()
    finishes(yard, evidence)


@pytest.mark.fault("P12")
def test_no_core_dump_with_the_token_in_it_is_ever_written(yard: Yard, evidence: Evidence) -> None:
    slow = yard.lay_out(evidence.state.parent.with_name("slow"), work(2), faults=SLOW)
    with started(yard, slow.state.parent, f"ulimit -c unlimited; {APPLY}") as process:
        wait_until(lambda: bool(yard.sent()))
        process.send_signal(signal.SIGABRT)
        process.communicate(timeout=60)
    assert not list(slow.state.parent.glob("core*"))


@pytest.mark.fault("P13", "S20")
@pytest.mark.parametrize("place", ["/sys/state.json", "/dev/null/state.json"])
def test_a_place_that_cannot_be_written_is_told_before_any_call(
    yard: Yard, evidence: Evidence, place: str
) -> None:
    code, words = said(yard, evidence, f"{APPLY} --state {place}")
    assert (code, words.count("error["), yard.sent().total()) == (1, 1, 0)


@pytest.mark.fault("P13", "P14")
def test_no_home_and_no_locale_are_needed(yard: Yard, evidence: Evidence) -> None:
    bare: Mapping[str, str] = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert "HOME" not in yard.environment
    code, words = said(yard, evidence, APPLY, **bare)
    assert (code, words.isascii()) == (0, True)


@pytest.mark.fault("P15")
def test_a_deleted_working_directory_is_one_plain_error(yard: Yard, evidence: Evidence) -> None:
    gone = 'mkdir gone && cd gone && rmdir "$PWD" && '
    for options in ("", " -f ../reconcile.toml", f" -f {evidence.state.parent} --state s.json"):
        code, words = said(yard, evidence, f"{gone}{PLAN}{options}")
        assert (code, words.count("error[")) == (1, 1)


@pytest.mark.fault("P07")
def test_too_little_memory_is_one_plain_error(yard: Yard, evidence: Evidence) -> None:
    huge = "# " + "x" * (60 << 20)
    folder = evidence.state.parent
    (folder / "huge.toml").write_text(huge)
    code, words = said(yard, evidence, f"ulimit -v 180000; {PLAN} -f huge.toml")
    assert (code, words.count("error[")) == (1, 1), words


@pytest.mark.fault("P16")
@pytest.mark.parametrize("option", ["-OO", "-bb -W error"])
def test_no_option_of_python_changes_what_is_done(
    yard: Yard, evidence: Evidence, option: str
) -> None:
    script = APPLY.replace(" -m ", f" {option} -m ")
    code, words = said(yard, evidence, script)
    assert code == 0, words
    evidence.look()
    assert evidence.require_true_to(yard.sent()) == 0

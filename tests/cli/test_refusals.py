"""What the tool refuses, with which exit code, and that nothing is sent then."""

import pytest

from tests.canary import CANARY, traces_below
from tests.stage import SALES, Staging, models

ONE = models(["a"], 'refresh = { every = "6h" }')


@pytest.mark.fault("P10")
def test_apply_without_a_terminal_needs_yes(staged: Staging) -> None:
    stage = staged(ONE)
    ended = stage.run("apply")
    assert (ended.code, "--yes" in ended.err, stage.calls()) == (1, True, [])


@pytest.mark.fault("Z01")
def test_a_file_cannot_send_the_token_elsewhere(staged: Staging) -> None:
    stage = staged(ONE)
    stage.write('[omni]\nbase_url = "https://evil.example"\n' + ONE)
    ended = stage.run("apply", "--yes")
    assert ended.code == 1
    assert "evil.example" in ended.err
    assert "127.0.0.1" in ended.err
    assert list(stage.world.log) == []


@pytest.mark.fault("A06")
def test_a_refused_token_stops_everything_and_is_not_shown(staged: Staging) -> None:
    stage = staged(models(["a", "b", "c"], 'refresh = { every = "6h" }'))
    ended = stage.run("apply", "--yes", OMNI_API_KEY="omni_osk_wrong_token")
    assert ended.code != 0
    assert (ended.out + ended.err).count("Invalid bearer token") == 1  # F6
    assert "omni_osk_wrong_token" not in ended.out + ended.err


def test_apply_without_a_credential_says_what_to_set(staged: Staging) -> None:
    stage = staged(ONE)
    ended = stage.run("apply", "--yes", OMNI_API_KEY="", OMNI_BASE_URL="")
    assert (ended.code, "OMNI_API_KEY" in ended.err) == (1, True)


def test_plan_reads_no_token_and_opens_no_socket(staged: Staging) -> None:
    stage = staged(ONE)
    ended = stage.run("plan", OMNI_API_KEY="", OMNI_BASE_URL="")
    assert (ended.code, list(stage.world.log)) == (0, [])


def test_a_state_of_another_instance_is_refused(staged: Staging) -> None:
    stage = staged(ONE)
    assert stage.run("apply", "--yes").code == 0
    stage.write('[omni]\nbase_url = "https://other.omniapp.co"\n' + ONE)
    ended = stage.run("plan")
    assert (ended.code, "another Omni instance" in ended.err) == (1, True)


def test_all_mistakes_are_shown_at_once_with_their_places(staged: Staging) -> None:
    stage = staged(ONE)
    stage.write(f'[models.a]\nid = "nope"\n[models.b]\nid = "{SALES}"\nrefrsh = {{}}\n')
    ended = stage.run("validate")
    assert ended.code == 1
    assert "reconcile.toml:2:" in ended.err
    assert "reconcile.toml:5:" in ended.err
    assert "refresh" in ended.err


def test_a_limit_blocks_and_its_waiver_lets_one_apply_pass(staged: Staging) -> None:
    text = models(["a", "b"], 'refresh = { every = "6h" }') + "\n[limits]\ncalls = 1\n"
    stage = staged(text)
    blocked = stage.run("apply", "--yes")
    assert (blocked.code, "--allow calls=2" in blocked.err, stage.calls()) == (3, True, [])
    assert stage.run("apply", "--yes", "--allow", "calls=2").code == 0
    assert "waived    calls up to 2\n" in stage.run("state", "history").out


def test_removing_everything_from_the_file_is_not_forgotten_by_mistake(staged: Staging) -> None:
    stage = staged(ONE)
    assert stage.run("apply", "--yes").code == 0
    stage.write(models(["z"], 'refresh = { every = "6h" }').replace("1", "2"))
    assert stage.run("apply", "--yes").code == 3
    assert stage.run("apply", "--yes", "--allow", "forget_all=1").code != 3


@pytest.mark.fault("P08")
def test_a_reader_that_goes_away_causes_no_traceback(staged: Staging) -> None:
    stage = staged(ONE)
    with stage.start("plan") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.fault("P09")
def test_an_ascii_terminal_gets_readable_text(staged: Staging) -> None:
    stage = staged(f'[models.a]\nid = "{SALES}"\n[models.a.cache."é💥"]\nevery = "1h"\n')
    ended = stage.run("plan", PYTHONIOENCODING="ascii")
    assert (ended.code, ended.out.isascii()) == (0, True)


@pytest.mark.fault("Z07")
def test_the_token_is_in_no_output_and_no_file(staged: Staging) -> None:
    stage = staged(ONE, faults="refresh:400")
    ended = stage.run("apply", "--yes")
    assert CANARY not in ended.out + ended.err
    assert not list(traces_below(stage.folder))

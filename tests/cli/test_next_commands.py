"""A command that people are told to run is about what the one they ran was about."""

import os
import subprocess
from shlex import split

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.config.merge import LOCK_NAME
from reconcile.model.address import Address
from reconcile.model.recorded import Failure, Record, Recorded
from reconcile.render.layout import escape_terminal
from reconcile.state.codec import encode_state
from reconcile.terminal.options import shell_words
from tests.canary import CANARY
from tests.planning.making import NOON
from tests.stage import OPS, Ended, Stage, Staging, models

ONE = models(["ops"], 'refresh = { every = "6h" }')
TWO = models(["a", "b"], 'refresh = { every = "6h" }')
HELD = Address("models.ops.refresh")


@pytest.fixture
def stuck(staged: Staging) -> Stage:
    """An item that is held in another state than that of the files."""
    stage = staged(ONE)
    record = Record(failures=5, last_failure=Failure(NOON, "no"))
    held = encode_state(Recorded(lineage="here", items={HELD: record}))
    (stage.folder / "staging.json").write_bytes(held)
    return stage


def told(text: str, before: str = "reconcile ") -> list[str]:
    """Return the arguments of the command in a text, which may be broken into lines."""
    return split(text.partition(before)[2])


def hint_of(ended: Ended) -> str:
    return ended.err.partition("hint: ")[2].splitlines()[0]


def test_what_frees_an_item_is_told_for_its_own_state(stuck: Stage) -> None:
    alert = stuck.run("plan", "--state", "staging.json", "--json").json()["attention"][0]
    assert alert["command"] == f"reconcile state mark {HELD} --due --state staging.json"
    assert stuck.run(*told(alert["command"])).code == 0
    assert "1 call is due" in stuck.run("plan", "--state", "staging.json").out


def test_why_tells_the_same_command_as_the_plan(stuck: Stage) -> None:
    given = ("-f", "reconcile.toml", "--state", "staging.json")
    lines = " ".join(stuck.run("plan", *given).out.split())
    command = f"reconcile state mark {HELD} --due --file reconcile.toml --state staging.json"
    assert f"To free it: {command}" in lines
    assert f"Release with: {command}" in " ".join(stuck.run("why", HELD, *given).out.split())


def test_a_blocked_apply_tells_how_to_make_the_same_calls(staged: Staging) -> None:
    stage = staged(f"[limits]\nhard_refreshes = 0\n{ONE}")
    assert stage.run("apply", "--yes", "--allow", "hard_refreshes=1").code == 0
    blocked = stage.run("apply", "--yes", "--force", HELD)
    assert blocked.code == 3
    assert "--force" in stage.run("plan", "--force", HELD).out.splitlines()[1]
    again = stage.run(*told(blocked.err, "hint: reconcile "))
    assert (again.code, len(stage.calls())) == (0, 2)


def test_one_command_passes_all_limits_and_selects_the_same(staged: Staging) -> None:
    limits = "[limits]\ncalls = 0\nhard_refreshes = 0\n"
    stage = staged(f"{limits}{TWO}")
    blocked = stage.run("apply", "--yes", "--allow", "calls=1", "--select", "models.a.*")
    again = stage.run(*told(blocked.err, "hint: reconcile "))
    assert (again.code, len(stage.calls())) == (0, 1)


def test_a_saved_plan_is_named_by_what_passes_its_limits(staged: Staging) -> None:
    stage = staged(f"[limits]\ncalls = 1\n{TWO}")
    stage.run("plan", "--out", "plan.json")
    first = stage.run("show", "plan.json").out.splitlines()[0]
    assert first.endswith("To pass it once: reconcile apply --allow calls=2 plan.json")


def test_a_started_file_is_named_by_what_comes_next(staged: Staging) -> None:
    stage = staged(ONE)
    pair = f"sales={OPS}"
    started = stage.run("init", "-f", "live.toml", "--state", "live.json", "--model", pair)
    assert started.out.endswith("Next: reconcile plan --file live.toml\n")
    assert stage.run(*told(started.out, "Next: reconcile ")).code == 0


def test_a_model_that_a_look_finds_joins_the_files_that_were_looked_at(staged: Staging) -> None:
    stage = staged(ONE)
    (stage.folder / "live").mkdir()
    (stage.folder / "reconcile.toml").unlink()
    stage.write('[[select]]\nname = "*"\nrefresh.every = "6h"\n', "live/a.toml")
    stage.write('made_for = ["SHARED *"]\n', f"live/{LOCK_NAME}")
    drift = " ".join(stage.run("drift", "-f", "live").out.split())
    assert drift.endswith("Let it join with: reconcile lock --file live")
    assert stage.run(*told(drift, "join with: reconcile ")).code == 0
    assert stage.run("drift", "-f", "live", "--max-age", "0s").code == 0


def test_an_import_names_the_file_to_plan(staged: Staging) -> None:
    done = staged(ONE).run("import", "*", "-f", "mine.toml")
    assert done.out.endswith("then run `reconcile plan --file mine.toml`.\n")


def test_a_file_that_was_found_above_is_the_one_to_add_to(staged: Staging) -> None:
    above = staged('[omni]\napi = "v1"\n')
    (above.folder / ".git").mkdir()
    (above.folder / "sub").mkdir()
    below = Stage(above.folder / "sub", above.base_url, above.world)
    hint = hint_of(below.run("validate")).replace("NAME=UUID", f"sales={OPS}")
    assert below.run(*told(hint)).out.startswith("Added to ../reconcile.toml")
    assert "1 model" in below.run("validate").out


def test_a_mended_state_is_the_damaged_one(staged: Staging) -> None:
    stage = staged(ONE)
    (stage.folder / "my state.json").write_text("{")
    refused = stage.run("state", "list", "--state", "my state.json")
    assert told(refused.err, "hint: ")[-2:] == ["--state", "my state.json"]


def test_an_option_that_a_command_has_already_or_does_not_take_is_not_added(
    staged: Staging,
) -> None:
    stage = staged(ONE)
    unknown = stage.run("plan", "-f", "reconcile.toml", "--force", "models.x.refresh")
    assert hint_of(unknown) == "reconcile show --file reconcile.toml"
    asks = stage.run("apply", "--yes", "--force", HELD, "--as-of", "2099-01-01T00:00:00Z")
    assert hint_of(asks) == "reconcile apply --force ADDRESS --as-of now --yes"


@pytest.mark.parametrize(
    "arguments",
    [
        ("why", "models.nobody.refresh"),
        ("apply", "--force", "nobody"),
        ("forecast", "--for", "x"),
        ("signal", "x"),
    ],
)
def test_a_secret_that_was_given_is_told_again_by_no_command(
    staged: Staging, arguments: tuple[str, ...]
) -> None:
    url = f"postgresql://me:{CANARY}@127.0.0.1:1/db#prod"
    ended = staged(ONE).run(*arguments, "--state", url)
    assert ended.code == 1
    assert "hint: " in ended.err


WORDS = st.binary(min_size=1).filter(lambda word: 0 not in word)


@given(
    st.lists(
        st.one_of(WORDS, WORDS.map(lambda word: b"/" + word), st.text("é'\\\n ").map(str.encode)),
        min_size=1,
    )
)
@settings(max_examples=30, deadline=None)
def test_a_shell_reads_back_every_word_that_it_is_told(words: list[bytes]) -> None:
    line = f"printf '%s\\0' {shell_words(map(os.fsdecode, words))}"
    assert escape_terminal(line) == line
    read = subprocess.run(["bash", "-c", line], capture_output=True, check=True, timeout=30).stdout
    assert read.split(b"\0")[:-1] == words


@pytest.mark.parametrize(
    "command",
    [
        ("plan", "--file", "caf\udce9.toml", "--out", "p"),
        ("plan", "--state", "caf\udce9.json", "--out", "p"),
        ("init", "--file", "p", "--state", "caf\udce9.json"),
        ("init", "--file", "p", "--model", f"caf\udce9={OPS}"),
        ("state", "mv", HELD, 'models."caf\udce9".refresh', "--state", "staging.json"),
    ],
)
def test_what_is_not_utf_8_is_not_written_down(stuck: Stage, command: tuple[str, ...]) -> None:
    stuck.write(ONE, "caf\udce9.toml")
    before = (stuck.folder / "staging.json").read_bytes()
    ended = stuck.run(*command)
    assert (ended.code, "bad-usage" in ended.err) == (1, True)
    assert not (stuck.folder / "p").exists()
    assert (stuck.folder / "staging.json").read_bytes() == before

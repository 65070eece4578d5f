"""Whatever is read: a plain refusal within 2 s of computing and 200 MB, and no traceback."""

import re
from pathlib import Path

import pytest

from tests.bad.case import Case, Kind
from tests.bad.corpus import corpus
from tests.bad.readers import measured
from tests.bad.states import STATE, sealed
from tests.forkserver import Forkserver

pytestmark = pytest.mark.long

KINDS: tuple[Kind, ...] = ("config", "state", "journal", "plan", "lock", "reply", "token", "url")
LONGEST_S, MOST_MB = 2.0, 200.0

PROCESSES = 48
GOOD = '[models.a]\nid = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"\nrefresh = { every = "6h" }\n'


def test_there_are_at_least_five_hundred_bad_inputs_each_with_a_name_of_its_own() -> None:
    for kind, cases in corpus().items():
        names = [case.name for case in cases]
        assert len(set(names)) == len(names), kind
    assert sum(case.refused for cases in corpus().values() for case in cases) >= 500


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.fault("C05", "C06", "C07", "C08", "C09", "C10", "C13", "C22", "C26", "S08", "S09")
@pytest.mark.fault("S10", "N12", "N13", "Z18", "Z26", "L06")
def test_every_bad_input_is_refused_plainly_soon_and_without_much_memory(
    kind: Kind, tmp_path: Path
) -> None:
    cases = {case.name: case for case in corpus()[kind]}
    ended = list(measured(cases.values(), tmp_path))
    assert [end.name for end in ended] == list(cases), "a reader ended the process"
    wrong = [
        end
        for end in ended
        if end.foreign
        or (cases[end.name].refused and not end.refused)
        or end.took_s >= LONGEST_S
        or end.grew_mb >= MOST_MB
        or (end.refused and end.exit_code not in {1, 4})
    ]
    assert not wrong


COMMANDS: dict[Kind, tuple[str, ...]] = {
    "config": ("validate",),
    "state": ("plan",),
    "journal": ("plan",),
    "plan": ("apply", "saved.json"),
    "token": ("apply", "--yes"),
    "url": ("apply", "--yes"),
}
FILES: dict[Kind, str] = {
    "config": "reconcile.toml",
    "state": "reconcile.state.json",
    "journal": "reconcile.state.json.journal",
    "plan": "saved.json",
}


def variables(case: Case) -> dict[str, str]:
    found = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "LANG": "C.UTF-8"}
    found |= {"OMNI_BASE_URL": "https://myorg.omniapp.co", "OMNI_API_KEY": "omni_osk_12345"}
    if case.kind in {"token", "url"}:
        name = "OMNI_API_KEY" if case.kind == "token" else "OMNI_BASE_URL"
        found[name] = case.data.decode("utf-8", "surrogateescape")
    return found


def lay_out(case: Case, folder: Path) -> None:
    """Put a bad input where the tool looks for it, and good ones all around."""
    folder.mkdir()
    (folder / "reconcile.toml").write_text(GOOD)
    if case.kind == "journal":
        (folder / "reconcile.state.json").write_bytes(sealed(STATE))
    if case.kind in FILES:
        (folder / FILES[case.kind]).write_bytes(case.data)


def is_plain(case: Case, code: int, said: str) -> bool:
    """Tell whether a run ended with an error of ours, and with one only.

    A file of the desired state may hold many mistakes, and all are told at once.
    """
    one = (
        case.kind == "config" or len(re.findall("^error", said, re.MULTILINE | re.IGNORECASE)) == 1
    )
    return code in {1, 4} and one and "Traceback" not in said and "internal-error" not in said


@pytest.mark.fault("C01", "C15", "C22", "S01", "S02", "S14", "Z04", "Z18", "Z22")
def test_a_process_ends_with_one_message_and_the_right_exit_code(tmp_path: Path) -> None:
    every = [case for kind in COMMANDS for case in corpus()[kind] if case.refused]
    # Another host is refused because the file says so; without a file it would be asked.
    alone = {c.name for c in corpus()["url"] if any(sign in c.name for sign in "@\\%#")}
    chosen = [c for c in every if c.kind in FILES or c.name in alone or c.kind == "token"]
    wrong = []
    with Forkserver() as server:
        for number, case in enumerate(chosen[:: len(chosen) // PROCESSES]):
            folder = tmp_path / str(number)
            lay_out(case, folder)
            ran = server.run(folder, COMMANDS[case.kind], variables(case))
            said = ran.out + ran.err
            if not is_plain(case, ran.code, said):
                wrong.append((case.kind, case.name, ran.code, said[-500:]))
    assert not wrong

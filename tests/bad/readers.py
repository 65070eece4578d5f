"""Bad inputs through the real readers, in a process of their own that is measured."""

import json
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from time import process_time

from msgspec import Struct
from msgspec.structs import asdict

from reconcile.config.load import load as load_config
from reconcile.errors import ReconcileError
from reconcile.model.progress import CallRejected, CallUnknown, JobRunning, JobUnreadable
from reconcile.omni.credential import load_credential, require_same_origin
from reconcile.omni.replies import Reply, classify_job, classify_refresh, classify_reset
from reconcile.render.diagnostics import diagnostic_text
from reconcile.state.backend import load as load_state
from reconcile.state.lock import acquire
from reconcile.state.saved_plans import load_plan
from tests.bad.case import Case, Kind
from tests.bad.states import NOON, STATE, sealed
from tests.omni.calling import JOB, MODEL, STAMP
from tests.state.children import child

HOME = {"OMNI_BASE_URL": "https://myorg.omniapp.co", "OMNI_API_KEY": "omni_osk_12345"}
NO_SUCCESS = (CallRejected, CallUnknown, JobRunning, JobUnreadable)


class Ended(Struct, frozen=True):
    """How one reading ended. `foreign`: an exception that no reader should let out."""

    name: str
    refused: bool
    exit_code: int
    messages: int
    foreign: str
    took_s: float
    grew_mb: float


def read_config(folder: Path, data: bytes) -> None:
    (folder / "reconcile.toml").write_bytes(data)
    load_config(str(folder / "reconcile.toml"))


def read_state(folder: Path, data: bytes) -> None:
    (folder / "state.json").write_bytes(data)
    load_state(str(folder / "state.json"))


def read_journal(folder: Path, data: bytes) -> None:
    (folder / "state.json").write_bytes(sealed(STATE))
    (folder / "state.json.journal").write_bytes(data)
    load_state(str(folder / "state.json"))


def read_plan(folder: Path, data: bytes) -> None:
    (folder / "plan.json").write_bytes(data)
    load_plan(folder / "plan.json")


def read_lock(folder: Path, data: bytes) -> None:
    (folder / "lock").write_bytes(data)
    acquire(folder / "lock", command="reconcile apply", now=NOON, timeout_s=0).release()


def read_token(_folder: Path, data: bytes) -> None:
    load_credential({**HOME, "OMNI_API_KEY": data.decode("utf-8", "surrogateescape")})


def read_url(_folder: Path, data: bytes) -> None:
    require_same_origin(data.decode(), load_credential(HOME))


def read_reply(_folder: Path, data: bytes) -> None:
    """Classify a reply to each of the calls; a success of none of them counts as a refusal."""
    head, _, body = data.partition(b"\n")
    status, _, location = head.decode().partition(" ")
    reply = Reply(int(status), {"location": location}, body)
    outcomes = (
        classify_refresh(reply, model_id=MODEL),
        classify_reset(reply, model_id=MODEL, policy="daily", reset_at=STAMP),
        classify_job(reply, job_id=JOB),
    )
    if all(isinstance(outcome, NO_SUCCESS) for outcome in outcomes):
        raise ReconcileError


READERS: Mapping[Kind, Callable[[Path, bytes], None]] = {
    "config": read_config,
    "state": read_state,
    "journal": read_journal,
    "plan": read_plan,
    "lock": read_lock,
    "reply": read_reply,
    "token": read_token,
    "url": read_url,
}


def measured(cases: Iterable[Case], folder: Path) -> Iterator[Ended]:
    """Read each case, all of them in one forked process; its memory never goes back down."""
    with child(lambda say: _read_all(cases, folder, say)) as run:
        said = b""
        while words := run.hears():
            said += words
    for line in said.splitlines():
        yield Ended(**json.loads(line))


def _read_all(cases: Iterable[Case], folder: Path, say: Callable[[bytes], object]) -> None:
    at_first = _memory_mb()
    for case in cases:
        ended = _read(case, folder, at_first)
        say(json.dumps(asdict(ended)).encode() + b"\n")


def _read(case: Case, folder: Path, at_first: float) -> Ended:
    begun, refused, exit_code, messages, foreign = process_time(), False, 0, 0, ""
    try:
        READERS[case.kind](folder, case.data)
    except ReconcileError as error:
        refused, exit_code, messages = True, error.exit_code, len(error.diagnostics)
        for diagnostic in error.diagnostics:
            diagnostic_text(diagnostic, width=80, colour=False)
    except BaseException as error:  # noqa: BLE001 - this is what is looked for
        foreign = f"{type(error).__name__}: {error}"[:200]
    return Ended(
        case.name,
        refused,
        exit_code,
        messages,
        foreign,
        process_time() - begun,
        _memory_mb() - at_first,
    )


def _memory_mb() -> float:
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

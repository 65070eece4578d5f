"""The last live look at an instance, kept beside the state. Never needed: it only saves requests.

It is read strictly and believed only for the host it was made at; what is damaged counts as absent.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.observed import Observed
from reconcile.state.backend import backend
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import warning
from reconcile.state.files import read_file, replace_file

FORMAT = "reconcile observation 1"
LARGEST_BYTES = 64 << 20


class Observation(Struct, frozen=True, kw_only=True):
    """A look at the instance at `host`. What was asked for, whether it was answered or not.

    `policies_asked`: ids of models; `schedules_asked`: ids of connections; `schemas_asked`: models
    and branches, as `branch_of` names them.
    """

    host: str
    observed: Observed
    policies_asked: frozenset[str] = frozenset()
    schedules_asked: frozenset[str] = frozenset()
    schemas_asked: frozenset[str] = frozenset()

    def answers(
        self, policies: Iterable[str], schedules: Iterable[str], schemas: Iterable[str]
    ) -> bool:
        """Tell whether all of this was asked for when the look was made."""
        return (
            self.policies_asked.issuperset(policies)
            and self.schedules_asked.issuperset(schedules)
            and self.schemas_asked.issuperset(schemas)
        )


def load_observation(state_url: str) -> Observation | Diagnostic | None:
    """Load what is kept beside a state; None if there is nothing, a warning if it is unusable."""
    path = backend(state_url).observed
    if path is None:
        return None
    try:
        content = read_file(path, LARGEST_BYTES)
    except ReconcileError as error:
        return _unusable(path, error.diagnostics[0].detail)
    if content is None:
        return None
    head, _, body = content.partition(b"\n")
    if head != _head(body):
        return _unusable(path, "It is not as it was written.")
    try:
        return decode(body, Observation)
    except MalformedError:
        return _unusable(path, "It was written by another version.")


def save_observation(state_url: str, observation: Observation) -> Diagnostic | None:
    """Keep a look beside a state, replacing the one before; return a warning if it cannot be.

    Where there is no directory for the state yet, nothing is made for this.
    """
    path = backend(state_url).observed
    if path is None or not path.parent.is_dir():
        return None
    body = encode(observation) + b"\n"
    try:
        replace_file(path, _head(body) + b"\n" + body)
    except ReconcileError as error:
        return warning(
            "observation-not-kept",
            f"{error.diagnostics[0].detail} The next one asks again.",
            path=path,
        )
    return None


def _head(body: bytes) -> bytes:
    return f'{{"format": "{FORMAT}", "sha256": "{sha256(body).hexdigest()}"}}'.encode()


def _unusable(path: Path, why: str) -> Diagnostic:
    return warning(
        "observation-damaged",
        f"{why} Nothing depends on it: the instance is asked again.",
        path=path,
    )

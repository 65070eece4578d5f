"""Moving a state from one place to another, lineage and all."""

from datetime import datetime

from reconcile.model.recorded import Recorded
from reconcile.state.refusals import refusal
from reconcile.state.saving import encode_state
from reconcile.state.session import open_session
from reconcile.state.transfer import pull, push


def migrate(source: str, target: str, *, lock_timeout_s: float = 0.0, now: datetime) -> Recorded:
    """Copy the state at one URL to another, its journal folded in, and return what is there then.

    Both are locked meanwhile; `now` is UTC. What is at the source stays. Raises ReconcileError: if
    there is no state at the source, or one at the target that this does not continue.
    """
    if source == target:
        raise refusal(
            "migrate-same",
            "A state cannot be moved onto itself",
            f"Both URLs are {source}.",
            path=source,
            hint="reconcile state migrate state/prod.json s3://BUCKET/prod.json",
        )
    pull(source)  # without making one there
    command = "reconcile state migrate"
    with open_session(source, command=command, lock_timeout_s=lock_timeout_s, now=now) as session:
        return push(target, encode_state(session.recorded), now=now)

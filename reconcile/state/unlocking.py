"""Clearing what a run that died left in its lock file."""

from datetime import datetime

from reconcile.state.holder import Holder
from reconcile.state.location import is_remote, locate
from reconcile.state.lock import acquire_stale
from reconcile.state.refusals import refusal


def unlock(url: str, lock_id: str, *, now: datetime) -> Holder | None:
    """Clear the name of a dead holder, and return it; None if there is no name to clear.

    A local lock is freed by its holder's death, so this never frees one: it only tidies. That of
    a remote state is taken from its holder, who cannot write any more, whether alive or not.
    Raises ReconcileError with exit code 5 while the holder of a local lock lives, and for the id
    of another lock.
    """
    if is_remote(url):
        from reconcile.state.remote import mending  # noqa: PLC0415 - remote states only

        return mending.unlock(url, lock_id, now=now)
    location = locate(url)
    lock = acquire_stale(location.lock, now=now)
    if lock is None or lock.previous is None:
        if lock is not None:
            lock.release()
        return None
    holder = lock.previous
    if holder.id != lock_id:
        lock.let_go()
        raise refusal(
            "lock-id-differs",
            "That is not the lock's id",
            f"The lock that a dead run left in {location.lock} is {holder.id}, not {lock_id}.",
            path=location.lock,
            hint=f"Clear it: reconcile state unlock {holder.id}",
        )
    lock.release()
    return holder

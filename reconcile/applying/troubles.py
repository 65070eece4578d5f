"""What keeps calls of many items back and is no item's fault. Each is said once an apply."""

from datetime import datetime, timedelta

from reconcile.errors import Diagnostic, diagnose
from reconcile.render.words import duration_text

SET_THE_CLOCK = "sudo chronyc makestep, or sudo timedatectl set-ntp true"


class Troubles:
    """Collects them, in the order in which they came up, and only the first of a kind."""

    def __init__(self) -> None:
        self._found: dict[str, Diagnostic] = {}

    def add(self, trouble: Diagnostic) -> None:
        """Take note of one."""
        self._found.setdefault(trouble.code, trouble)

    def all(self) -> tuple[Diagnostic, ...]:
        """Return what there was to say."""
        return tuple(self._found.values())


def token_refused(host: str, message: str) -> Diagnostic:
    """Say that Omni takes the token for no call at all."""
    return diagnose(
        "token-refused",
        f"{host} answered {message.rstrip('.')}. Every call would be refused as well, so "
        "nothing further was sent. No item is to blame: all of them stay due.",
        hint="reconcile explain token-refused",
    )


def all_refused(host: str, messages: str) -> Diagnostic:
    """Say that whatever was tried was forbidden, before anything was accepted."""
    return diagnose(
        "token-refused",
        f"{host} answered 403 to all that was tried first, and accepted nothing: {messages}."
        " While nothing is accepted that is taken for the token's lack of permission and for no "
        "item's fault: nothing further was sent, and all items stay due.",
        hint="reconcile explain token-refused",
    )


def clock_differs(host: str, ours: datetime, omnis: datetime) -> Diagnostic:
    """Say that this machine's clock and Omni's are too far apart to go by ours."""
    return diagnose(
        "clock-differs",
        f"This machine says {_instant(ours)}, {host} says {_instant(omnis)}: it is "
        f"{apart_text(ours - omnis)}. Slots would be reckoned by the wrong time, so nothing "
        "further was sent, and what this run wrote is dated by Omni's clock.",
        hint=SET_THE_CLOCK,
    )


def stamp_refused(host: str, ours: datetime, omnis: datetime | None, message: str) -> Diagnostic:
    """Say that Omni took a stamp for one of its future, which no item can be blamed for."""
    theirs = "sent no clock of its own" if omnis is None else f"says {_instant(omnis)}"
    return diagnose(
        "stamp-refused",
        f"This machine says {_instant(ours)}, {host} {theirs}, and it refused a cache reset "
        f"as future dated: {message.rstrip('.')}. No further reset was sent; they stay due.",
        hint=SET_THE_CLOCK,
    )


def apart_text(ahead: timedelta) -> str:
    """Return `2d ahead` or `6 m behind`."""
    apart = duration_text(60 * round(abs(ahead).total_seconds() / 60))
    return f"{apart} {'ahead' if ahead > timedelta() else 'behind'}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

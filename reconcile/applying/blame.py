"""Whom a refusal is to be blamed on: an item, a whole call, or the token that all calls share."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from msgspec import Struct

from reconcile.applying.ports import Stop, StopCause
from reconcile.applying.wire import Troubles, all_refused, token_refused
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.plan import Await, Refresh, ResetCache
from reconcile.model.progress import CallRejected, Proof
from reconcile.planning.budget import Called

GROUPS = 3
"""So many groups that refuse, and nothing accepted: then it is the token, not any of them."""

WAYS = 2
"""Through so many of its members each, where it has as many."""

_OF_THE_CARRIER = frozenset({Proof.FORBIDDEN, Proof.NOT_FOUND})
_OF_NOBODY = frozenset({Proof.THROTTLED, Proof.TOKEN, Proof.FUTURE_STAMP})


class Subject(Struct, frozen=True):
    """Of whom a request speaks: the group it acts on, and the way it goes to reach that.

    `carrier`: the addresses of the one model of several whose id carries the call; None where it
    goes for all that it covers. `addresses`: those a 403 would be the failure of.
    """

    group: str
    way: str
    addresses: tuple[Address, ...]
    carrier: tuple[Address, ...] | None = None


@dataclass(slots=True)
class Undecided:
    """A refusal of which it turns out later whether it is an item's own."""

    addresses: tuple[Address, ...]
    message: str
    of_items: bool | None = None
    _waiting: list[Callable[[bool], None]] = field(default_factory=list)

    def then(self, settle: Callable[[bool], None]) -> None:
        """Have it told once that is known: True for the item's, False for the token's."""
        if self.of_items is None:
            self._waiting.append(settle)
        else:
            settle(self.of_items)

    def decide(self, *, of_items: bool) -> None:
        """Settle it."""
        self.of_items = of_items
        for settle in self._waiting:
            settle(of_items)


class BlameVerdict(Struct, frozen=True):
    """`blames` as the journal has it. `undecided`: whose it is turns out later.

    `of_carrier`: the call may be made again for the others through another model.
    """

    blames: tuple[Address, ...] | None
    undecided: Undecided | None = None
    of_carrier: bool = False


class Blame:
    """Judges refusals over one apply. A 403 is an item's own once anything was accepted in it."""

    def __init__(
        self, actions: Iterable[Called], host: str, stop: Stop, troubles: Troubles
    ) -> None:
        self._host, self._stop, self._troubles = host, stop, troubles
        self._ways = ways(actions)
        self._refused: defaultdict[str, set[str]] = defaultdict(set)
        self._undecided: list[Undecided] = []
        self._messages: dict[str, None] = {}
        self._token = False
        self.accepted = False

    @property
    def undecided(self) -> bool:
        """Tell whether refusals wait to be blamed on somebody."""
        return bool(self._refused) and not self.accepted and not self._token

    def accept(self, at: datetime) -> Sequence[journal.Entry]:
        """Learn that Omni took a call or answered a poll: the token is good.

        Returns the blame for what was refused before that.
        """
        if self.accepted or self._token:
            return ()
        self.accepted = True
        return [
            journal.Blamed(at, refusal.addresses, refusal.message)
            for refusal in self._decided(of_items=True)
        ]

    def judge(self, subject: Subject | None, refused: CallRejected) -> BlameVerdict:
        """Judge a refused call; without a subject it says nothing about the token's rights."""
        if refused.proof is Proof.TOKEN:
            self.refuse_token(refused.message)
        if refused.proof in _OF_NOBODY:
            return BlameVerdict(())
        if subject is None:
            return BlameVerdict(None)
        if refused.proof is Proof.FORBIDDEN and not self.accepted:
            undecided = Undecided(subject.carrier or subject.addresses, refused.message)
            self._undecided.append(undecided)
            self._forbid(subject, refused.message)
            several = subject.carrier is not None and not self._token
            return BlameVerdict((), undecided=undecided, of_carrier=several)
        bad = refused.status == HTTPStatus.BAD_REQUEST or refused.proof in _OF_THE_CARRIER
        if bad and subject.carrier is not None:
            return BlameVerdict(subject.carrier, of_carrier=True)
        return BlameVerdict(None)

    def forbid_poll(self, subject: Subject, message: str) -> None:
        """Learn that a job may not be read. No call is blamed for it: its looks are counted."""
        if not self.accepted:
            self._forbid(subject, message)

    def refuse_token(self, message: str) -> None:
        """Learn that the token was refused as such."""
        self._troubles.add(token_refused(self._host, message))
        self._decide_for_token()

    def end(self) -> None:
        """End without a decision: nobody is blamed, and the refusals stand as they came."""
        self._decided(of_items=True)

    def _forbid(self, subject: Subject, message: str) -> None:
        if self._token:
            return
        self._ways.setdefault(subject.group, set()).add(subject.way)
        self._refused[subject.group].add(subject.way)
        self._messages[message.rstrip(".")] = None
        through = [
            group
            for group, tried in self._refused.items()
            if len(tried) >= min(WAYS, len(self._ways[group]))
        ]
        if len(through) >= min(GROUPS, len(self._ways)):
            words = "; ".join(list(self._messages)[:GROUPS])
            self._troubles.add(all_refused(self._host, words))
            self._decide_for_token()

    def _decide_for_token(self) -> None:
        self._token = True
        self._stop.request(StopCause.CREDENTIAL_REFUSED)
        self._decided(of_items=False)

    def _decided(self, *, of_items: bool) -> Sequence[Undecided]:
        left, self._undecided = self._undecided, []
        for refusal in left:
            refusal.decide(of_items=of_items)
        return left


def ways(actions: Iterable[Called]) -> dict[str, set[str]]:
    """List by group the ways in which a plan will reach it; what only follows another is none."""
    found: dict[str, set[str]] = {}
    for action in actions:
        match action:
            case Refresh():
                found.setdefault(action.group, set()).update(map(model_way, action.model_ids))
            case Await():
                found.setdefault(action.group, set()).add(job_way(action.job_id))
            case ResetCache(waits_for=None):
                found.setdefault(reset_group(action), set()).add(reset_way(action))
            case _:
                pass
    return found


def model_way(model_id: str) -> str:
    """Name the way through a model's id."""
    return f"model {model_id}"


def job_way(job_id: str) -> str:
    """Name the way of asking after a job."""
    return f"job {job_id}"


def reset_group(action: ResetCache) -> str:
    """Name what a reset acts on: rights on it are given by model."""
    return f"caches of model {action.model_id}"


def reset_way(action: ResetCache) -> str:
    """Name the way to one cache policy of a model."""
    return f"policy {action.policy}"

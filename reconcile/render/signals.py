"""Signals as `signal` shows them: who awaits each, its newest, and what it made due."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, convert

from reconcile.model.plan import Standing
from reconcile.model.reason import Status
from reconcile.model.recorded import Signal
from reconcile.model.struct import Instant
from reconcile.render.documents import Count, ItemAddress, Seconds, encode
from reconcile.render.escape import escape_terminal
from reconcile.render.outline import status_word
from reconcile.render.words import Vantage, address_text, interval_text, words_text


class KnownSignal(Struct, frozen=True):
    """What is known of one name. `usually`: how far apart its signals are as a rule.

    `refused`: when the last webhook came that was no signal, and why it was none.
    """

    name: str
    newest: Signal | None
    usually: timedelta | None
    awaited_by: tuple[Standing, ...]
    refused: tuple[datetime, str] | None = None


class Receipt(Struct, frozen=True):
    """Whether a signal that was sent changes anything. `why`: it does not."""

    name: str
    at: datetime
    why: str | None = None


class SignalDocument(Struct, frozen=True, kw_only=True):
    """A signal: when it happened, when it was told, by whom, and in what words."""

    at: Instant
    received: Instant
    by: str | None
    note: str | None


class RefusedWebhook(Struct, frozen=True):
    """The last webhook that was no signal."""

    at: Instant
    why: str


class AwaitingItem(Struct, frozen=True):
    """An item that awaits a signal."""

    address: ItemAddress
    status: Status


class KnownSignalDocument(Struct, frozen=True, kw_only=True):
    """What is known of one name. `usually_s`: how far apart its signals are as a rule."""

    name: str
    newest: SignalDocument | None
    usually_s: Seconds | None
    refused: RefusedWebhook | None
    awaited_by: tuple[AwaitingItem, ...]
    due: Count


class SentSignal(Struct, frozen=True):
    """What became of the signal that was sent. `why`: it changes nothing."""

    recorded: bool
    why: str | None


class SignalsDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile signal --format json` prints, `sent` only where one was sent."""

    format_version: Literal[1] = 1
    sent: SentSignal | UnsetType = UNSET
    signals: tuple[KnownSignalDocument, ...]


def signals_json(known: Iterable[KnownSignal], receipt: Receipt | None = None) -> str:
    """Return it as one JSON object; with `receipt`, what became of the signal that was sent."""
    sent = UNSET if receipt is None else SentSignal(receipt.why is None, receipt.why)
    return encode(SignalsDocument(sent=sent, signals=tuple(map(_document, known))))


def _document(one: KnownSignal) -> KnownSignalDocument:
    newest = one.newest
    return KnownSignalDocument(
        name=one.name,
        newest=None if newest is None else convert(newest, SignalDocument, from_attributes=True),
        usually_s=None if one.usually is None else one.usually.total_seconds(),
        refused=one.refused and RefusedWebhook(*one.refused),
        awaited_by=tuple(AwaitingItem(s.address, s.status) for s in one.awaited_by),
        due=sum(standing.status is Status.DUE for standing in one.awaited_by),
    )


def signals_text(known: Iterable[KnownSignal], view: Vantage) -> str:
    """Return a line for each name, and one below it for each item that awaits it."""
    lines: list[str] = []
    for one in known:
        lines.append(f"{escape_terminal(one.name)}  {_newest(one, view)}")
        if one.refused is not None:
            at, why = one.refused
            lines.append(f"    a webhook {view.both(at)} was no signal: {escape_terminal(why)}")
        lines += [f"    {address_text(s.address)}  {status_word(s)}" for s in one.awaited_by]
    return "\n".join(lines or ["No item awaits a signal."]) + "\n"


def receipt_text(receipt: Receipt, view: Vantage) -> str:
    """Return what became of a signal that was sent."""
    what = f"signal {escape_terminal(receipt.name)} at {view.both(receipt.at)}"
    if receipt.why is not None:
        return f"Nothing changes: {receipt.why} ({what}).\n"
    return f"Recorded: {what}.\n"


def _newest(one: KnownSignal, view: Vantage) -> str:
    signal = one.newest
    if signal is None:
        return "never came"
    sender = "" if signal.by is None else f", by {escape_terminal(signal.by)}"
    said = "" if signal.note is None else f" ({words_text(signal.note)})"
    usual = "" if one.usually is None else f", usually every {interval_text(one.usually)}"
    return f"{view.both(signal.at)}{sender}{said}{usual}"

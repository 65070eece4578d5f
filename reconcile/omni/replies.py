"""What came back from Omni, read strictly, and what each answer proves about its call. Pure."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final, NoReturn, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct, field

from reconcile.model import progress
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.plan import Request
from reconcile.model.struct import replace
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical

# Omni may have acted wherever nobody answered for it: behind a 408, a 303, most 5xx, an unusable
# success and a lost reply. Every other status says that the call was not carried out.

_PROOFS = {
    401: progress.Proof.TOKEN,
    403: progress.Proof.FORBIDDEN,
    404: progress.Proof.NOT_FOUND,
    429: progress.Proof.THROTTLED,
}

# 501 and 505 refuse the method or the protocol before anything is done.
_REFUSING_SERVER_ERRORS = frozenset({501, 505})
_REQUEST_TIMEOUT, _SEE_OTHER = 408, 303

# A bad token was seen to answer 403, not 401 (omni-api.md 1.4 [live]). Only as the whole point of
# the answer: what a warehouse has to say of its own keys is about one connection.
_BAD_TOKEN = re.compile(
    r"\s*(?:(?:unauthorized|forbidden):\s*)?"
    r"(?:invalid bearer token|(?:missing or )?invalid api key|missing api key)\b",
    re.IGNORECASE,
)


class Reply(Struct, frozen=True):
    """What arrived: header names in lower case, the body as sent. `flaw`: why it is not whole.

    `cut`: the flaw is that it ended early, and not that the server sent what is never taken.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    flaw: str | None = None
    cut: bool = False

    @property
    def date(self) -> datetime | None:
        """The server's own clock, from the Date header."""
        return parse_http_date(self.headers.get("date"))


class NoReply(Struct, frozen=True):
    """Nothing usable arrived. `sent`: False only where not one byte of the request left."""

    sent: bool
    message: str


Answer = Reply | NoReply
Failure = progress.CallNotSent | progress.CallRejected | progress.CallUnknown

T = TypeVar("T")


def judge(answer: Answer, read: Callable[[Reply, Mapping[str, object]], T]) -> T | Failure:
    """Return what `read` makes of a success that arrived whole, or what the answer proves.

    `read` raises UnusableReplyError where the body does not say what it has to: then nobody knows.
    """
    reply = open_reply(answer)
    if not isinstance(reply, Reply):
        return reply
    try:
        body = decode_object(reply.body)
    except UnusableReplyError as error:
        return progress.CallUnknown(f"{reply.status}: {error}", reply.date)
    if body.get("success") is False:
        words = error_text(reply.body)
        return progress.CallRejected(
            _refusal(reply.status, words), reply.status, words, server_date=reply.date
        )
    try:
        return read(reply, body)
    except UnusableReplyError as error:
        return progress.CallUnknown(str(error), reply.date)


def open_reply(answer: Answer) -> Reply | Failure:
    """Return a success that arrived whole, its body unread, or what the answer proves."""
    if isinstance(answer, NoReply):
        outcome = progress.CallUnknown if answer.sent else progress.CallNotSent
        return outcome(answer.message)
    if proves_nothing(answer.status):
        return progress.CallUnknown(f"{answer.status}: {_told_words(answer)}", answer.date)
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - the classes of HTTP statuses
        return _rejection(answer)
    if answer.flaw:
        return progress.CallUnknown(f"{answer.status}: {answer.flaw}", answer.date)
    return answer


def proves_nothing(status: int) -> bool:
    """Tell whether Omni may have acted although it answered with this status, which is no success.

    1xx ends no exchange, and what lies beyond 5xx is no status: it counts as a 5xx (RFC 9110 15).
    A 303 is how a proxy answers a POST that it has carried out.
    """
    if status in _REFUSING_SERVER_ERRORS:
        return False
    informs, fails = status < 200, status >= 500  # noqa: PLR2004 - the classes of HTTP statuses
    return informs or fails or status in {_REQUEST_TIMEOUT, _SEE_OTHER}


def _rejection(reply: Reply) -> progress.CallRejected:
    # A refusal needs no readable body: the status alone proves it.
    words = _told_words(reply)
    proof = _refusal(reply.status, words)
    wait_s = None
    if proof is progress.Proof.THROTTLED:
        wait_s = parse_retry_after(reply.headers.get("retry-after"), now=reply.date)
    advice = _advice(words.lower(), reply.date)
    message = " ".join(filter(None, (f"{reply.status}: {words}", advice)))
    return progress.CallRejected(proof, reply.status, message, wait_s, reply.date)


def _refusal(status: int, words: str) -> progress.Proof:
    """Say what a refusal is about, by its status and, where that is ambiguous, Omni's words."""
    proof = _PROOFS.get(status, progress.Proof.REFUSED)
    if proof is progress.Proof.FORBIDDEN and _BAD_TOKEN.match(words):
        return progress.Proof.TOKEN
    if proof is progress.Proof.REFUSED and FUTURE_STAMP in words.lower():
        return progress.Proof.FUTURE_STAMP
    return proof


def _told_words(reply: Reply) -> str:
    """Return why a reply is no success, in Omni's words where there are any."""
    location = reply.headers.get("location")
    if location is not None and 300 <= reply.status < 400:  # noqa: PLR2004 - as above
        return f"the server points to {_redirect_host(location)}; redirects are never followed"
    return reply.flaw or error_text(reply.body)


def _redirect_host(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        return "an address that cannot be read"
    return host or "another path of the same host"


# Classifies what came back from each of the three calls into its union of outcomes. Pure.

_ENDED_WELL = {
    **dict.fromkeys(("COMPLETED", "COMPLETE", "SUCCESS", "SUCCEEDED", "DONE"), True),
    **dict.fromkeys(("FAILED", "ERROR", "CANCELLED", "CANCELED"), False),
}
"""Words for the status of a job that has ended, in capitals; any other is of one that runs."""

_LONGEST_WORD = 40

# Omni shows times to the millisecond and may store them coarser; a stamp has no closer neighbour.
_STAMP_TOLERANCE = timedelta(seconds=1)


def classify_refresh(
    answer: Answer, *, model_id: str, legacy: bool = False
) -> progress.RefreshOutcome:
    """Say what a refresh call came to. Reply shapes: omni-api.md 2.1, both generations.

    `legacy`: the v0 call, whose replies have no job. In a reply of v1 a job that is missing is one
    nobody can follow, and its end is unknown unless the reply itself tells it.
    """

    def read(reply: Reply, body: Mapping[str, object]) -> progress.RefreshAccepted:
        require_echo("modelId", text_field(body, "modelId", "model_id"), model_id)
        job_id = text_field(body, "jobId", "job_id")
        word = text_field(body, "status", "state")
        ended = _ended_well(word or "")
        flaw = None
        if job_id is not None:
            if not 0 < len(job_id) <= LONGEST_ID:
                flaw = "the reply's jobId is empty or absurdly long"
        elif word is None:
            flaw = "the reply has neither a job nor a status"
        elif ended is None and not legacy:
            flaw = "the reply has no jobId, so the refresh cannot be followed"
        if flaw is not None:
            raise UnusableReplyError(f"{flaw}: {error_text(reply.body)}")
        return progress.RefreshAccepted(job_id, ended, reply.date)

    return judge(answer, read)


def classify_reset(
    answer: Answer, *, model_id: str, policy: str, reset_at: datetime
) -> progress.ResetOutcome:
    """Say what a cache reset came to.

    Omni's docs say that a policy name is not validated (omni-api.md 2.3 [doc]), so the echo is
    the only sign that the reply speaks of our call.
    """

    def read(reply: Reply, body: Mapping[str, object]) -> progress.ResetAccepted:
        echo = body.get("cache_reset")
        if not isinstance(echo, dict):
            if body.get("success") is True:
                return progress.ResetAccepted(None, reply.date)
            raise UnusableReplyError(f"the reply confirms nothing: {error_text(reply.body)}")
        require_echo("model_id", text_field(echo, "model_id", "modelId"), model_id)
        require_echo("policy_name", text_field(echo, "policy_name", "policyName"), policy)
        stamp = instant_field(echo, "reset_at", "resetAt")
        if stamp is not None and abs(stamp - reset_at) >= _STAMP_TOLERANCE:
            raise UnusableReplyError(
                f"the reply speaks of reset_at {stamp.isoformat()}, not of {reset_at.isoformat()}"
            )
        return progress.ResetAccepted(stamp, reply.date)

    return judge(answer, read)


def classify_job(answer: Answer, *, job_id: str) -> progress.JobOutcome:
    """Say where a job stands. The status has three spellings (omni-api.md 4, row 1).

    An unknown word is a job that has not ended. `job_type` is not judged: its spelling differs by
    source and tells nothing that the id does not.
    """

    def read(reply: Reply, body: Mapping[str, object]) -> progress.JobOutcome:
        if "status" not in body and "state" not in body:
            raise UnusableReplyError(f"the reply has no status: {error_text(reply.body)}")
        require_echo("job_id", text_field(body, "job_id", "jobId"), job_id)
        word = (text_field(body, "status", "state") or "null")[:_LONGEST_WORD]
        match _ended_well(word):
            case True:
                return progress.JobCompleted(reply.date)
            case False:
                return progress.JobFailed(word, reply.date)
            case None:
                return progress.JobRunning(word, reply.date)

    status = answer.status if isinstance(answer, Reply) else None
    match judge(answer, read):
        case progress.CallNotSent(message):
            return progress.JobUnreadable(message, progress.Proof.UNREACHABLE)
        case progress.CallRejected() as failure:
            return progress.JobUnreadable(
                failure.message,
                failure.proof,
                failure.retry_after_s,
                status=status,
                server_date=failure.server_date,
            )
        case progress.CallUnknown(message, date):
            return progress.JobUnreadable(message, status=status, server_date=date)
        case outcome:
            return outcome


def _ended_well(word: str) -> bool | None:
    return _ENDED_WELL.get(word.strip().upper())


# Classifies what came back from a write to a native schedule. Pure.


def classify_schedule(
    answer: Answer, *, connection_id: str, spec: ScheduleSpec, schedule_id: str | None = None
) -> progress.ScheduleOutcome:
    """Say what a creation or an update came to.

    Replies to writes were seen to be partial (omni-api.md 4.1 [live]): what is left out is taken to
    be as asked, except the id of a new schedule, without which it cannot be told from others.
    """

    def read(reply: Reply, body: Mapping[str, object]) -> progress.ScheduleAccepted:
        inner = body.get("schedule")
        fields = inner if isinstance(inner, dict) else body  # some put an envelope around it
        if schedule_id is not None and not {"scheduleId", "schedule_id", "id"} & fields.keys():
            fields = {**fields, "scheduleId": schedule_id}
        schedule = read_schedule(fields, connection_id=connection_id, asked=spec)
        if schedule_id is not None:
            require_echo("scheduleId", schedule.schedule_id, schedule_id)
        return progress.ScheduleAccepted(schedule, reply.date)

    return judge(answer, read)


def classify_deletion(answer: Answer) -> progress.ScheduleOutcome:
    """Say what a deletion came to: `{"success": true}` [SPEC-A/B], or no body at all."""
    opened = open_reply(answer)
    if isinstance(opened, Reply) and not opened.body.strip():
        return progress.ScheduleAccepted(None, opened.date)
    return judge(answer, lambda reply, _: progress.ScheduleAccepted(None, reply.date))


# Reads Omni's native schedules of a connection (omni-api.md 5).


def read_schedule(
    fields: Mapping[str, object], *, connection_id: str, asked: ScheduleSpec | None = None
) -> NativeSchedule:
    """Read one schedule. What a partial reply leaves out is `asked`, if anything was.

    A cron that cannot be read stays as it is but for its spaces: it may be one that only Omni
    knows. No `hardRefresh` means soft: the older published API has no other. Raises
    UnusableReplyError.
    """
    require_echo("connectionId", text_field(fields, "connectionId", "connection_id"), connection_id)
    cron = text_field(fields, "schedule", "cron")
    zone = text_field(fields, "timezone")
    hard = fields.get("hardRefresh", fields.get("hard_refresh"))
    if asked is not None:
        cron, zone = cron or asked.cron, zone or asked.zone
    if cron is None or zone is None:
        raise UnusableReplyError("a schedule in the reply has no schedule or no timezone")
    if not isinstance(hard, bool | None):
        raise UnusableReplyError("hardRefresh in the reply is neither true nor false")
    return NativeSchedule(
        schedule_id=id_field(fields, "scheduleId", "schedule_id", "id"),
        connection_id=connection_id,
        spec=ScheduleSpec(_spelled(cron), zone, hard or False),
        disabled_at=instant_field(fields, "disabledAt", "disabled_at"),
    )


def _spelled(cron: str) -> str:
    try:
        return canonical(cron)
    except CronError:
        return " ".join(cron.upper().split())


# Reads the fields of a decoded reply under whichever name they come (omni-api.md 4, row 3).

LONGEST_ID = 200


def text_field(fields: Mapping[str, object], *names: str) -> str | None:
    """Return the first of these fields that has a value; null and absent are the same.

    Raises UnusableReplyError if it is not text.
    """
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return value
        if value is not None:
            raise UnusableReplyError(f"{name} in the reply is not text")
    return None


def id_field(fields: Mapping[str, object], *names: str) -> str:
    """Return an id. Raises UnusableReplyError if there is none, or none of a sane length."""
    found = text_field(fields, *names)
    if not found or len(found) > LONGEST_ID:
        raise UnusableReplyError(f"{names[0]} in the reply is missing, empty or absurdly long")
    return found


def instant_field(fields: Mapping[str, object], *names: str) -> datetime | None:
    """Return the first of these fields that is there: ISO text, epoch seconds as a float, or null.

    v1 has the one and unstable the other (omni-api.md 4, row 7). Text without a zone is taken as
    UTC. Raises UnusableReplyError.
    """
    value = next((fields[name] for name in names if name in fields), None)
    try:
        match value:
            case None:
                return None
            case bool():
                pass
            case int() | float():
                return datetime.fromtimestamp(value, UTC)
            case str():
                instant = datetime.fromisoformat(value)
                zoned = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
                return zoned.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise UnusableReplyError(f"{names[0]} is not an instant")


def records_field(body: object, *names: str) -> list[Mapping[str, object]]:
    """Return the objects of a list: a bare array, or the first of these fields that is one.

    Sources disagree on the envelope (omni-api.md 4, rows 14 and 18). Raises UnusableReplyError.
    """
    found = body
    if isinstance(body, dict):
        found = next((body[name] for name in names if isinstance(body.get(name), list)), None)
    if not isinstance(found, list):
        raise UnusableReplyError(f"the reply has no list named {names[0]}")
    if not all(isinstance(value, dict) for value in found):
        raise UnusableReplyError(f"an element of {names[0]} is not an object")
    return found


def require_echo(name: str, echoed: str | None, expected: str) -> None:
    """Check that a reply speaks of what was asked; a field left out proves nothing either way.

    Raises UnusableReplyError.
    """
    if echoed is not None and echoed.casefold() != expected.casefold():
        raise UnusableReplyError(
            f"the reply speaks of {name} {echoed[:LONGEST_ID]!r}, not of {expected!r}: "
            "it may belong to another call"
        )


# Reads what Omni's replies are made of, strictly, and words out of whatever errors look like.

_LONGEST_RAW = 200
_LONGEST_MESSAGE = 500
_DEEPEST_WORDS = 4
_LONGEST_WAIT_S = 300.0
_SHORTEST_WAIT_S = 1.0

# ASCII digits are spelled out: \d, int() and isdigit() all take digits of other scripts.
_SECONDS = re.compile(r"[0-9]{1,20}")
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [1-9][0-9]{3}"
    r" [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)


class UnusableReplyError(Exception):
    """A 2xx reply that does not say what it has to; the text says why."""


def decode_object(content: bytes) -> dict[str, object]:
    """Decode one JSON object, as strictly as `decode_json`. Raises UnusableReplyError."""
    value = decode_json(content)
    if isinstance(value, dict):
        return value
    raise UnusableReplyError(f"the reply is not a JSON object: {_raw_text(content)}")


def decode_json(content: bytes) -> object:
    """Decode any JSON. UTF-8 only; repeated keys, NaN and lone surrogates are refused.

    Raises UnusableReplyError.
    """
    try:
        return _DECODER.decode(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        pass  # raised below, outside: the decoder's error holds the whole reply
    raise UnusableReplyError(f"the reply is not usable JSON: {_raw_text(content)}")


@lru_cache(maxsize=16)  # Of a burst of replies, most say the same second.
def parse_http_date(text: str | None) -> datetime | None:
    """Read an IMF-fixdate, the one form servers may send (RFC 9110 5.6.7); None for others."""
    try:
        return parsedate_to_datetime(text) if text and _HTTP_DATE.fullmatch(text) else None
    except ValueError:
        return None


def parse_retry_after(text: str | None, *, now: datetime | None) -> float | None:
    """Read a Retry-After as seconds between 1 and 300; None if it is absent or no sane wait.

    A date counts from `now`, the reply's own Date where there is one: two clocks of one server
    agree, ours and the server's may not. A date that has passed is no wait.
    """
    stripped = (text or "").strip(" \t")
    if _SECONDS.fullmatch(stripped):
        wait_s = float(stripped)
    else:
        date = parse_http_date(stripped)
        if date is None or now is None or date <= now:
            return None
        wait_s = (date - now) / timedelta(seconds=1)
    return min(max(wait_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)


def error_text(content: bytes) -> str:
    """Find Omni's own words in the body of an error.

    Clients that met real errors look for detail, message, error, errors in turn (omni-api.md 1.4
    [code]); failing these, the first 200 characters of whatever came.
    """
    try:
        body = decode_object(content)
    except UnusableReplyError:
        return _raw_text(content)
    for name in ("detail", "message", "error", "errors"):
        words = "; ".join(_words(body.get(name)))
        if words:
            return words[:_LONGEST_MESSAGE]
    return _raw_text(content)


def _words(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts in a value: a string, or strings a few lists and objects down."""
    match value:
        case str():
            if value.strip():
                yield value.strip()
        case list() if depth < _DEEPEST_WORDS:
            for element in value:
                yield from _words(element, depth + 1)
        case dict() if depth < _DEEPEST_WORDS:
            named = [value[name] for name in ("detail", "message", "msg", "error") if name in value]
            for element in named or value.values():
                yield from _words(element, depth + 1)


def _raw_text(content: bytes) -> str:
    text = content[: 4 * _LONGEST_RAW].decode("utf-8", "replace").strip()
    return text[:_LONGEST_RAW] or "the body is empty"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _refuse_oddities(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a repeated key")
    for name, value in pairs:
        name.encode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
        if isinstance(value, str):
            value.encode()
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_oddities, parse_constant=_refuse)

# Adds to Omni's refusals what to change on our side.

FUTURE_STAMP: Final = "future dated"
"""Omni's words for a `resetAt` that lies in its future, in lower case (omni-api.md 2.3 [doc])."""

_REFRESHERS = (
    "(a refresh needs Omni's Connection Admin permission on the connection, or Modeler where the "
    "connection has exactly one shared model)"
)
_UNSTABLE = (
    "(this older API is enabled for each instance by Omni's support; "
    'api = "v1" in [omni] uses the current one)'
)


def _advice(words: str, server_date: datetime | None) -> str | None:
    """Return one sentence of advice where words in lower case are known.

    Those are of omni-api.md 2.1 and 2.3 (MCP [doc]).
    """
    if "branch_id" in words and "uuid" not in words:
        if "is required" in words:
            return '(set branch_id = "..." in [models.NAME.refresh])'
        if "not be provided" in words or "not allowed" in words:
            return "(remove branch_id from [models.NAME.refresh])"
    if "require hard_refresh=false" in words:
        return '(set mode = "soft" in [models.NAME.refresh], or remove schemas and tables)'
    if FUTURE_STAMP in words:
        clock = f", which says {server_date:%Y-%m-%dT%H:%M:%SZ}" if server_date else ""
        return f"(this machine's clock is probably ahead of Omni's{clock})"
    return None


def advised(rejected: progress.CallRejected, request: Request) -> progress.CallRejected:
    """Add what is known of a refusal of this very call (omni-api.md 3.5, 9.9)."""
    if rejected.proof is progress.Proof.FORBIDDEN and request.path.endswith("/refresh"):
        advice = _REFRESHERS
    elif rejected.proof is progress.Proof.NOT_FOUND and request.path.startswith("/api/unstable/"):
        advice = _UNSTABLE
    else:
        return rejected
    return replace(rejected, message=f"{rejected.message} {advice}")

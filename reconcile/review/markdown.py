"""A plan as a comment on a pull request or merge request."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import chain

from msgspec import Struct

from reconcile.errors import Diagnostic
from reconcile.model.forecast import Timeline
from reconcile.model.struct import Telling, replace
from reconcile.render import words
from reconcile.render.diagnostics import diagnostic_text
from reconcile.render.layout import (
    DOT,
    Row,
    Told,
    escape_ci_log,
    markdown_code,
    middle_cut,
)
from reconcile.render.outline import Outline
from reconcile.render.plan import (
    alert_names,
    alert_outlook,
    approval,
    as_of,
    blocked_text,
    due_text,
    load_text,
    noted_text,
)
from reconcile.render.reasons import riding_text
from reconcile.review.outline import ChangedLine, DayOfCalls, ReviewOutline, no_plan_verdict

# The next days: both versions in a chart that forges draw from Mermaid, or what to know about them.

_NOTES_SHOWN = 12
_DAY = timedelta(days=1)
_RIDING_SHOWN = 6


def chart_lines(days: Sequence[DayOfCalls]) -> Iterator[str]:
    """Yield a chart of the calls a day of both versions. No name gets into Mermaid."""
    labels = ", ".join(f'"{day.label}"' for day in days)
    top = max(1, *(max(day.before, day.after) for day in days))
    yield "xychart-beta"
    yield '    title "Calls a day: bars after, line before"'
    yield f"    x-axis [{labels}]"
    yield f'    y-axis "calls" 0 --> {top}'
    yield f"    bar [{', '.join(str(day.after) for day in days)}]"
    yield f"    line [{', '.join(str(day.before) for day in days)}]"


def days_lines(
    timeline: Timeline, requests_per_minute: int, vantage: words.Vantage
) -> Iterator[str]:
    """Yield how many calls the next days have, and what stands out of them."""
    span = timeline.until - timeline.start
    whole_days, rest = divmod(span, _DAY)
    named = words.interval_text(span) if rest else words.counted(whole_days, "day")
    yield f"**Next {named}**: {words.counted(timeline.calls, 'call')}"
    yield ""
    notes = [*_notes(timeline, requests_per_minute, vantage)]
    yield from (f"- {told(note)}" for note in notes[:_NOTES_SHOWN])
    if len(notes) > _NOTES_SHOWN:
        yield f"- and {words.counted(len(notes) - _NOTES_SHOWN, 'more note')}"


def _notes(timeline: Timeline, requests_per_minute: int, vantage: words.Vantage) -> Iterator[str]:
    if busiest := words.busiest_text(timeline, requests_per_minute, vantage):
        yield busiest
    span = timeline.until - timeline.start
    riding = timeline.riding
    for ride in riding[:_RIDING_SHOWN]:
        yield f"{words.address_text(ride.address)} {riding_text(ride, span, vantage)}"
    if len(riding) > _RIDING_SHOWN:
        yield f"{words.counted(len(riding) - _RIDING_SHOWN, 'more item')} that rides along"
    for change in timeline.clock_changes:
        yield words.clock_change_text(change, timeline.start)
    yield from words.freeze_texts(timeline.freezes, vantage)


# Lines of text as a comment: fenced, within bounds, each kind with a mark to be found by.

_AROUND_PASSAGES = 2_000
"""Bytes kept for headings and fences, however long a name makes those."""

_PASSAGE_LINES_AT_MOST = 400


def told_markdown(document: Told) -> str:
    """Return the document as GitHub and GitLab show it, in at most `COMMENT_LIMIT` bytes."""
    marked = f"<!-- reconcile-{document.subject.replace(' ', '-')} -->"
    told_lines = [marked, f"### {told(document.headline)}"]
    passages = [passage for passage in document.passages if passage.lines]
    room = (COMMENT_LIMIT - _AROUND_PASSAGES) // max(len(passages), 1) - _AROUND_PASSAGES
    for passage in passages:
        language, lines = "text", [escape_ci_log(line) for line in passage.lines]
        if passage.changes:
            language, lines = "diff", signed(passage.lines)
        told_lines += ["", f"#### {passage.heading}", ""]
        told_lines += fenced(fitted(lines, room, _PASSAGE_LINES_AT_MOST), language)
    return "\n".join(told_lines) + "\n"


# The parts of a comment: lists that may lose their middle, between lines that stay.

_AROUND = 800
"""Bytes kept for what surrounds a list: its fold, and a fence longer than any name could force."""

_LINES_AT_MOST = 200


class Part(Struct, frozen=True, kw_only=True):
    """A list, which may lose its middle, between lines that stay. A `language` fences the list.

    `table`: its lines are rows, and so is what counts those that were left out.
    """

    opening: tuple[str, ...] = ()
    lines: Sequence[str] = ()
    closing: tuple[str, ...] = ()
    language: str = ""
    table: bool = False


def fold(summary: str, lines: Sequence[str], language: str = "") -> Part:
    """Return a part that is folded under a summary of ours."""
    # An empty line ends the HTML block: what follows is Markdown again.
    opening = (f"<details><summary>{summary}</summary>", "")
    return Part(opening=opening, lines=lines, closing=("</details>", ""), language=language)


def laid_out(part: Part, room: int) -> Iterator[str]:
    """Yield the lines of a part that takes at most `room` bytes, if its list can be cut so far."""
    yield from part.opening
    if part.lines:
        kept = fitted(part.lines, room - _AROUND, _LINES_AT_MOST, table=part.table)
        yield from fenced(kept, part.language) if part.language else kept
        yield ""
    yield from part.closing


_SHARE = 0.6
"""How much of the room that is left a list may take: the first ones matter most."""

_FENCE_WIDTH = 96
_SHOWN_AT_ONCE = 12
"""Rows of the table that are not folded: the verdict, they and the rest fit on one screen."""

_RIDING = "+"
_RELEASE = "release with: "


def plan_markdown(
    outline: Outline,
    timeline: Timeline | None = None,
    *,
    arguments: Sequence[str] = (),
    review: ReviewOutline | None = None,
) -> str:
    """Return the plan as GitHub and GitLab show it in a comment, in at most `COMMENT_LIMIT` bytes.

    `arguments`: what `apply` must be given, beside the digest, to plan the same. `review`: what
    changes against another version of the files; the comment is then about that.
    """
    comment: _Comment
    if review is None:
        comment = _Plan(outline=outline, arguments=tuple(arguments), timeline=timeline)
    else:
        comment = _Change(outline=outline, arguments=tuple(arguments), review=review)
    return "\n".join(comment.lines()) + "\n"


def no_plan_markdown(diagnostics: Sequence[Diagnostic], against: str | None) -> str:
    """Return why there is no plan, as a comment: the first mistake, its place and the fix.

    `against`: the version to compare with. The marker
    names no host, which the files may not tell: it takes the place of any earlier plan.
    """
    first, *more = diagnostics
    verdict = no_plan_verdict(diagnostics, against)
    room = COMMENT_LIMIT // 3
    parts = (
        Part(
            opening=("<!-- reconcile-plan -->", f"### {verdict}: {told(first.summary)}", ""),
            lines=_told_lines([first]),
            language="text",
        ),
        fold(words.counted(len(more), "more mistake"), _told_lines(more), "text"),
    )
    laid = (laid_out(part, room) for part in parts if part.lines)
    return "\n".join(chain.from_iterable(laid)) + "\n"


def _told_lines(diagnostics: Iterable[Diagnostic]) -> list[str]:
    shown = (diagnostic_text(one, width=_FENCE_WIDTH, colour=False) for one in diagnostics)
    return escape_ci_log("\n".join(shown)).splitlines()


def marker(host: str | None) -> str:
    """Return the hidden comment by which a later run finds this one, to replace it."""
    told_apart_by = sha256((host or "").encode("utf-8", "surrogatepass")).hexdigest()
    return f"<!-- reconcile-plan {told_apart_by[:12]} -->"


class _Comment(Struct, frozen=True, kw_only=True):
    """What both have: a marker and what blocks first, how to apply last, lists that fit between."""

    outline: Outline
    arguments: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        foot = [*self._foot(), "", *self._how_to_apply()]
        room = COMMENT_LIMIT - sum(map(size, foot))
        opening = (marker(self.outline.document.host), *self._blocked())
        for part in (Part(opening=opening), *self._parts()):
            lines = list(laid_out(part, int(room * _SHARE)))
            room -= sum(map(size, lines))
            yield from lines
        yield from foot

    def _parts(self) -> Iterator[Part]:
        raise NotImplementedError

    def _foot(self) -> Iterator[str]:
        raise NotImplementedError

    def _blocked(self) -> Iterator[str]:
        if blocked := blocked_text(self.outline.document.blocked_by, self.outline.complete):
            what, _, command = blocked.rpartition(": ")
            yield f"### {told(what)}: {markdown_code(command)}"
            yield ""

    def _alerts(self) -> Iterator[str]:
        for alert in self.outline.document.attention:
            shown, more = alert_names(alert)
            names = ", ".join(map(markdown_code, shown))
            command = markdown_code(alert.command) if alert.command else ""
            yield f"- **{alert.what}**: {names}{more}. {alert_outlook(alert)}{command}"
            yield ""

    def _due(self) -> Sequence[str]:
        return Telling(self.outline.due, _bullet)

    def _requests(self) -> Part:
        requests = Telling(
            self.outline.actions, lambda one: escape_ci_log(shortened(one.change.rstrip()))
        )
        return fold("What an apply does, request by request", requests, "diff")

    def _standing_still(self) -> Iterator[Part]:
        still, missed = self.outline.still, self.outline.missed
        yield fold(f"{len(still):,} not now", Telling(still, _bullet))
        late = f"{len(missed):,} past the deadline, recorded as missed"
        yield fold(late, Telling(missed, _bullet))

    def _load(self) -> Iterator[str]:
        if noted := noted_text(self.outline):
            yield f"- {told(noted)}"
        if load := load_text(self.outline):
            yield f"- load: {told(load)}"

    def _validity(self) -> Iterator[str]:
        outline, plan = self.outline, self.outline.document
        if outline.upcoming is not None:
            address, when = outline.upcoming
            yield f"- next: {markdown_code(address)} at {told(when)}"
        if plan.valid_until is not None:
            yield f"- valid until {told(outline.view.both(plan.valid_until))}"
        yield f"- digest {markdown_code(plan.digest)}"

    def _where(self) -> Iterator[str]:
        host = self.outline.document.host
        yield as_of(self.outline)
        if host is not None:
            yield f"on {shortened(host, 240)}"

    def _how_to_apply(self) -> Iterator[str]:
        plan = self.outline.document
        if not plan.actions:
            return
        said, command = approval(plan, self.arguments)
        if said.endswith(":"):
            yield said
            yield ""
            yield from fenced([command], "sh")
        else:
            yield f"{said} {markdown_code(command)}."


class _Plan(_Comment, frozen=True, kw_only=True):
    """What is due now, and the next days."""

    timeline: Timeline | None

    def _parts(self) -> Iterator[Part]:
        outline = self.outline
        counts = (one.words() for one in outline.figures)
        where = told(DOT.join([*self._where(), *counts]))
        heading = (f"### {due_text(outline)}", "", where, "", *self._alerts())
        yield Part(opening=heading, lines=self._due())
        covered = outline.covered
        folded = (
            *self._standing_still(),
            self._requests(),
            fold(f"{words.counted(len(covered), 'item')} covered", Telling(covered, _bullet)),
        )
        yield from (part for part in folded if part.lines)

    def _foot(self) -> Iterator[str]:
        if self.timeline is not None:
            limit = self.outline.document.load.requests_per_minute
            yield from days_lines(self.timeline, limit, self.outline.view)
            yield ""
        yield from self._load()
        yield from self._validity()


class _Change(_Comment, frozen=True, kw_only=True):
    """What a change does: the verdict, the items, and the rest folded."""

    review: ReviewOutline

    def _parts(self) -> Iterator[Part]:
        review = self.review
        yield Part(opening=(f"### {self._verdict()}", "", *self._alerts()))
        shown, more = review.changed[:_SHOWN_AT_ONCE], review.changed[_SHOWN_AT_ONCE:]
        if shown:
            yield Part(opening=self._head(), lines=list(map(_changed_row, shown)), table=True)
        yield from (part for part in self._folded(more) if part.lines)

    def _verdict(self) -> str:
        """Return the sentence; all of it is ours."""
        review = self.review
        return f"{review.counts}; **{review.rate}**; {review.due(self.outline.calls)}"

    def _head(self) -> tuple[str, str]:
        runs = f"runs {self.review.span}"
        return (f"| item | before | after | {runs} | first effect |", "|---|---|---|---|---|")

    def _folded(self, more: Sequence[ChangedLine]) -> Iterator[Part]:
        outline, review = self.outline, self.review
        rows = list(map(_changed_row, more))
        yield _table(f"{len(more):,} more changed", self._head(), rows)
        affected = [
            _row(_cell_code(line.name), line.runs, _cell(line.effect), _cell(line.because))
            for line in review.affected
        ]
        title = f"{len(affected):,} also affected: declared as before, at other times"
        head = (f"| item | runs {review.span} | first effect | why |", "|---|---|---|---|")
        yield _table(title, head, affected)
        yield fold(review.due(outline.calls), self._due())
        yield self._requests()
        yield from self._standing_still()
        consequences = [f"- {name}: {told(fact)}" for name, fact in review.facts]
        yield fold("Freezes, clock changes and load", [*consequences, *self._load()])
        if any(day.before != day.after for day in review.days):
            yield fold("Calls a day, before and after", [*chart_lines(review.days)], "mermaid")

    def _foot(self) -> Iterator[str]:
        review = self.review
        at = f" at {markdown_code(review.commit)}" if review.commit else ""
        where = told(DOT.join(self._where()))
        yield f"- against {markdown_code(review.base)}{at} · {where}"
        yield from (f"- {told(note)}" for note in review.notes)
        yield from self._validity()


def _table(summary: str, head: tuple[str, str], rows: Sequence[str]) -> Part:
    part = fold(summary, rows)
    return replace(part, opening=(*part.opening, *head), table=True)


def _changed_row(line: ChangedLine) -> str:
    name = f"{line.kind} {_cell_code(line.name)}"
    sides = (said if said == words.NONE else _cell_code(said) for said in (line.before, line.after))
    return _row(name, *sides, line.runs, _cell(line.effect))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return told(_without_bars(text)) if text else ""


def _cell_code(text: str) -> str:
    return markdown_code(shortened(_without_bars(text)))


def _without_bars(text: str) -> str:
    """Escape what would end a cell, also within code; behind a backslash it would end it still."""
    return text.replace(r"\|", r"\\x7c").replace("|", r"\|")


def _bullet(row: Row) -> str:
    why = " · ".join(map(_part, row.why))
    verb = row.verb.text.strip()
    name = markdown_code(row.name)
    if verb == _RIDING:
        return f"  - {name} {why}"
    tag = f" {row.tag.text}" if row.tag.text else ""
    return f"- **{verb}**{tag} {name} · {why}"


def _part(text: str) -> str:
    """Return a part of a reason; the command that some end with stays one piece to copy."""
    before, release, command = text.partition(_RELEASE)
    return told(text) if before or not release else release + markdown_code(shortened(command))


# Sentences and lists as Markdown that a forge shows: nothing foreign is left outside of code.

COMMENT_LIMIT = 65_000
"""Bytes of UTF-8, to stay below GitHub's 65,536 characters however it counts them."""

_TOKEN = re.compile(r'"[^"]*"[,.;:)]*|[^ ]+| +')
_TAIL = re.compile(r'(.*?)((?<="):|[,;.)]*)')
_INERT = re.compile(r"\(?(?:[A-Za-z0-9:+-]+|[0-9]{1,3}(?:,[0-9]{3})+)[,;:.)]*|·|->")
_MEANT = re.compile(r"[A-Za-z]-[0-9]|\b[0-9a-f]{7,}\b|:[A-Za-z0-9+-]+:|--")
"""`GH-1`, a commit, `:tada:`, a rule: inert characters that mean something together."""

_SIGNS = {"added": "+", "removed": "-", "changed": "!", "moved": "!", "renamed": "!"}

_TEXT_LIMIT = 600
_PARTIAL_ESCAPE = re.compile(r"\\(?:x[0-9a-f]?|u[0-9a-f]{0,3}|U[0-9a-f]{0,7})?$")


def told(text: str) -> str:
    """Return a sentence of ours, with all in it that could mean anything to Markdown in code."""
    pieces: list[str] = []
    foreign = ""
    for token in _TOKEN.findall(shortened(text)):
        if _inert(token) or not (foreign or token.strip()):
            pieces.extend((*_coded(foreign), token))
            foreign = ""
        else:
            foreign += token
    return "".join([*pieces, *_coded(foreign)]).strip()


def shortened(text: str, limit: int = _TEXT_LIMIT) -> str:
    r"""Cut a text that is shown already, never inside an escape such as `\x1b`; count the rest."""
    if len(text) <= limit:
        return text
    kept = _PARTIAL_ESCAPE.sub("", text[:limit])
    return f"{kept}...(+{len(text) - len(kept)})"


def fitted(lines: Sequence[str], room: int, at_most: int, *, table: bool = False) -> list[str]:
    """Return the lines, or as many from both ends as take at most `room` bytes of UTF-8.

    There are no more than `at_most` either. What is left out of the middle is counted in a line
    of its own, a row of a `table`.
    """
    note = _left_out(len(lines), table=table)
    head, tail = middle_cut(Telling(lines, size), room - size(note), at_most)
    left_out = len(lines) - head - tail
    if not left_out:
        return list(lines)
    return [*lines[:head], _left_out(left_out, table=table), *lines[len(lines) - tail :]]


def signed(lines: Iterable[str]) -> list[str]:
    """Return the lines of a comparison with the signs by which a `diff` is coloured."""
    sign, result = " ", []
    for line in lines:
        found = line.split(maxsplit=1)
        if not line.startswith("   "):
            sign = _SIGNS.get(found[0], " ") if found and line.startswith(" ") else " "
        result.append(escape_ci_log(f"{sign} {line.removeprefix('  ')}"))
    return result


def size(line: str) -> int:
    """Return how much of a comment a line takes, its line break included, in bytes of UTF-8."""
    return len(line.encode()) + 1


def fenced(lines: Iterable[str], language: str) -> Iterator[str]:
    """Yield a fenced code block that no line of it can close."""
    lines = tuple(lines)
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from lines
    yield fence


def _left_out(number: int, *, table: bool) -> str:
    left_out = f"... {words.counted(number, 'more line')} left out here ..."
    return f"| {left_out} |" if table else f"- {left_out}"


def _inert(token: str) -> bool:
    return bool(_INERT.fullmatch(token)) and not _MEANT.search(token.strip("(),;."))


def _coded(foreign: str) -> Iterator[str]:
    if not foreign:
        return
    text = foreign.rstrip(" ")
    found = _TAIL.fullmatch(text)
    body, tail = found.groups() if found and found[1] else (text, "")
    yield markdown_code(body)
    yield tail + foreign[len(text) :]

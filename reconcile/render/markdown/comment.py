"""A plan as a comment on a pull request or merge request."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.render.actions import action_rows
from reconcile.render.approving import approving_command
from reconcile.render.attention import waivers
from reconcile.render.escape import markdown_code
from reconcile.render.layout import DOT, Row
from reconcile.render.markdown.chart import chart_lines
from reconcile.render.markdown.parts import Part, fold, laid_out
from reconcile.render.markdown.prose import (
    COMMENT_LIMIT,
    fenced,
    shortened,
    signed,
    size,
    told,
)
from reconcile.render.markdown.requests import request_lines
from reconcile.render.names import counted
from reconcile.render.outline import Outline

_SHARE = 0.6
"""How much of the room that is left a list may take: the first ones matter most."""

_RIDING = "+"
_EXACTLY = "Apply exactly this, and nothing else:"
_RELEASE = "release with: "


def plan_markdown(
    plan: Plan,
    timeline: Timeline | None = None,
    *,
    host: str | None = None,
    arguments: Sequence[str] = (),
    changes: Sequence[str] = (),
) -> str:
    """Return the plan as GitHub and GitLab show it in a comment, in at most `COMMENT_LIMIT` bytes.

    `host`: the origin the calls would go to; it tells the comments of several instances apart.
    `arguments`: what `apply` must be given, beside the digest, to plan the same. `changes`: the
    lines of a comparison with another version of the files.
    """
    comment = _Comment(
        plan=plan,
        outline=Outline.of(plan, dated=True),
        timeline=timeline,
        host=host,
        arguments=tuple(arguments),
        changes=tuple(changes),
    )
    return "\n".join(comment.lines()) + "\n"


def marker(host: str | None) -> str:
    """Return the hidden comment by which a later run finds this one, to replace it."""
    told_apart_by = sha256((host or "").encode("utf-8", "surrogatepass")).hexdigest()
    return f"<!-- reconcile-plan {told_apart_by[:12]} -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comment:
    plan: Plan
    outline: Outline
    timeline: Timeline | None
    host: str | None
    arguments: tuple[str, ...]
    changes: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        foot = list(self._foot())
        room = COMMENT_LIMIT - sum(map(size, foot))
        for part in self._parts():
            lines = list(laid_out(part, int(room * _SHARE)))
            room -= sum(map(size, lines))
            yield from lines
        yield from foot

    def _parts(self) -> Iterator[Part]:
        yield Part(opening=(marker(self.host), *self._blocked()))
        if self.changes:
            opening = ("### What changes", "")
            yield Part(opening=opening, lines=signed(self.changes), language="diff")
        rows = self._rows()
        yield Part(opening=tuple(self._heading()), lines=_bullets(rows))
        yield from (part for part in self._folded() if part.lines)

    def _blocked(self) -> Iterator[str]:
        if blocked := self.outline.blocked():
            what, _, command = blocked.rpartition(": ")
            yield f"### {told(what)}: {markdown_code(command)}"
            yield ""

    def _heading(self) -> Iterator[str]:
        outline = self.outline
        yield f"### {outline.due()}"
        yield ""
        where = () if self.host is None else (f"on {shortened(self.host, 240)}",)
        yield told(DOT.join([outline.as_of(), *where, *outline.counts()]))
        yield ""
        for alert in outline.alerts():
            names = ", ".join(map(markdown_code, alert.names()))
            command = markdown_code(alert.command) if alert.command else ""
            yield f"- **{alert.told}**: {names}{alert.more()}. {alert.outlook()}{command}"
            yield ""

    def _rows(self) -> Iterator[Row]:
        for action in self.plan.actions:
            yield from action_rows(action, self.outline.reader, verbose=False)

    def _folded(self) -> Iterator[Part]:
        outline = self.outline
        still, missed = list(outline.still_rows()), list(outline.missed_rows())
        yield fold(f"{len(still):,} not now", _bullets(still))
        yield fold(f"{len(missed):,} past the deadline, recorded as missed", _bullets(missed))
        requests = list(request_lines(self.plan))
        yield fold("What an apply does, request by request", requests, "diff")
        covered = _bullets(outline.covered_rows())
        yield fold(f"{counted(len(covered), 'item')} covered", covered)

    def _foot(self) -> Iterator[str]:
        outline, plan = self.outline, self.plan
        vantage = outline.reader.vantage()
        if self.timeline is not None:
            limit = plan.load.requests_per_minute
            yield from chart_lines(self.timeline, limit, vantage)
            yield ""
        if noted := outline.noted():
            yield f"- {told(noted)}"
        if load := outline.load():
            yield f"- load: {told(load)}"
        if upcoming := outline.upcoming():
            address, when = upcoming
            yield f"- next: {markdown_code(address)} at {told(when)}"
        if plan.valid_until is not None:
            yield f"- valid until {told(vantage.both(plan.valid_until))}"
        yield f"- digest {markdown_code(plan.digest)}"
        yield ""
        yield from self._how_to_apply()

    def _how_to_apply(self) -> Iterator[str]:
        if not self.plan.actions:
            return
        over = waivers(self.plan.blocked_by).split()
        command = approving_command(self.plan.digest, [*self.arguments, *over])
        if command is not None:
            yield "Apply exactly this, past its limits:" if over else _EXACTLY
            yield ""
            yield from fenced([command], "sh")
        else:
            yield (
                "Apply exactly this with the options of this plan and "
                f"{markdown_code(f'--approve {self.plan.digest}')}."
            )


def _bullets(rows: Iterable[Row]) -> list[str]:
    bullets: list[str] = []
    for row in rows:
        why = " · ".join(map(_part, row.why))
        verb = row.verb.text.strip()
        name = markdown_code(row.name)
        if verb == _RIDING:
            bullets.append(f"  - {name} {why}")
        else:
            tag = f" {row.tag.text}" if row.tag.text else ""
            bullets.append(f"- **{verb}**{tag} {name} · {why}")
    return bullets


def _part(text: str) -> str:
    """Return a part of a reason; the command that some end with stays one piece to copy."""
    before, release, command = text.partition(_RELEASE)
    return told(text) if before or not release else release + markdown_code(shortened(command))

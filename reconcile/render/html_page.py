"""A plan as one page that needs nothing but itself."""

from collections.abc import Iterator, Sequence

from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.render.approving import approving_command
from reconcile.render.attention import waivers
from reconcile.render.instants import duration_text
from reconcile.render.layout import DOT
from reconcile.render.outline import Outline
from reconcile.render.page.changes import changes_section, lines_section
from reconcile.render.page.due import due_section
from reconcile.render.page.frame import framed
from reconcile.render.page.items import items_section
from reconcile.render.page.load import load_section
from reconcile.render.page.markup import Markup, code, element, joined
from reconcile.render.page.tracks import tracks_section


def plan_html(
    plan: Plan,
    timeline: Timeline | None = None,
    *,
    host: str | None = None,
    arguments: Sequence[str] = (),
    changes: Sequence[str] = (),
    live: Sequence[str] = (),
) -> str:
    """Return the plan as one page of ASCII, under 2 MB, that makes no request.

    `host`: the origin the calls would go to. `arguments`: what `apply` must be given, beside the
    digest, to plan the same. `changes`: the lines of a comparison with another version of the
    files. `live`: the lines of what a look at the instance found.
    """
    outline = Outline.of(plan, dated=True)
    parts = [changes_section(changes)] if changes else []
    parts.append(due_section(outline))
    if live:
        parts.append(lines_section("The live instance", live, changes=False))
    if timeline is not None:
        parts += [tracks_section(outline, timeline), load_section(outline, timeline)]
    parts += [items_section(outline, timeline), _approval(outline, arguments)]
    title = DOT.join([*(("Blocked",) if plan.blocked_by else ()), outline.due()])
    return framed(title, _masthead(outline, host), parts)


def _masthead(outline: Outline, host: str | None) -> Markup:
    where = () if host is None else (host,)
    facts = (
        element("div", (element("dt", name), element("dd", value)))
        for name, value in _facts(outline)
    )
    return element(
        "header",
        joined(
            [
                *_blocked(outline),
                element("p", DOT.join(["reconcile plan", *where]), class_="brand"),
                element("h1", outline.due()),
                element("p", DOT.join([outline.as_of(), *outline.counts()]), class_="quiet"),
                *(element("p", alert.sentence(), class_="alert") for alert in outline.alerts()),
                element("dl", joined(facts), class_="facts"),
            ]
        ),
    )


def _blocked(outline: Outline) -> Iterator[Markup]:
    if blocked := outline.blocked():
        yield element("p", blocked, class_="alert")


def _facts(outline: Outline) -> Iterator[tuple[str, str]]:
    plan, vantage = outline.plan, outline.reader.vantage()
    load = plan.load
    if outline.load():
        yield "Requests", f"{load.calls:,} + {load.polls:,} polls"
        yield "Takes", f"about {duration_text(load.duration_s)}"
        yield "Peak a minute", f"{load.peak_per_minute:,} of {load.requests_per_minute:,}"
    if upcoming := outline.upcoming():
        yield "Next", upcoming[1]
    if plan.valid_until is not None:
        yield "Valid until", vantage.both(plan.valid_until)


def _approval(outline: Outline, arguments: Sequence[str]) -> Markup:
    plan = outline.plan
    over = waivers(plan.blocked_by).split()
    command = approving_command(plan.digest, [*arguments, *over])
    parts = [element("h2", "Approve", id="approve")]
    if not plan.actions:
        parts.append(element("p", "There is nothing to approve.", class_="quiet"))
    elif command is None:
        parts.append(
            element("p", "Apply exactly this with the options of this plan and", class_="quiet")
        )
        parts.append(element("pre", (code(f"--approve {plan.digest}"),), tabindex=0))
    else:
        what = "past its limits" if over else "and nothing else"
        parts.append(element("p", f"Apply exactly this, {what}:", class_="quiet"))
        parts.append(element("pre", (code(command),), tabindex=0))
    if noted := outline.noted():
        parts.append(element("p", f"{noted}.", class_="quiet"))
    parts.append(element("p", "Digest ", (code(plan.digest),), class_="digest quiet"))
    return element("section", joined(parts), aria_labelledby="approve")

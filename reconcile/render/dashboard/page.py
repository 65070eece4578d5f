"""The live page: whole for whoever comes, and in parts for whoever stays."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

from reconcile.render.dashboard.items import items_part, items_rows
from reconcile.render.dashboard.situation import Situation
from reconcile.render.dashboard.standing import facts, headline, trouble, under_way
from reconcile.render.instants import Vantage
from reconcile.render.layout import DOT
from reconcile.render.outline import Outline
from reconcile.render.page import assets
from reconcile.render.page.due import due_section
from reconcile.render.page.markup import Markup, element, joined
from reconcile.render.page.tracks import tracks_section


def dashboard_html(situation: Situation, now: datetime) -> str:
    """Return the whole page, ASCII. `now`: as of when instants are told, UTC."""
    parts = _parts(situation, now)
    items = _EMPTY
    if situation.plan is not None:
        items = items_part(situation, Outline.of(situation.plan), now)
    main = [parts[name] for name in ("trouble", "now", "due-part", "next-part")]
    live = element("p", "", id="live", class_="quiet", role="status")
    body = element(
        "body",
        joined(
            [
                element("a", "Skip to the items", href="#main", class_="skip"),
                element("header", joined([parts["head"], live])),
                element("main", joined([*main, items]), id="main"),
                live_script(),
            ]
        ),
    )
    page = element("html", joined([page_head(situation.name), body]), lang="en")
    return f"<!doctype html>\n{page}\n"


def dashboard_parts(situation: Situation, now: datetime) -> Mapping[str, str]:
    """Return what may have changed, by the id of the element that it replaces."""
    parts: dict[str, str] = dict(_parts(situation, now))
    if situation.plan is not None:
        parts["items-rows"] = items_rows(situation, Outline.of(situation.plan), now)
    return parts


@cache
def dashboard_policy() -> str:
    """Return the content security policy: this style, this script, and requests to ourselves."""
    style, script = _hash(_style()), _hash(_script())
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def login_html(*, refused: bool) -> str:
    """Return the page that asks for the token."""
    label = element("label", "Token", for_="token")
    field = element("input", id="token", name="token", type="password", autocomplete="off")
    button = element("button", "Show the page", type="submit")
    form = element("form", joined([label, field, button]), method="post", action="/login")
    heading = "That was not the token" if refused else "The token, please"
    where = "It stands in the file that --token-file names, on the machine that reconciles."
    parts = joined([element("h1", heading), element("p", where, class_="quiet"), form])
    body = element("body", (element("main", parts),))
    return f"<!doctype html>\n{element('html', joined([page_head(None), body]), lang='en')}\n"


_EMPTY = Markup("")


def _parts(situation: Situation, now: datetime) -> Mapping[str, Markup]:
    plan = situation.plan
    outline = None if plan is None else Outline.of(plan)
    view = Vantage("UTC" if outline is None else outline.reader.home, now)
    listed = (
        element("div", (element("dt", name), element("dd", value)))
        for name, value in facts(situation, view)
    )
    head = [
        element("p", _brand(situation), class_="brand"),
        element("h1", headline(situation)),
        element("dl", joined(listed), class_="facts"),
    ]
    due = next_days = _EMPTY
    if outline is not None and plan is not None:
        due = due_section(outline) if plan.actions else _EMPTY
        if situation.timeline is not None:
            next_days = tracks_section(outline, situation.timeline)
    return {
        "head": element("div", joined(head), id="head"),
        "trouble": trouble(situation),
        "now": under_way(situation, view),
        "due-part": element("div", (due,), id="due-part"),
        "next-part": element("div", (next_days,), id="next-part"),
    }


def _brand(situation: Situation) -> tuple[Markup, ...]:
    what = element("span", "reconcile run")
    if situation.of_fleet:
        what = element("a", "reconcile fleet", href="/")
    return what, element("span", f"{DOT}{situation.name}{DOT}{situation.host}")


def page_head(name: str | None) -> Markup:
    """Return the head of a page that is about something of this name."""
    title = "reconcile" if name is None else f"{name} - reconcile"
    return element(
        "head",
        joined(
            [
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("title", title),
                element("style", (Markup(_style()),)),
            ]
        ),
    )


@cache
def _style() -> str:
    return assets.asset("style.css") + _asset("live.css")


def live_script() -> Markup:
    """Return what keeps a page up to date."""
    return element("script", (Markup(_script()),))


def _script() -> str:
    return _asset("live.js")


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="ascii")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"

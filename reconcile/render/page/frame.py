"""What surrounds every page: its head, the way past the masthead, and the script."""

from collections.abc import Iterable

from reconcile.render.page.assets import asset, policy
from reconcile.render.page.markup import Markup, element, joined


def framed(title: str, masthead: Markup, parts: Iterable[Markup]) -> str:
    """Return a whole page of ASCII that makes no request."""
    body = element(
        "body",
        joined(
            [
                element("a", "Skip to the plan", href="#plan", class_="skip"),
                masthead,
                element("main", joined(parts), id="plan"),
                element("script", (Markup(asset("script.js")),)),
            ]
        ),
    )
    page = element("html", joined([_head(title), body]), lang="en")
    return f"<!doctype html>\n{page}\n"


def _head(title: str) -> Markup:
    return element(
        "head",
        joined(
            [
                element("meta", charset="utf-8"),
                element("meta", http_equiv="Content-Security-Policy", content=policy()),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("meta", name="referrer", content="no-referrer"),
                element("title", f"{title} - reconcile"),
                element("style", (Markup(asset("style.css")),)),
            ]
        ),
    )

"""Plans, applies and explanations as they are read: the document of each, laid out."""

from typing import Any

from reconcile.forecast import text as forecast
from reconcile.forecast.documents import explained
from reconcile.forecast.why import Explanation
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.model.progress import Summary
from reconcile.render import apply
from reconcile.render import plan as text
from reconcile.render.documents import encode, summed
from reconcile.render.outline import outlined
from reconcile.review import markdown, page


def plan_text(planned: Plan, **how: Any) -> str:
    return text.plan_text(outlined(planned), **how)


def plan_markdown(
    planned: Plan, timeline: Timeline | None = None, *, host: str | None = None, **how: Any
) -> str:
    return markdown.plan_markdown(outlined(planned, host=host, dated=True), timeline, **how)


def plan_html(
    planned: Plan, timeline: Timeline | None = None, *, host: str | None = None, **how: Any
) -> str:
    return page.plan_html(outlined(planned, host=host, dated=True), timeline, **how)


def summary_text(summary: Summary, **how: Any) -> str:
    return apply.summary_text(summed(summary), **how)


def summary_json(summary: Summary) -> str:
    return encode(summed(summary).document)


def why_text(told: Explanation, **how: Any) -> str:
    return forecast.why_text(explained(told), **how)


def why_json(told: Explanation) -> str:
    return encode(explained(told).document)

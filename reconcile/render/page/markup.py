"""HTML as a value: whatever is not markup already is escaped on its way in."""

import re
from collections.abc import Iterable
from typing import NewType

from reconcile.render.escape import escape_html

Markup = NewType("Markup", str)
"""HTML that `element` made, or that stands in this package as it is."""

Child = str | tuple[Markup, ...]
"""A text, which is escaped, or a tuple of what is markup already."""

Attribute = str | int | float | bool | None
"""True is an attribute without a value; False and None leave it out."""

_BREAKS = re.compile(r"(?<=[._/])(?=\w)")
_VOID = frozenset({"meta", "input", "br"})


def element(tag: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Return an element. `class_` is `class`, `aria_label` is `aria-label`."""
    opening = tag + "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{''.join(map(_child, children))}</{tag}>")


def code(text: str) -> Markup:
    """Return a name in its own type."""
    return element("code", text)


def address_code(text: str) -> Markup:
    """Return an address in its own type."""
    return element("code", breakable(text))


def breakable(text: str) -> tuple[Markup]:
    """Return a text that may also break behind the dots and underscores of an address."""
    return (Markup(_BREAKS.sub("<wbr>", escape_html(text))),)


def joined(parts: Iterable[Markup]) -> tuple[Markup, ...]:
    """Return markup to use as one child, a part a line."""
    return tuple(Markup(f"{part}\n") for part in parts)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape_html(str(value))}"'


def _child(child: Child) -> str:
    return escape_html(child) if isinstance(child, str) else "".join(child)

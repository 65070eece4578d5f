"""What is told in lines of text, for a comment and for a page: one content, two clothings."""

from collections.abc import Sequence

from reconcile.model.noun import noun


@noun(frozen=True, slots=True)
class Passage:
    """Lines that are safe for a terminal, under a heading of ours.

    `changes`: each line begins with the word of a change, by which it is coloured.
    """

    heading: str
    lines: Sequence[str]
    changes: bool = False


@noun(frozen=True, slots=True, kw_only=True)
class Told:
    """A whole document. `subject`: two or three words of ours; `headline`: what it comes to."""

    subject: str
    headline: str
    passages: tuple[Passage, ...]

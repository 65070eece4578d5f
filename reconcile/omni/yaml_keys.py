"""Lists the keys of one mapping at the top of a YAML document, from its events alone.

Nothing is constructed: an alias is never followed and a merge never carried out, so a small hostile
document stays small, and one of a thousand levels costs no stack.
"""

from typing import TYPE_CHECKING, Final

from reconcile import DISTRIBUTION
from reconcile.omni.decoding import UnusableReplyError

if TYPE_CHECKING:
    import yaml

_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_IN_SECTION: Final = 2


def section_keys(text: str, section: str) -> tuple[str, ...]:
    """Return the keys of a top-level section in the order of the document; none if it is not there.

    Raises UnusableReplyError for what is no YAML, no mapping, or has keys that are not plain text,
    and where no YAML reader is installed.
    """
    try:
        import yaml  # noqa: PLC0415 - an extra, and only who looks at policies needs it
    except ImportError as error:
        raise UnusableReplyError(
            f"reading it needs PyYAML: pip install '{DISTRIBUTION}[live]'"
        ) from error
    walk = _Walk(section)
    try:
        # The C parser is far faster; where it was not built, the other reads the same.
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            walk.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise UnusableReplyError(f"the model's YAML cannot be read{where}") from None
    return tuple(dict.fromkeys(walk.keys))


class _Walk:
    """Follows the events of one document. `open_counts`: nodes begun in each open collection."""

    def __init__(self, section: str) -> None:
        self.keys: list[str] = []
        self._section = section
        self._open_counts: list[int] = []
        self._at_section = False
        self._inside = False

    def take(self, event: "yaml.Event") -> None:
        import yaml  # noqa: PLC0415 - imported already

        if isinstance(event, yaml.CollectionEndEvent):
            self._open_counts.pop()
            self._inside = self._inside and len(self._open_counts) >= _IN_SECTION
        elif isinstance(event, yaml.NodeEvent):
            text = event.value if isinstance(event, yaml.ScalarEvent) else None
            self._begin(text, is_mapping=isinstance(event, yaml.MappingStartEvent))
            if isinstance(event, yaml.CollectionStartEvent):
                self._open_counts.append(0)

    def _begin(self, text: str | None, *, is_mapping: bool) -> None:
        """Look at a node at its beginning. `text`: of a scalar, None for anything else."""
        depth = len(self._open_counts)
        is_key = False
        if depth:
            is_key = self._open_counts[-1] % 2 == 0
            self._open_counts[-1] += 1
        match depth:
            case 0:
                _require(is_mapping or text in _NOTHING, "the model's YAML is not a mapping")
            case 1 if is_key:
                self._at_section = text == self._section
            case 1 if self._at_section:
                self._inside = is_mapping
                _require(is_mapping or text in _NOTHING, f"{self._section} is not a mapping")
            case 2 if self._inside and is_key:
                # A merge (`<<`) brings in names that are written elsewhere: the list is not whole.
                _require(text not in {None, "<<"}, f"a key of {self._section} is not plain text")
                self.keys.append(text or "")


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise UnusableReplyError(otherwise)

"""Reading `--allow`: the waiver that lets one apply pass a limit."""

from collections.abc import Iterable, Mapping

from reconcile.model.diagnostic import Diagnostic, ReconcileError

_WAIVABLE = ("calls", "hard_refreshes", "share", "forget_all")


def gather_waivers(allowed: Iterable[str]) -> Mapping[str, float]:
    """Return what each named limit may be passed up to. Raises ReconcileError `bad-waiver`."""
    return dict(_waiver(text) for text in allowed)


def _waiver(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if name in _WAIVABLE and number >= 0:
        return name, number
    raise ReconcileError(
        Diagnostic(
            code="bad-waiver",
            summary="--allow takes LIMIT=VALUE",
            detail=f'"{text}" names none of the limits {", ".join(_WAIVABLE)} with a number.',
            hint="reconcile apply --allow calls=80",
        )
    )

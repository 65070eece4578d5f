"""What is allowed and still hardly meant."""

import re
from fnmatch import translate

from reconcile.config.gathering import Gathered
from reconcile.config.problems import Problems, Where
from reconcile.model.desired import AfterRefresh, Desired, Generation, RefreshItem, ResetItem
from reconcile.model.diagnostic import Severity


def warn(desired: Desired, gathered: Gathered, problems: Problems) -> None:
    """Keep a warning for each item, model or freeze that seems to have no effect."""
    _warn_of_followers(desired, gathered, problems)
    _warn_of_idle_models(gathered, problems)
    _warn_of_idle_freezes(desired, gathered, problems)


def _warn_of_followers(desired: Desired, gathered: Gathered, problems: Problems) -> None:
    stopped = {
        item.address
        for item in desired.items
        if isinstance(item, RefreshItem) and item.timing.pause and not item.timing.pause.until
    }
    legacy = desired.generation is Generation.LEGACY
    if not stopped and not legacy:
        return
    for item in desired.items:
        if not isinstance(item, ResetItem) or item.after is None:
            continue
        where = gathered.models[item.model].policies[item.policy].where.value("after")
        if isinstance(item.timing.cadence, AfterRefresh) and item.after in stopped:
            detail = (
                f"`{item.after}` is paused without an end, so its completion never comes and this "
                "reset never runs."
            )
            problems.add("never-runs", where, detail, None, Severity.WARNING)
        elif legacy:
            detail = (
                f"`{item.after}` counts as completed once the legacy API accepts it, and this "
                "reset may come before it has really ended."
            )
            hint = 'Use api = "v1" in [omni] if the instance has it.'
            problems.add("after-not-observed", where, detail, hint, Severity.WARNING)


def _warn_of_idle_models(gathered: Gathered, problems: Problems) -> None:
    for name, model in gathered.models.items():
        idle = not model.policies and not (model.own and model.own.table.refresh)
        if idle and model.whole:
            detail = f'The model "{name}" has neither a refresh nor a cache policy.'
            problems.add("model-without-items", model.first.table(), detail, None, Severity.WARNING)


def _warn_of_idle_freezes(desired: Desired, gathered: Gathered, problems: Problems) -> None:
    """Compare globs with addresses as planning does: `*` also matches dots."""
    for said in gathered.freezes:
        for number, glob in enumerate(said.table.match or ()):
            fits = re.compile(translate(glob)).match
            if desired.items and not any(fits(item.address) for item in desired.items):
                detail = f'"{glob}" fits none of the {len(desired.items)} declared addresses.'
                where: Where = said.where.value("match", number)
                problems.add("freeze-matches-nothing", where, detail, None, Severity.WARNING)

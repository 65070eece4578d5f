"""Codes about what is declared: single items, and how they stand to each other."""

from reconcile.config.explained import Explained

CODES_OF_ITEMS = {
    "two-cadences": Explained(
        "more than one cadence",
        "An item has exactly one of every, cron, at and when_changed; a cache reset may have "
        "reset_at or after instead. Two of them would be two items.",
    ),
    "no-cadence": Explained(
        "no cadence",
        "An item needs a cadence: every, cron, at or when_changed; for a cache reset also reset_at "
        "or after. It may come from [defaults].",
    ),
    "days-need-at": Explained(
        "days without at",
        "`days` says on which days the times in `at` hold. cron has a field of its own for days.",
    ),
    "missing-needs-files": Explained(
        "missing without when_changed",
        "`missing` says what to do while a file in `when_changed` does not exist.",
    ),
    "spread-needs-a-clock": Explained(
        "spread without wall-clock times",
        "`spread` shifts wall-clock slots (cron, at) by a fixed offset, so that many items of one "
        "time do not all start at once. The other cadences have no common time to spread from.",
    ),
    "filters-need-soft": Explained(
        "schemas or tables on a hard refresh",
        "Omni refreshes chosen schemas or tables only softly. A hard refresh is always of the "
        "whole model and drops what it does not find.",
    ),
    "legacy-refresh-is-hard": Explained(
        "the legacy API cannot do this",
        "The legacy refresh call takes no parameters: it is always hard, unfiltered, and on no "
        "branch. Sending it for a soft declaration would drop what was to be kept.",
    ),
    "watched-file-missing": Explained(
        "a watched file does not exist",
        "A file in `when_changed` is not there, so nothing can tell whether it changed. With "
        'missing = "wait" the item waits for it instead. The path starts from the folder of '
        "the file that says it.",
    ),
    "watched-file-outside": Explained(
        "a watched file is outside of the repository",
        "`when_changed` reads files, and their hash is part of plans that others see. So the files "
        "are those of the repository that holds the file which names them, or, where there is "
        "none, those below its folder. A path that leads out by `..` or by a symbolic link is "
        "refused like any other.",
    ),
    "watched-file-unreadable": Explained(
        "a watched file cannot be read",
        "A file in `when_changed` exists and cannot be read, is not a regular file, or is larger "
        "than 64 MiB.",
    ),
    "bad-freeze": Explained(
        "a freeze without a clear window",
        "A freeze is either one stretch of time (from and until, from first) or everything outside "
        "the windows in allow. days and timezone belong to allow.",
    ),
    "model-without-id": Explained(
        "a model without an id",
        "Cache policies of a model may stand in several files of a directory, but one of them must "
        "hold the model's own keys, among them its id.",
    ),
    "declares-nothing": Explained(
        "nothing is declared",
        "The files declare no refresh and no cache reset. An empty desired state is more likely a "
        "wrong path or a lost file than a wish to forget everything, so it is an error.",
    ),
    "same-name": Explained(
        "two names that look the same",
        "Two names differ only in case, in how their accents are encoded, or in a dot at the end. "
        "People would take them for one.",
    ),
    "same-target": Explained(
        "two items would make the same call",
        "Two models with one id declare a refresh of the same branch, or a reset of the same "
        "policy. One call would then be recorded twice.",
    ),
    "after-not-declared": Explained(
        "after names nothing that is declared",
        "`after` holds the address of a declared refresh, such as models.sales.refresh.",
    ),
    "after-not-a-refresh": Explained(
        "after names something other than a refresh",
        "A reset can follow a refresh, whose end can be seen. A cache reset has no end to wait "
        "for: let both resets follow the same refresh.",
    ),
    "after-cycle": Explained(
        "items that wait for each other",
        "Following `after` from item to item comes back to where it started, so none of them could "
        "ever be first.",
    ),
    "after-not-observed": Explained(
        "the end of this refresh cannot be seen",
        "The legacy API returns no job to ask about. A refresh then counts as completed once it "
        "is accepted, and the reset may come before the refresh has ended.",
    ),
    "never-runs": Explained(
        "an item that never runs",
        "The item follows a refresh that is paused without an end, so nothing would ever "
        "make it due.",
    ),
    "model-without-items": Explained(
        "a model without refresh or cache",
        "The model is declared with its id and nothing to do.",
    ),
    "freeze-matches-nothing": Explained(
        "a freeze that matches nothing",
        "None of the globs in `match` fits the address of a declared item.",
    ),
}

"""Codes about `[[select]]` and its lock file."""

from reconcile.config.explained import Explained

CODES_OF_SELECTING = {
    "lock-missing": Explained(
        "there is no lock file for [[select]]",
        "A [[select]] is a template for models that only the instance knows. Which they are is "
        "written to reconcile.models.toml beside the files by `reconcile lock`, and committed: a "
        "plan then needs no connection, and a review shows which models join or leave.",
    ),
    "lock-stale": Explained(
        "the lock file is for other [[select]] blocks",
        "The lock file says for which [[select]] blocks it was written, and they are not those of "
        "the files. Which models the new ones stand for can only be asked of the instance: run "
        "`reconcile lock`, and review the change.",
    ),
    "select-without-items": Explained(
        "a [[select]] without refresh or cache",
        "A [[select]] is a template of what its models have: a refresh, cache policies, or both.",
    ),
    "lock-unreadable": Explained(
        "the lock file cannot be used",
        "reconcile.models.toml is not as `reconcile lock` writes it, most often after a merge. "
        "It holds nothing that cannot be found again: write it anew.",
    ),
}

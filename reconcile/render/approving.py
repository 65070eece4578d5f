"""The command that applies exactly one plan."""

from collections.abc import Sequence

from reconcile.render.escape import shell_word


def approving_command(digest: str, arguments: Sequence[str]) -> str | None:
    """Return the command; None if an argument has anything in it that a shell might read.

    Whoever copies it does not read every character of it.
    """
    words = ["reconcile", "apply", *arguments, "--approve", digest]
    bare = [word.lstrip("-") for word in words]
    return " ".join(words) if all(shell_word(word) == word for word in bare) else None

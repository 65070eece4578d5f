"""Where the files of one state lie."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reconcile.model.address import misplaced
from reconcile.model.noun import noun
from reconcile.state.refusals import refusal

_FORMS = "it is neither a path nor file:///path, s3://, gs://, az:// or postgresql://"
REMOTE_SCHEMES = ("s3", "gs", "az", "postgresql", "postgres")


@noun(frozen=True, slots=True)
class Location:
    """The files of one state: the state itself, and what lies beside it under its name."""

    state: Path

    @property
    def journal(self) -> Path:
        """Entries that are not in the state yet."""
        return self._beside("journal")

    @property
    def lock(self) -> Path:
        """Locked while an apply runs; names its holder."""
        return self._beside("lock")

    @property
    def previous(self) -> Path:
        """The state as it was saved before."""
        return self._beside("prev")

    @property
    def history(self) -> Path:
        """Entries that were folded into the state, oldest first; the oldest are let go."""
        return self._beside("history")

    @property
    def session(self) -> Path:
        """Marks a session that writes, until all that it wrote is in the state."""
        return self._beside("session")

    @property
    def reserve(self) -> Path:
        """Room given up when the disk is full, so that an outcome can still be written."""
        return self._beside("reserve")

    @property
    def observed(self) -> Path:
        """The last live look at the instance."""
        return self._beside("observed")

    def _beside(self, suffix: str) -> Path:
        return self.state.with_name(f"{self.state.name}.{suffix}")


def is_remote(url: str) -> bool:
    """Tell whether a URL is one of those that `remote` understands."""
    return url.partition("://")[0] in REMOTE_SCHEMES and "://" in url


def locate(url: str) -> Location:
    """Find a state by its URL: a path, or `file://` and an absolute one.

    Raises ReconcileError for any other scheme, and for what cannot name a file.
    """
    if not Path(url).is_absolute() and (wrong := misplaced(url)):
        raise _unusable(url, wrong.why, wrong.meant)
    scheme, separator, _ = url.partition("://")
    path = Path(url)
    if separator:
        parts = urlsplit(url)
        path = Path(unquote(parts.path))
        if scheme != "file" or parts.netloc not in {"", "localhost"} or not path.is_absolute():
            raise _unusable(url, _FORMS)
    if "\0" in str(path) or path.name in {"", ".."}:
        raise _unusable(url, "it does not name a file")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise _unusable(url, "it cannot be spelled in this system's encoding") from None
    return Location(path)


def _unusable(url: str, why: str, hint: str | None = None) -> Exception:
    # A URL of a kind nobody knows may hold a secret, and is not repeated.
    shown = "the URL that was given" if "@" in url or "?" in url else repr(url)
    return refusal(
        "state-url",
        "The state's URL cannot be used",
        f"State cannot be kept at {shown}: {why}.",
        path="[state] url" if shown != repr(url) else Path(url),
        hint=hint,
    )

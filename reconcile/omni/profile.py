"""Profiles of Omni's own CLI, so that its users need no second place for their token."""

import json
import os
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError

_LARGEST_FILE = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile as written there; nothing in it is checked yet. `source` names it to people."""

    source: str
    endpoint: str
    token: str = field(repr=False)


def profile_path(environment: Mapping[str, str]) -> Path | None:
    """Return where Omni's CLI keeps its profiles; None without any home (omni-api.md 6 [code])."""
    if whole := environment.get("OMNI_CONFIG_PATH"):
        return Path(whole)
    if directory := environment.get("OMNI_CONFIG_DIR"):
        return Path(directory, "config.json")
    if config_home := environment.get("XDG_CONFIG_HOME"):
        return Path(config_home, "omni-cli", "config.json")
    if home := environment.get("HOME"):
        return Path(home, ".config", "omni-cli", "config.json")
    return None


def load_profile(environment: Mapping[str, str], name: str | None) -> Profile | None:
    """Load the named profile, or the default one; None if nothing was named and none exists.

    Raises ReconcileError: `unsafe-profile-file` (a symlink, not a regular file, not ours, open to
    others), `unreadable-profile-file`, `unknown-profile`, `incomplete-profile`.
    """
    path = profile_path(environment)
    content = None if path is None else _load_private_file(path)
    if path is None or content is None:
        if name is None:
            return None
        _refuse(
            path,
            "unknown-profile",
            f"The profile {name!r} was asked for, but Omni's CLI has no profiles here.",
            "omni config init",
        )
    document = _decode(path, content)
    profiles = document.get("profiles")
    if not isinstance(profiles, dict):
        _refuse_content(path)
    chosen = name if name is not None else document.get("defaultProfile")
    if chosen is None and len(profiles) == 1:
        chosen = next(iter(profiles))
    if not isinstance(chosen, str) or not isinstance(profiles.get(chosen), dict):
        known = ", ".join(sorted(profiles)) or "none"
        asked = "No default profile is set" if chosen is None else f"There is no profile {chosen!r}"
        _refuse(path, "unknown-profile", f"{asked}; the file has: {known}.", None)
    return _profile(path, chosen, profiles[chosen])


def _profile(path: Path, name: str, fields: dict[str, object]) -> Profile:
    endpoint = fields.get("apiEndpoint")
    key = "accessToken" if fields.get("authMethod") == "oauth" else "apiKey"
    token = fields.get(key)
    if not isinstance(endpoint, str) or not endpoint or not isinstance(token, str) or not token:
        _refuse(
            path,
            "incomplete-profile",
            f"The profile {name!r} lacks its apiEndpoint or its {key}.",
            None,
        )
    return Profile(f"the profile {name!r}", endpoint, token)


def _load_private_file(path: Path) -> bytes | None:
    """Return the file's bytes; None if there is no such file."""
    # Without O_NONBLOCK a FIFO of that name would block the open for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        flaw = "is a symlink" if path.is_symlink() else f"cannot be opened: {error.strerror}"
        _refuse_file(path, flaw)
    try:
        # The descriptor is judged, not the path: the path may name another file by now.
        unsafe = _unsafe(os.fstat(descriptor))
        content = b"" if unsafe else os.read(descriptor, _LARGEST_FILE)
    finally:
        os.close(descriptor)
    if unsafe:
        _refuse_file(path, unsafe)
    return content


def _unsafe(status: os.stat_result) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if stat.S_IMODE(status.st_mode) & _OTHERS:
        return f"is open to other users (mode {stat.S_IMODE(status.st_mode):04o})"
    if status.st_size >= _LARGEST_FILE:
        return "is larger than 1 MiB"
    return None


def _decode(path: Path, content: bytes) -> dict[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None  # raised below, outside: the decoder's error holds the whole file
    if not isinstance(document, dict):
        _refuse_content(path)
    return document


def _refuse_content(path: Path) -> NoReturn:
    detail = "The file is not a list of profiles as Omni's CLI writes it."
    _refuse(path, "unreadable-profile-file", detail, None)


def _refuse_file(path: Path, flaw: str) -> NoReturn:
    detail = f"The file {flaw}. It holds a token, so it is only read as a private regular file."
    _refuse(path, "unsafe-profile-file", detail, f"chmod 600 {shlex.quote(str(path))}")


def _refuse(path: Path | None, code: str, detail: str, hint: str | None) -> NoReturn:
    summary = "The profile of Omni's CLI cannot be used"
    places = () if path is None else (Place(str(path)),)
    raise ReconcileError(
        Diagnostic(code=code, summary=summary, detail=detail, hint=hint, places=places)
    )

"""A token and the exact origin it belongs to: both from the operator, never from the files."""

import base64
import json
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from reconcile.errors import Place, ReconcileError, fail
from reconcile.model.address import is_loopback, read_host

# A token in text, found in whatever spelling it comes, so that it can be masked.

MASK = "[token]"

_LONGEST_HEAD = 256
"""Of a longer token this much is looked for in any spelling, and what goes on like it goes too."""

_TAIL = r"(?:[\w.~+/=%-]|\\{1,8}(?:/|(?:u00|x)[0-9a-fA-F]{2}))*"

_SHORTEST_ENCODED = 8
"""Less of a base64 text than this could be anything."""

# A token has no white space of its own; a text that is wrapped, or in two bytes a character, has.
# Nothing here can be read in two ways, so that no text makes a search slow.
_GAP = r"(?:[\s\0]|\\{1,8}[nrt])*+"


class Spellings:
    """What a token of printable ASCII looks like in text, mixed spellings too."""

    def __init__(self, token: str) -> None:
        self._head = token[:_LONGEST_HEAD]
        self._tail = _TAIL if len(token) > _LONGEST_HEAD else ""
        self._number = self._head.encode("ascii").hex()
        self._encodings = _encodings(self._head)

    def hide_in(self, text: str) -> str:
        """Return the text with the token masked wherever it stands."""
        if self._is_surely_absent(text):
            return text
        plain, encoded = self._patterns
        return encoded.sub(MASK, plain.sub(MASK, text))

    def _is_surely_absent(self, text: str) -> bool:
        """Tell what costs little to tell: to compile the patterns takes longer than a request."""
        if len(text) < min(len(self._head), _SHORTEST_ENCODED):
            return True
        if any(sign in text for sign in _ESCAPING):
            return False
        squeezed = "".join(text.replace("\0", "").split())
        lowered, digits = squeezed.lower(), squeezed.translate(_STANDARD)
        return (
            self._head.lower() not in lowered
            and self._number not in lowered
            and not any(way in digits for way in self._encodings)
        )

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        plain = re.compile(_GAP.join(_units(self._head)) + self._tail)
        encodings = (_GAP.join(_DIGITS.get(it, it) for it in way) for way in self._encodings)
        ways = (self._number, self._number.upper(), *encodings)
        return plain, re.compile("|".join(f"{way}{self._tail}" for way in ways))


_ESCAPING = ("\\", "%", "&")
"""Without one of these every character of a token that is there stands for itself."""

_STANDARD = str.maketrans("-_", "+/")


def _units(token: str) -> Iterator[str]:
    """Match a token piece by piece: by character, but backslashes by how many stand together."""
    for character, alike in groupby(token):
        count = len(list(alike))
        if character == "\\":
            yield rf"(?:\\{{{count},{8 * count}}}|(?:%(?i:(?:25)*5c)){{{count}}})"
        else:
            yield from [_character(character)] * count


def _character(character: str) -> str:
    """Match one character: itself, escaped once or more often, or as a number.

    Every way begins with a literal, so that a scan skips fast over what begins otherwise.
    """
    number = ord(character)
    cases = "|".join(map(re.escape, dict.fromkeys((character.lower(), character.upper()))))
    escaped = "" if character.isalnum() else f"{cases}|"
    return (
        rf"(?:{cases}"
        rf"|\\\\{{0,7}}(?:{escaped}(?i:(?:u00|x){number:02x}))"
        rf"|%(?i:(?:25)*{number:02x})"
        rf"|&(?i:(?:amp;)*\#(?:0*{number}|x0*{number:x});))"
    )


def _encodings(token: str) -> list[str]:
    """Spell the token as it is inside anything that is base64, in the standard alphabet.

    A text has three spellings there, by where in a group of three bytes it begins; what its first
    and last character there say depends on its neighbours.
    """
    found = []
    for shift in range(3):
        spelled = base64.b64encode(b"\0" * shift + token.encode("ascii")).decode()
        certain = spelled.rstrip("=")[-(-shift * 8 // 6) :]
        if (shift + len(token)) % 3:
            certain = certain[:-1]
        if len(certain) >= _SHORTEST_ENCODED:
            found.append(certain)
    return found


_DIGITS = {"+": rf"(?:-|{_character('+')})", "/": rf"(?:_|{_character('/')})"}
"""How digits of base64 that differ by alphabet are matched."""


# Profiles of Omni's own CLI, so that its users need no second place for their token.

_LARGEST_FILE = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def _profile_path(environment: Mapping[str, str]) -> Path | None:
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


def _from_profile(environment: Mapping[str, str], name: str | None) -> "Credential | None":
    """Load the named profile, or the default one; None if nothing was named and none exists."""
    path = _profile_path(environment)
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
        _refuse(path, "unknown-profile", f"{asked}; the file has: {known}.")
    fields, source = profiles[chosen], f"the profile {chosen!r}"
    endpoint = fields.get("apiEndpoint")
    key = "accessToken" if fields.get("authMethod") == "oauth" else "apiKey"
    token = fields.get(key)
    if not isinstance(endpoint, str) or not endpoint or not isinstance(token, str) or not token:
        detail = f"The profile {chosen!r} lacks its apiEndpoint or its {key}."
        _refuse(path, "incomplete-profile", detail)
    origin = parse_origin(endpoint, source=f"The endpoint of {source}")
    return Credential(origin, _secret(token, f"The token of {source}"))


def _load_private_file(path: Path) -> bytes | None:
    """Return the file's bytes; None if there is no such file."""
    # Without O_NONBLOCK a FIFO of that name would block the open for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        flaw: str | None = f"cannot be opened: {error.strerror}"
        if path.is_symlink():
            flaw = "is a symlink"
    else:
        try:
            # The descriptor is judged, not the path: the path may name another file by now.
            flaw = _unsafe(os.fstat(descriptor))
            if flaw is None:
                return os.read(descriptor, _LARGEST_FILE)
        finally:
            os.close(descriptor)
    detail = f"The file {flaw}. It holds a token, so it is only read as a private regular file."
    hint = f"chmod 600 {shlex.quote(str(path))}"
    raise fail("unsafe-profile-file", detail, hint=hint, places=(Place(str(path)),))


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


@lru_cache(maxsize=1)  # A fleet's worker asks anew for each run; the content is the key.
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
    _refuse(path, "unreadable-profile-file", detail)


def _refuse(path: Path | None, code: str, detail: str, hint: str | None = None) -> NoReturn:
    raise fail(code, detail, hint=hint, places=() if path is None else (Place(str(path)),))


# The exact origin a token belongs to, read strictly: one spelling, or a refusal.

DEFAULT_PORTS = {"https": 443, "http": 80}
_LONGEST_TEXT = 300
_HIGHEST_PORT = 65535

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(?::(.*))?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PATH = re.compile(r"(?:/api(?:/(?:v1|unstable))?)?/?")

_TELLTALES = {
    "@": "a user name or password before the host (an '@')",
    "\\": "a backslash",
    "?": "a query (a '?')",
    "#": "a fragment (a '#')",
    "%": "a percent sign",
}


class Origin(Struct, frozen=True):
    """Scheme, ASCII host in lower case (an IPv6 address without brackets), and port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def parse_origin(text: str, *, source: str = "base_url") -> Origin:
    """Read what a person types for an instance: a host, or its URL down to `/api/v1`.

    `source` names where the text came from in the message. The text itself is never repeated:
    a URL may hold a password, and people paste tokens into the wrong variable.

    Raises ReconcileError `bad-base-url`. Accepted spellings: omni-api.md 1.1.
    """
    try:
        return _read(text)
    except _SpellingError as refused:
        reason = str(refused)
    raise fail(
        "bad-base-url",
        headline="The address of the Omni instance cannot be used",
        detail=f"{source} {reason}. A token is sent to one exact https origin, so its "
        "address has to be spelled plainly.",
        hint='write the instance as base_url = "https://myorg.omniapp.co"',
    )


class _SpellingError(Exception):
    """Why a text is not an origin, as the end of a sentence that starts with its source."""


def _read(text: str) -> Origin:
    _check_characters(text)
    scheme, rest = "https", text
    if match := _SCHEME.match(text):
        scheme, rest = match[1].lower(), text[match.end() :]
    if scheme not in DEFAULT_PORTS:
        raise _SpellingError("has a scheme other than https")
    authority, slash, path = rest.partition("/")
    if not _PATH.fullmatch(slash + path):
        raise _SpellingError("has a path other than /api, /api/v1 or /api/unstable")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise _SpellingError("has a malformed host")
    try:
        host = read_host(match[1].lower())
    except ValueError as refused:
        raise _SpellingError(str(refused)) from None
    if scheme == "http" and not is_loopback(host):
        raise _SpellingError("uses http, which is for loopback hosts only")
    return Origin(scheme, host, _read_port(match[2], scheme))


def _check_characters(text: str) -> None:
    if not text:
        raise _SpellingError("is empty")
    if len(text) > _LONGEST_TEXT:
        raise _SpellingError(f"is longer than {_LONGEST_TEXT} characters")
    for position, character in enumerate(text, start=1):
        if not "!" <= character <= "~":
            raise _SpellingError(
                f"has a space, a control character or a non-ASCII letter at position {position}"
            )
        if character in _TELLTALES:
            raise _SpellingError(f"has {_TELLTALES[character]}")


def _read_port(text: str | None, scheme: str) -> int:
    if text is None:
        return DEFAULT_PORTS[scheme]
    if not _PORT.fullmatch(text) or int(text) > _HIGHEST_PORT:
        raise _SpellingError("has a port that is not a plain number from 1 to 65535")
    return int(text)


_SHORTEST_TOKEN = 8
_LONGEST_TOKEN = 4096
_URL_NAME = "OMNI_BASE_URL"
_TOKEN_NAMES = ("OMNI_API_KEY", "OMNI_API_TOKEN")
_CREDENTIAL_NAMES = (_URL_NAME, *_TOKEN_NAMES, "OMNI_API_KEY_FILE", "OMNI_API_KEY_COMMAND")
_COMMAND_TIMEOUT_S = 10.0


class Secret:
    """Holds a token so that no repr, str, format, copy or pickle of anything around it shows it."""

    __slots__ = ("_spellings", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._spellings: Spellings | None = None

    def reveal(self) -> str:
        """Return the token itself. For the Authorization header and the fingerprint alone."""
        return self._text

    def hide_in(self, text: str) -> str:
        """Return the text with every occurrence of the token masked, in whatever spelling."""
        if self._spellings is None:
            self._spellings = Spellings(self._text)
        return self._spellings.hide_in(text)

    def hide_in_bytes(self, content: bytes) -> bytes:
        """Return the bytes with every occurrence of the token masked; the others stay as sent."""
        text = self.hide_in(content.decode("utf-8", "surrogateescape"))
        return text.encode("utf-8", "surrogateescape")

    def __repr__(self) -> str:
        return MASK

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not copied or pickled")


class Credential(Struct, frozen=True):
    """A token bound to the one origin it may be sent to.

    `private`: no other process can be using it, as with the server that a rehearsal brings along.
    """

    origin: Origin
    token: Secret
    private: bool = False

    def fingerprint(self) -> str:
        """Name the pair without telling the token: the same in every process, of no other use."""
        told = f"{self.origin}\0{self.token.reveal()}".encode()
        return blake2b(told, digest_size=16, person=b"reconcile-sends").hexdigest()


def load_credential(
    environment: Mapping[str, str], *, profile: str | None = None, suffix: str = ""
) -> Credential:
    """Find the operator's credential.

    A profile asked for by name wins; then `OMNI_BASE_URL` beside `OMNI_API_KEY`, `OMNI_API_TOKEN`,
    `OMNI_API_KEY_FILE`, which names a file, or `OMNI_API_KEY_COMMAND`, which prints it; then the
    default profile of Omni's own CLI (omni-api.md 6, CLI [code]). A variable that is set but empty
    counts as unset: that is how CI systems pass a missing secret. With a `suffix`, such as `_ACME`,
    the variables are those whose names end with it, and they win over the profile.

    Raises ReconcileError: `no-credential`, `half-a-credential`, `two-tokens`, `bad-token`,
    `bad-base-url`, and of the profile file `unsafe-profile-file` (a symlink, not a regular file,
    not ours, open to others), `unreadable-profile-file`, `unknown-profile`, `incomplete-profile`.
    """
    if (suffix or profile is None) and (found := _from_environment(environment, suffix)):
        return found
    try:
        found = _from_profile(environment, profile)
    except ReconcileError as error:
        if not suffix or error.diagnostics[0].code != "unknown-profile":
            raise
        found = None  # Nobody asked for a profile: it is one of the places to look.
    if found:
        return found
    url, key, token = (f"{name}{suffix}" for name in (_URL_NAME, *_TOKEN_NAMES))
    called = f" {profile!r}" if suffix else ""
    raise fail(
        "no-credential",
        f"Neither {url} beside {key} (or {token}) is set, nor does a profile{called} of Omni's "
        "own CLI exist.",
        hint=f"export {url}=https://myorg.omniapp.co {key}=...",
    )


def require_same_origin(asserted: str | None, credential: Credential) -> None:
    """Check the `base_url` a file asserts against the credential, before any socket is opened.

    Raises ReconcileError `wrong-host` (exit code 1) that names both, or `bad-base-url`.
    """
    if asserted is None:
        return
    origin = parse_origin(asserted)
    if origin == credential.origin:
        return
    raise fail(
        "wrong-host",
        f"The files say base_url is {origin}, but the token belongs to "
        f"{credential.origin}. Nothing was sent: a file may state the instance, never decide "
        "who is given the token.",
        hint=f"if {origin} is right, export {_URL_NAME}={shlex.quote(str(origin))} beside a "
        "token of that instance",
    )


def _from_environment(environment: Mapping[str, str], suffix: str) -> Credential | None:
    url_name, *names, file_name, command_name = (f"{name}{suffix}" for name in _CREDENTIAL_NAMES)
    url = environment.get(url_name, "")
    tokens = {name: environment[name] for name in names if environment.get(name)}
    if path := environment.get(file_name):
        tokens[file_name] = _load_token(path, file_name)
    if command := environment.get(command_name):
        tokens[command_name] = _ask_for_token(command, command_name)
    if len(set(tokens.values())) > 1:
        raise fail(
            "two-tokens",
            f"{' and '.join(tokens)} are set and differ, so it is not clear which one is meant.",
            hint=f"unset {[*tokens][-1]}",
        )
    if bool(url) != bool(tokens):
        present, absent = (url_name, names[0]) if url else ("A token", url_name)
        raise fail(
            "half-a-credential",
            f"{present} is set but {absent} is not. A token is only ever used together with "
            "the instance it belongs to, and both come from the same place.",
            hint=f"export {absent}={'...' if url else 'https://myorg.omniapp.co'}",
        )
    if not tokens:
        return None
    name, token = next(iter(tokens.items()))
    return Credential(parse_origin(url, source=url_name), _secret(token, name))


def _load_token(path: str, variable: str) -> str:
    """Read the file of a token, through links: whoever mounts secrets swaps those.

    `variable` names the file. The line break at its end is no part of the token.
    """
    try:
        # Without O_NONBLOCK a FIFO of that name would block the open for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            content = os.read(descriptor, _LONGEST_TOKEN + 2)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "that is no path"
        raise fail(
            "bad-token",
            f"The file that {variable} names cannot be read: {why}.",
            headline="There is no token in its file",
            hint=f"Let {variable} name a file that holds the token and nothing else",
        ) from None
    return content.decode(errors="replace").rstrip("\r\n")


def _ask_for_token(command: str, variable: str) -> str:
    """Run the command that prints a token, without a shell, such as that of a vault.

    Neither it nor what it says of a failure is repeated: either may hold a secret.
    """
    try:
        done = subprocess.run(  # noqa: S603 -- the operator's own command, no shell
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_COMMAND_TIMEOUT_S,
            check=True,
        )
    except subprocess.TimeoutExpired:
        why = f"it did not end within {_COMMAND_TIMEOUT_S:g} s"
    except subprocess.CalledProcessError as error:
        why = f"it ended with {error.returncode}"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "that is no command"
    else:
        printed = done.stdout[: _LONGEST_TOKEN + 2].decode(errors="replace").rstrip("\r\n")
        if printed:
            return printed
        why = "it printed nothing"
    raise fail(
        "bad-token",
        f"The command in {variable} gave no token: {why}.",
        headline="The command that prints the token failed",
        hint="Run it by itself, as this user: it has no shell and no terminal, and prints the "
        "token alone",
    )


def _secret(token: str, source: str) -> Secret:
    if flaw := _flaw(token):
        hint = "Copy the token again from Omni, without quotes, spaces or line breaks"
        raise fail("bad-token", f"{source} {flaw}. It was not sent anywhere.", hint=hint)
    return Secret(token)


_QUOTES = frozenset("\"'`")


def _flaw(token: str) -> str | None:
    """Say what is wrong with a token and where, never what it is."""
    if token[:7].lower() == "bearer ":
        return "starts with the word Bearer, which belongs to the header and not to the token"
    if token[:1] in _QUOTES or token[-1:] in _QUOTES:
        return "begins or ends with a quotation mark, which belongs to the shell and not to it"
    for position, character in enumerate(token[:_LONGEST_TOKEN], start=1):
        if not "!" <= character <= "~":
            odd = "a control character" if character.isascii() else "a character outside ASCII"
            told = {"\r": "a line break", "\n": "a line break", " ": "a space"}.get(character, odd)
            return f"has {told} at position {position}"
    if len(token) < _SHORTEST_TOKEN:
        return f"is shorter than {_SHORTEST_TOKEN} characters"
    if len(token) > _LONGEST_TOKEN:
        return f"is longer than {_LONGEST_TOKEN} characters"
    return None

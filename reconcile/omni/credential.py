"""A token and the exact origin it belongs to: both from the operator, never from the files."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NoReturn

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.omni.masking import MASK, Spellings
from reconcile.omni.origin import Origin, parse_origin
from reconcile.omni.profile import load_profile

_SHORTEST_TOKEN = 8
_LONGEST_TOKEN = 4096
_URL_NAME = "OMNI_BASE_URL"
_TOKEN_NAMES = ("OMNI_API_KEY", "OMNI_API_TOKEN")


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


@dataclass(frozen=True, slots=True)
class Credential:
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


def load_credential(environment: Mapping[str, str], *, profile: str | None = None) -> Credential:
    """Find the operator's credential.

    A profile asked for by name wins; then `OMNI_BASE_URL` beside `OMNI_API_KEY` or
    `OMNI_API_TOKEN`; then the default profile of Omni's own CLI (omni-api.md 6, CLI [code]).
    A variable that is set but empty counts as unset: that is how CI systems pass a missing secret.

    Raises ReconcileError: `no-credential`, `half-a-credential`, `two-tokens`, `bad-token`,
    `bad-base-url`, and those of the profile file.
    """
    if profile is None and (found := _from_environment(environment)):
        return found
    loaded = load_profile(environment, profile)
    if loaded is not None:
        origin = parse_origin(loaded.endpoint, source=f"The endpoint of {loaded.source}")
        return Credential(origin, _secret(loaded.token, f"The token of {loaded.source}"))
    raise ReconcileError(
        Diagnostic(
            code="no-credential",
            summary="There is no token to call Omni with",
            detail="Neither OMNI_BASE_URL beside OMNI_API_KEY (or OMNI_API_TOKEN) is set, nor "
            "does a profile of Omni's own CLI exist.",
            hint="export OMNI_BASE_URL=https://myorg.omniapp.co OMNI_API_KEY=...",
        )
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
    raise ReconcileError(
        Diagnostic(
            code="wrong-host",
            summary="The files are for another Omni instance than the token",
            detail=f"The files say base_url is {origin}, but the token belongs to "
            f"{credential.origin}. Nothing was sent: a file may state the instance, never decide "
            "who is given the token.",
            hint=f"if {origin} is right, export {_URL_NAME}={shlex.quote(str(origin))} beside a "
            "token of that instance",
        ),
        exit_code=1,
    )


def _from_environment(environment: Mapping[str, str]) -> Credential | None:
    url = environment.get(_URL_NAME, "")
    tokens = {name: environment[name] for name in _TOKEN_NAMES if environment.get(name)}
    if len(set(tokens.values())) > 1:
        raise ReconcileError(
            Diagnostic(
                code="two-tokens",
                summary="Two different tokens are set",
                detail="OMNI_API_KEY and OMNI_API_TOKEN are both set and differ, so it is not "
                "clear which one is meant.",
                hint="unset OMNI_API_TOKEN",
            )
        )
    if bool(url) != bool(tokens):
        raise ReconcileError(_half_a_credential(url_is_set=bool(url)))
    if not tokens:
        return None
    name, token = next(iter(tokens.items()))
    return Credential(parse_origin(url, source=_URL_NAME), _secret(token, name))


def _half_a_credential(*, url_is_set: bool) -> Diagnostic:
    present, absent = (_URL_NAME, _TOKEN_NAMES[0]) if url_is_set else ("A token", _URL_NAME)
    example = "..." if url_is_set else "https://myorg.omniapp.co"
    return Diagnostic(
        code="half-a-credential",
        summary="Only one half of the credential is set",
        detail=f"{present} is set but {absent} is not. A token is only ever used together with "
        "the instance it belongs to, and both come from the same place.",
        hint=f"export {absent}={example}",
    )


def _secret(token: str, source: str) -> Secret:
    flaw = _flaw(token)
    if flaw is None:
        return Secret(token)
    raise ReconcileError(
        Diagnostic(
            code="bad-token",
            summary="The token cannot be right",
            detail=f"{source} {flaw}. It was not sent anywhere.",
            hint="copy the token again from Omni, without quotes, spaces or line breaks",
        )
    )


def _flaw(token: str) -> str | None:
    """Say what is wrong with a token and where, never what it is."""
    if token[:7].lower() == "bearer ":
        return "starts with the word Bearer, which belongs to the header and not to the token"
    for position, character in enumerate(token[:_LONGEST_TOKEN], start=1):
        if not "!" <= character <= "~":
            return f"has {_describe(character)} at position {position}"
    if len(token) < _SHORTEST_TOKEN:
        return f"is shorter than {_SHORTEST_TOKEN} characters"
    if len(token) > _LONGEST_TOKEN:
        return f"is longer than {_LONGEST_TOKEN} characters"
    return None


def _describe(character: str) -> str:
    if character in "\r\n":
        return "a line break"
    if character == " ":
        return "a space"
    return "a control character" if character.isascii() else "a character outside ASCII"

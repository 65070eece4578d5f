"""Which PostgreSQL server may be given a password, and how it has to prove itself first. Pure.

A file comes with a pull request; the password comes from the operator. So a file may say where the
state is, but only the operator says who is given the password, and what makes a server trusted.
"""

import ipaddress
import shlex
from collections.abc import Mapping

from msgspec import Struct

from reconcile.state.errors import refusal

Parameters = Mapping[str, str]
"""What libpq is told, by its own keywords."""

_OF_A_FILE = frozenset(
    {
        *("host", "port", "dbname", "user", "service", "options", "application_name"),
        *("client_encoding", "connect_timeout", "target_session_attrs", "load_balance_hosts"),
    }
)
"""What a file may say: where the database is, and nothing of how its server is trusted."""

_VERIFIED = "verify-full"
_NO_READABLE_PASSWORD = "!password,!md5"  # noqa: S105 - ways to authenticate
_FIRST_WITH_REQUIRE_AUTH = 160_000


class Surroundings(Struct, frozen=True, kw_only=True):
    """What is there besides the URL.

    `settings`: the environment's and the service's. `names`: the variable of each keyword.
    `loose_entry`: the password file has an entry for any host. `roots`: authorities to trust, where
    libpq would find none by itself. `version`: libpq's.
    """

    settings: Parameters
    names: Parameters
    loose_entry: bool
    roots: str | None
    version: int


def required(asked: Parameters, around: Surroundings, *, url: str, said: bool) -> Parameters:
    """Return what libpq has to be told besides the URL, whose parameters are `asked`.

    `said`: the operator gave the URL, and no file. `url` is shown. Raises ReconcileError
    `state-host-unsaid`, `state-url-option`.
    """
    if not said:
        _require_plain(asked, around, url)
        _require_said_host(asked, around, url)
    told = {**around.settings, **asked}
    if _stays_here(told):
        return {}
    added = {}
    if "sslmode" not in told:
        added["sslmode"] = _VERIFIED
    mode = added.get("sslmode", told.get("sslmode"))
    if mode == _VERIFIED and "sslrootcert" not in told and around.roots is not None:
        added["sslrootcert"] = around.roots
    if "require_auth" not in told and around.version >= _FIRST_WITH_REQUIRE_AUTH:
        added["require_auth"] = _NO_READABLE_PASSWORD
    return added


def advice(words: str) -> str | None:
    """Say how the operator can ask less of a server that cannot prove itself as is required."""
    words = words.lower()
    if "authentication method requirement" in words:
        return "if the server is to see the password: export PGREQUIREAUTH=password"
    if "certificate" in words or "ssl" in words:
        return (
            "name the authority of its certificate: export PGSSLROOTCERT=/path/to/ca.pem "
            "(PGSSLMODE=require takes any certificate, PGSSLMODE=disable none)"
        )
    return None


def _require_said_host(asked: Parameters, around: Surroundings, url: str) -> None:
    """Refuse a host that only a file names where there is a password that belongs to no host."""
    host, settings = asked.get("host"), around.settings
    # A service has a host of its own, and its password belongs to that.
    loose = "password" in settings or around.loose_entry or "service" in asked
    if host is None or not loose or _hosts(host) <= _hosts(settings.get("host", "")):
        return
    raise refusal(
        "state-host-unsaid",
        f"The file's state URL names {host}, but the password that is set (PGPASSWORD, a service, "
        "or an entry of the password file for any host) is not bound to that host. Whoever can "
        "change the file would be sent the password, so no connection was made.",
        path=url,
        hint=f"if that host is yours: export PGHOST={shlex.quote(host)}",
    )


def _require_plain(asked: Parameters, around: Surroundings, url: str) -> None:
    """Refuse to let a file choose how the server is trusted, unless that changes nothing."""
    for keyword, value in asked.items():
        strict = keyword == "sslmode" and value == _VERIFIED
        if keyword in _OF_A_FILE or strict or around.settings.get(keyword) == value:
            continue
        name = around.names.get(keyword)
        raise refusal(
            "state-url-option",
            f"The file's state URL sets {keyword}, which only the operator may do, because it can "
            "weaken how the server proves itself or decide what it is sent.",
            path=url,
            hint="take it out of the URL"
            if name is None
            else f"export {name}={shlex.quote(value)}",
        )


def _stays_here(told: Parameters) -> bool:
    """Tell whether nothing leaves the machine: a socket, or loopback alone."""
    address = told.get("hostaddr") or told.get("host", "")
    return all(map(_is_here, _hosts(address)))


def _hosts(text: str) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in text.split(","))


def _is_here(host: str) -> bool:
    if host in {"", "localhost"} or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Who is given the password of a PostgreSQL state, and how the server must prove itself."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from reconcile.state.remote.postgres import Libpq, advice, guarded, required
from tests.state.acts import refused

GUARDED = {
    "sslmode": "verify-full",
    "sslrootcert": "/etc/roots.pem",
    "require_auth": "!password,!md5",
}
NAMES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "host": "PGHOST"}


def added(
    asked: dict[str, str],
    settings: dict[str, str] | None = None,
    *,
    said: bool = False,
    loose: bool = False,
    version: int = 180_000,
) -> dict[str, str]:
    around = Libpq(
        settings=settings or {},
        names=NAMES,
        loose_entry=loose,
        roots="/etc/roots.pem",
        version=version,
    )
    return dict(required(asked, around, url="postgresql://x/db#k", said=said))


def test_a_password_without_a_host_goes_to_no_host_that_only_a_file_names() -> None:
    # H2
    for host in ("evil.example", "127.0.0.1", "db.internal,evil.example", "/run/socket"):
        with refused("state-host-unsaid") as caught:
            added({"host": host}, {"password": "p", "host": "db.internal"})
        assert "export PGHOST=" in str(caught.value.diagnostics[0].hint)


def test_a_password_goes_where_the_operator_names_the_host() -> None:
    # H2
    asked, password = {"host": "db.internal"}, {"password": "p"}
    assert added(asked, password, said=True) == GUARDED
    assert added(asked, {**password, "host": "DB.internal"}) == GUARDED
    assert added({"dbname": "db"}, {**password, "host": "db.internal"}) == GUARDED
    assert added({"service": "prod"}, {**password, "host": "db.internal"}) == GUARDED


def test_a_password_that_is_bound_to_a_host_needs_no_more() -> None:
    # H2
    assert added({"host": "db.internal"}) == GUARDED
    with refused("state-host-unsaid"):
        added({"host": "db.internal"}, loose=True)
    with refused("state-host-unsaid"):
        added({"host": "evil.example", "service": "prod"}, {"host": "db.internal"})


def test_nothing_leaves_in_clear_text_or_without_a_verified_certificate() -> None:
    # H2
    for asked in ({"host": "db"}, {"host": "localhost", "hostaddr": "192.0.2.1"}, {"host": "0"}):
        assert added(asked, said=True) == GUARDED
    assert added({"host": "localhost,db"}) == GUARDED
    assert "require_auth" not in added({"host": "db"}, version=150_000)


@pytest.mark.parametrize("host", ["localhost", "127.9.9.9", "::1", "/run/postgresql", "@s", ""])
def test_what_stays_on_the_machine_is_left_to_libpq(host: str) -> None:
    # H2
    assert added({"host": host}, said=True) == {}


def test_the_operator_may_ask_less_of_a_server() -> None:
    # H2
    asked = {"host": "db"}
    assert added(asked, {"sslmode": "require", "require_auth": "md5"}) == {}
    assert added({**asked, "sslmode": "require"}, said=True) == {
        "require_auth": GUARDED["require_auth"]
    }
    assert "sslrootcert" not in added(asked, {"sslrootcert": "/mine.pem"})


@given(
    st.sampled_from(
        [
            "sslmode",
            "sslrootcert",
            "sslkeylogfile",
            "passfile",
            "hostaddr",
            "require_auth",
            "sslkey",
        ]
    ),
    st.text(min_size=1).filter(lambda value: value != "verify-full"),
)
def test_a_file_never_says_how_a_server_is_trusted(keyword: str, value: str) -> None:
    # H2
    with refused("state-url-option"):
        added({"host": "db", keyword: value})
    assert keyword not in added({"host": "db", keyword: value}, {keyword: value})


def test_a_file_may_ask_for_what_is_required_anyway() -> None:
    # H2
    asked = {"host": "db", "port": "6543", "user": "me", "dbname": "d", "sslmode": "verify-full"}
    assert added(asked) == {key: GUARDED[key] for key in ("sslrootcert", "require_auth")}


def test_libpq_is_told_what_a_server_elsewhere_has_to_prove(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # H2
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", __file__)
    for name in (name for name in os.environ if name.startswith("PG")):
        monkeypatch.delenv(name)
    url = "postgresql://me@db.internal:6543/omni"
    told = conninfo_to_dict(guarded(url, shown=url, said=False))
    asked = {"user": "me", "host": "db.internal", "port": "6543", "dbname": "omni"}
    assert told == asked | GUARDED | {"sslrootcert": __file__}


@pytest.mark.parametrize(
    ("words", "variable"),
    [
        ("server does not support SSL, but SSL was required", "PGSSLROOTCERT"),
        ("SSL error: certificate verify failed", "PGSSLROOTCERT"),
        ('authentication method requirement "!md5" failed: server requested md5', "PGREQUIREAUTH"),
        ("connection refused", None),
    ],
)
def test_a_server_that_cannot_prove_itself_is_told_with_what_asks_less(
    words: str, variable: str | None
) -> None:
    # H2
    assert (variable or "None") in str(advice(words))

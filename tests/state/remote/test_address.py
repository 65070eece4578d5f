import json
import subprocess
import sys

import pytest

from reconcile.config.load import load_text
from reconcile.errors import ReconcileError
from reconcile.state.backend import load
from reconcile.state.remote.stores import RemoteAddress, parse_remote, plain_words
from tests.state.acts import refused

SECRET = "canary-hunter2"  # noqa: S105 - it guards nothing


@pytest.mark.parametrize(
    ("url", "place", "key"),
    [
        ("s3://acme-omni/prod.json", "acme-omni", "prod.json"),
        ("gs://acme/teams/a/prod.json", "acme", "teams/a/prod.json"),
        ("az://container/prod", "container", "prod"),
        ("postgresql://host/db#prod", "postgresql://host/db", "prod"),
        ("postgres://me@host:6543/db#a/b", "postgresql://me@host:6543/db", "a/b"),
        ("postgresql:///db?service=prod#k", "postgresql:///db?service=prod", "k"),
    ],
)
def test_a_url_names_a_place_and_a_key_in_it(url: str, place: str, key: str) -> None:
    address = parse_remote(url)
    assert (address.place, address.key) == (place, key)
    assert address.shown(address.journal).endswith(f"{key}.journal")


@pytest.mark.parametrize(
    "url",
    [
        "s3://acme", "s3:///key", "s3://acme/", "s3://acme/a//b", "s3://acme/../b", "s3://a b/c",
        "s3://acme/key?x=1", "s3://acme/key#x", "gs://acme/\x1b[2J", "postgresql://host/db",
        "postgresql://host/db#", "postgresql://[host/db#k",
    ],
)  # fmt: skip
def test_a_url_that_names_no_key_is_refused_as_soon_as_it_is_declared(url: str) -> None:
    with refused("state-url"):
        load(url)
    with pytest.raises(ReconcileError) as caught:
        load_text(f"[state]\nurl = {json.dumps(url)}\n", "a.toml")
    found = {d.code: d for d in caught.value.diagnostics}
    assert {"state-url", "bad-name"} & set(found)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@host/db#prod",
        f"postgresql://host/db?password={SECRET}#prod",
        f"s3://id:{SECRET}@acme/prod.json",
        f"az://container/prod?sig={SECRET}",
        f"s3://{SECRET}@acme/prod.json",
    ],
)
def test_a_secret_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    for act in (load, lambda said: load_text(f"[state]\nurl = '{said}'\n", "a.toml")):
        with refused("state-url-secret") as caught:
            act(url)
        assert SECRET not in repr(caught.value.diagnostics) + str(caught.value)


def test_an_unknown_kind_of_url_with_a_secret_is_not_repeated_either() -> None:
    with refused("state-url") as caught:
        load(f"https://me:{SECRET}@host/prod.json")
    assert SECRET not in repr(caught.value.diagnostics)


def test_what_the_environment_keeps_secret_is_cut_out_of_a_drivers_words() -> None:
    error = ValueError(f"GET https://h/k?sig={SECRET} with\n{SECRET} as postgresql://a:b@host")
    words = plain_words(error, {"AWS_SECRET_ACCESS_KEY": SECRET, "HOME": "with"})
    assert words == "GET https://h/k?*** with *** as postgresql://***host"


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("s3://acme/prod", "obstore", "remote"), ("postgresql://h/d#k", "psycopg", "postgres")],
)
def test_a_missing_package_is_named_with_what_installs_it(
    url: str, package: str, extra: str
) -> None:
    script = (
        "import sys; sys.modules[sys.argv[2]] = None\n"
        "from reconcile.state.backend import load\n"
        "try: load(sys.argv[1])\n"
        "except Exception as error: print(error.diagnostics[0].code, error.diagnostics[0].hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, url, package], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"state-extra-missing pip install 'omni-reconcile[{extra}]'\n"


def test_a_local_state_loads_no_store() -> None:
    script = (
        "import sys; import reconcile.state.backend, reconcile.state.mend\n"
        "print([m for m in sys.modules if m in ('obstore', 'psycopg')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_shown_url_leaves_out_what_only_libpq_needs() -> None:
    address = parse_remote("postgresql://me@host/db?sslmode=require#prod")
    assert address == RemoteAddress(
        "postgresql",
        "postgresql://me@host/db?sslmode=require",
        "prod",
        "postgresql://me@host/db#prod",
    )

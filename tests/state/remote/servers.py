"""Real servers to keep state in: started on loopback, for one run of tests, in a folder."""

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.patience import is_open, wait_until

BUCKET = "state"
SECRET = "canary-of-the-store"  # noqa: S105 - there to be looked for, and found nowhere
# One request at a time: S3 checks a condition and writes in one step, moto in two. Each is read
# whole before its turn: a client that is stopped amid its request would hold up all others.
_MOTO = """
import sys
from io import BytesIO
from threading import Lock
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

backend, turn = DomainDispatcherApplication(create_backend_app), Lock()

def app(environ, start):
    length = environ.get("CONTENT_LENGTH")
    chunked = environ.get("wsgi.input_terminated")
    body = environ["wsgi.input"].read(int(length) if length else -1 if chunked else 0)
    environ["wsgi.input"] = BytesIO(body)
    with turn:
        return [b"".join(backend(environ, start))]

run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True)
"""
_AZURITE_ACCOUNT = "devstoreaccount1"
_AZURITE_KEY = (  # the emulator's own, published by its makers
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class NotInstalledError(Exception):
    """The server is not on this machine."""


@contextmanager
def moto(folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve S3."""
    if find_spec("moto") is None or find_spec("flask") is None:
        raise NotInstalledError("moto[server]")
    port = _free_port()
    with _serving([sys.executable, "-c", _MOTO, str(port)], port, folder):
        _ask(port, f"/{BUCKET}")
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "runner",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }


@contextmanager
def azurite(folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve Azure Blob Storage."""
    node = os.environ.get("NODE_PATH", "")
    program = shutil.which("azurite-blob") or shutil.which("azurite-blob", path=f"{node}/.bin")
    if program is None:
        raise NotInstalledError("azurite")
    port = _free_port()
    options = [
        "--blobPort",
        str(port),
        "--silent",
        "--skipApiVersionCheck",
        "--inMemoryPersistence",
    ]
    with _serving([program, *options], port, folder):
        _ask(port, f"/{_AZURITE_ACCOUNT}/{BUCKET}", "restype=container", _azure_headers())
        yield {
            "AZURE_STORAGE_USE_EMULATOR": "true",
            "AZURITE_BLOB_STORAGE_URL": f"http://127.0.0.1:{port}",
        }


@contextmanager
def postgres(_: Path) -> Iterator[Mapping[str, str]]:
    """Serve PostgreSQL, which refuses to run as root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        raise NotInstalledError("postgresql")
    port = _free_port()
    # Not below pytest's folder, which every run of pytest closes to all but its owner.
    with TemporaryDirectory(prefix="reconcile-postgres-") as data:
        as_owner: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(data, "postgres")
            as_owner = ["runuser", "-u", "postgres", "--"]

        def control(*arguments: str) -> None:
            command = [*as_owner, str(found[-1]), "-D", data, *arguments]
            subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, timeout=60)

        control("-o", "-A trust -U reconcile --no-sync", "init")
        options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off"
        control("-o", options, "-l", f"{data}/log", "-w", "start")
        try:
            operator = {"PGHOST": "127.0.0.1", "PGPASSWORD": SECRET}
            yield {"PGUSER": "reconcile", "PGPORT": str(port), **operator}
        finally:
            control("-m", "immediate", "stop")


@contextmanager
def _serving(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _until_open(server, port)
            yield
        finally:
            server.terminate()
            server.wait(20)


def _until_open(server: subprocess.Popen[bytes], port: int) -> None:
    wait_until(lambda: is_open(port) or server.poll() is not None, timeout_s=60)
    assert server.poll() is None, server.args


def _ask(port: int, path: str, query: str = "", headers: Mapping[str, str] | None = None) -> None:
    """Create a bucket or a container: the one thing the tool itself never does."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("PUT", f"{path}?{query}" if query else path, headers=headers or {})
        answer = connection.getresponse()
        if answer.status not in {200, 201}:
            raise HTTPException(answer.read().decode())
    finally:
        connection.close()


def _azure_headers() -> dict[str, str]:
    known = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
    spelled = "".join(f"{name}:{value}\n" for name, value in known.items())
    resource = f"/{_AZURITE_ACCOUNT}/{_AZURITE_ACCOUNT}/{BUCKET}\nrestype:container"
    signed = hmac.digest(
        base64.b64decode(_AZURITE_KEY),
        ("PUT" + "\n" * 12 + spelled + resource).encode(),
        hashlib.sha256,
    )
    signature = base64.b64encode(signed).decode()
    return {
        **known,
        "Authorization": f"SharedKey {_AZURITE_ACCOUNT}:{signature}",
        "Content-Length": "0",
    }


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port

"""A PostgreSQL server for one test, from Debian's package; it can be killed and started again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket

from tests.patience import is_open, wait_until

_HOMES = Path("/usr/lib/postgresql")
_USER = "reconcile"
_TIMEOUT_S = 60


def installed() -> Path | None:
    """Return the directory of the newest server's programs; None if there is none."""
    found = sorted(_HOMES.glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


class Postgres:
    """A running server on loopback, without a password and without durability."""

    def __init__(self, programs: Path, directory: Path, port: int) -> None:
        self.url = f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
        self._programs, self._data, self._port = programs, directory / "data", port

    def initialise(self) -> None:
        """Make the data directory."""
        self._run("initdb", "-A", "trust", "-U", _USER, "-D", str(self._data), "--no-sync")

    def start(self) -> None:
        """Start, and return once it answers."""
        settings = (
            f"-p {self._port} -k {self._data} -h 127.0.0.1 -c fsync=off -c max_connections=200"
        )
        log = str(self._data / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", settings, "-l", log, "-w", "start")

    def stop(self) -> None:
        """End at once, as a crash would: connections are cut."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            # It refuses to run as root.
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._data.parent,
            timeout=_TIMEOUT_S,
        )


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server for the length of a `with`. Call only where `installed()` finds one."""
    programs = installed()
    assert programs is not None
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    server = Postgres(programs, directory, free_port())
    try:
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


@contextmanager
def pooled(port: int) -> Iterator[int]:
    """Stand a PgBouncer with one connection, for a transaction at a time, before a server."""
    directory, own_port = Path(tempfile.mkdtemp(prefix="pgbouncer-")), free_port()
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": own_port,
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": 1,
        "unix_socket_dir": "",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    behind = f"postgres = host=127.0.0.1 port={port} user={_USER} dbname=postgres"
    file = directory / "pgbouncer.ini"
    file.write_text("\n".join(("[databases]", behind, "[pgbouncer]", *lines)))
    command = ["pgbouncer", "--quiet", str(file)]
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
        command = ["runuser", "-u", "postgres", "--", *command]
    pooler = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_open(own_port), timeout_s=_TIMEOUT_S)
        yield own_port
    finally:
        pooler.terminate()
        pooler.wait(_TIMEOUT_S)
        shutil.rmtree(directory)


def free_port() -> int:
    with socket(AF_INET, SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

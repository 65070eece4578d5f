"""What the files of an instance hold, as one hash: the same on every machine that has the same."""

from hashlib import sha256
from pathlib import Path

from reconcile.config.problems import LeafError
from reconcile.config.toml import list_files, read_bounded

Stamp = tuple[tuple[str, int, int, int], ...]


class Contents:
    """Hashes files again only when they look changed from outside."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Stamp, str]] = {}

    def of(self, file: str) -> str | None:
        """Return the hash of one desired state; None if its files cannot be read just now."""
        try:
            paths = list_files(Path(file))
            stamp = tuple(_stamp(path) for path in paths)
            known = self._known.get(file)
            if known is not None and known[0] == stamp:
                return known[1]
            digest = sha256()
            for path in paths:
                content = read_bounded(path)
                digest.update(f"{path.name}\0{len(content)}\0".encode())
                digest.update(content)
        except (LeafError, OSError):
            return None
        self._known[file] = (stamp, digest.hexdigest())
        return digest.hexdigest()


def _stamp(path: Path) -> tuple[str, int, int, int]:
    # Followed through links: a sidecar swaps the link, and what it points to is another inode.
    status = path.stat()
    return str(path), status.st_ino, status.st_size, status.st_mtime_ns

"""A disk as a crash may leave it: what was written but not synced may be there, or half, or not.

The system calls of the real code are recorded on their way to the real disk. Then any instant can
be chosen, and for it any content that a journalling file system allows.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

Step = tuple[str, Any, Any]
"""What was done, to which file (a number or a name), and with what."""

Chance = Callable[[int], int]
"""Chooses a number from 0 to the one given."""


@dataclass
class Recorder:
    """The steps taken below one directory, in their order. `before`: told before each."""

    folder: Path
    steps: list[Step] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    _open: dict[int, int | str] = field(default_factory=dict)
    _inodes: int = 0
    _names: dict[str, int] = field(default_factory=dict)

    def note(self, kind: str, subject: object, value: object = None) -> None:
        self.steps.append((kind, subject, value))

    def opened(self, path: str, descriptor: int) -> None:
        if path == str(self.folder):
            self._open[descriptor] = path
        elif self._mine(path):
            if path not in self._names:
                self._inodes += 1
                self._names[path] = self._inodes
                self.note("name", path, self._inodes)
            self._open[descriptor] = self._names[path]

    def file(self, descriptor: int) -> int | str | None:
        return self._open.get(descriptor)

    def closed(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)

    def renamed(self, source: str, target: str) -> None:
        # A rename onto another name of the same file does nothing.
        if self._names[source] != self._names.get(target):
            self._names[target] = self._names.pop(source)
            self.note("rename", source, target)

    def linked(self, source: str, target: str) -> None:
        self._names[target] = self._names[source]
        self.note("name", target, self._names[source])

    def unlinked(self, path: str) -> None:
        if self._names.pop(path, None) is not None:
            self.note("unlink", path)

    def _mine(self, path: str) -> bool:
        return path.startswith(f"{self.folder}/")


@contextmanager
def recording(folder: Path, before: Callable[[], None] = lambda: None) -> Iterator[Recorder]:
    """Record what the block does to a directory that is empty when it begins."""
    recorder = Recorder(folder, before=before)
    with pytest.MonkeyPatch.context() as patch:
        for name, wrap in _WRAPPERS.items():
            patch.setattr(os, name, wrap(recorder, getattr(os, name)))
        yield recorder


def _wrap_open(recorder: Recorder, real: Callable[..., int]) -> Callable[..., int]:
    def wrapped(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        recorder.before()
        descriptor = real(path, flags, mode, **more)
        recorder.opened(os.fspath(path), descriptor)
        return descriptor

    return wrapped


def _wrap_write(recorder: Recorder, real: Callable[..., int]) -> Callable[..., int]:
    def wrapped(descriptor: int, data: Any) -> int:
        recorder.before()
        taken = real(descriptor, data)
        if (file := recorder.file(descriptor)) is not None:
            recorder.note("write", file, bytes(data)[:taken])
        return taken

    return wrapped


def _wrap_pwrite(recorder: Recorder, real: Callable[..., int]) -> Callable[..., int]:
    def wrapped(descriptor: int, data: Any, offset: int) -> int:
        recorder.before()
        taken = real(descriptor, data, offset)
        if (file := recorder.file(descriptor)) is not None:
            recorder.note("overwrite", file, (offset, bytes(data)[:taken]))
        return taken

    return wrapped


def _on_descriptor(kind: str) -> Callable[[Recorder, Callable[..., None]], Callable[..., None]]:
    def wrap(recorder: Recorder, real: Callable[..., None]) -> Callable[..., None]:
        def wrapped(descriptor: int, *value: int) -> None:
            recorder.before()
            file = recorder.file(descriptor)
            if kind == "close":
                recorder.closed(descriptor)
            real(descriptor, *value)
            if file is not None and kind != "close":
                recorder.note(kind, file, value[0] if value else None)

        return wrapped

    return wrap


def _on_names(
    noted: Callable[..., None],
) -> Callable[[Recorder, Callable[..., None]], Callable[..., None]]:
    def wrap(recorder: Recorder, real: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*paths: Any, **more: Any) -> None:
            recorder.before()
            real(*paths, **more)
            noted(recorder, *map(os.fspath, paths))

        return wrapped

    return wrap


_WRAPPERS: dict[str, Callable[[Recorder, Any], Any]] = {
    "open": _wrap_open,
    "write": _wrap_write,
    "pwrite": _wrap_pwrite,
    "fsync": _on_descriptor("sync"),
    "ftruncate": _on_descriptor("truncate"),
    "close": _on_descriptor("close"),
    "rename": _on_names(Recorder.renamed),
    "replace": _on_names(Recorder.renamed),
    "link": _on_names(Recorder.linked),
    "unlink": _on_names(Recorder.unlinked),
}


@dataclass
class Disk:
    """What is certain to be on the disk, and what is not yet."""

    durable: dict[int, bytes] = field(default_factory=dict)
    pending: dict[int, list[Step]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    names_pending: list[Step] = field(default_factory=list)

    def take(self, step: Step) -> None:
        kind, subject, _ = step
        match kind:
            case "write" | "truncate" | "overwrite":
                self.pending.setdefault(subject, []).append(step)
            case "sync" if isinstance(subject, int):
                self.durable[subject] = _content(
                    self.durable, self.pending.pop(subject, []), subject
                )
            case "sync":
                _rename(self.names, self.names_pending)
                self.names_pending = []
            case "name" | "rename" | "unlink":
                self.names_pending.append(step)
            case _:
                raise AssertionError(kind)

    def crash(self, folder: Path, chance: Chance) -> None:
        """Write into an empty folder one of the states that a crash may leave now.

        Names change in their order, as the journal of a file system keeps them, up to any point.
        Of what was written to a file, any beginning is there; what follows may be zeros. Of what
        was written over, any beginning is new.
        """
        names = dict(self.names)
        _rename(names, self.names_pending[: chance(len(self.names_pending))])
        for path, inode in names.items():
            pending = self.pending.get(inode, [])
            whole = chance(len(pending))
            data = _content(self.durable, pending[:whole], inode)
            if whole < len(pending) and pending[whole][0] == "write":
                written = pending[whole][2]
                part = written[: chance(len(written))]
                data += part if chance(1) else b"\0" * len(part)
            if whole < len(pending) and pending[whole][0] == "overwrite":
                offset, over = pending[whole][2]
                part = over[: chance(len(over))]
                data = data[:offset] + part + data[offset + len(part) :]
            (folder / Path(path).name).write_bytes(data)


def _content(durable: dict[int, bytes], steps: list[Step], inode: int) -> bytes:
    data = durable.get(inode, b"")
    for kind, _, value in steps:
        match kind:
            case "truncate":
                data = data[:value]
            case "overwrite":
                offset, over = value
                data = data[:offset] + over + data[offset + len(over) :]
            case _:
                data += value
    return data


def _rename(names: dict[str, int], steps: list[Step]) -> None:
    for kind, path, value in steps:
        if kind == "name":
            names[path] = value
        elif kind == "rename":
            names[value] = names.pop(path)
        else:
            names.pop(path, None)

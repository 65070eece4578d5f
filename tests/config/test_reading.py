import os
import socket
from pathlib import Path

import pytest

from reconcile.config.load import load
from reconcile.config.toml import LARGEST
from reconcile.errors import ReconcileError
from tests.config.given import sales


def code_of(path: Path) -> str:
    with pytest.raises(ReconcileError) as refusal:
        load(path)
    (diagnostic,) = refusal.value.diagnostics
    assert diagnostic.places[0].file.startswith(str(path))
    return diagnostic.code


@pytest.mark.fault("C01")
def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert code_of(tmp_path / "missing.toml") == "file-not-found"


@pytest.mark.fault("C01")
def test_a_directory_without_toml_declares_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / ".hidden.toml").write_text(sales())
    assert code_of(tmp_path) == "no-files"


@pytest.mark.fault("C02")
def test_a_pipe_that_nobody_writes_to_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert code_of(tmp_path / "pipe.toml") == "not-a-file"
    assert code_of(tmp_path) == "not-a-file"


@pytest.mark.fault("C02")
def test_devices_sockets_and_directories_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    assert code_of(tmp_path) == "not-a-file"
    assert code_of(Path("/dev/zero")) == "not-a-file"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.toml"))
        assert code_of(tmp_path / "s.toml") == "file-unreadable"


@pytest.mark.fault("C04")
def test_a_file_over_the_bound_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "big.toml"
    path.touch()
    os.truncate(path, LARGEST + 1)
    assert code_of(path) == "file-too-large"


@pytest.mark.fault("C13")
@pytest.mark.parametrize(
    ("content", "offset"), [(b"# \xff", 2), (b"# ok\n# \xc0\xaf", 7), (b"#\xed\xa0\x80", 1)]
)
def test_invalid_utf8_is_reported_with_its_offset(
    tmp_path: Path, content: bytes, offset: int
) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ReconcileError) as refusal:
        load(tmp_path)
    assert refusal.value.diagnostics[0].code == "not-utf8"
    assert f"Byte {offset} " in refusal.value.diagnostics[0].detail


@pytest.mark.fault("C15")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_recognised(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.toml").write_bytes(sales().encode(encoding))
    with pytest.raises(ReconcileError) as refusal:
        load(tmp_path)
    assert "UTF-16" in refusal.value.diagnostics[0].detail


@pytest.mark.fault("C14", "C16")
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
def test_bom_and_line_ends_do_not_matter(tmp_path: Path, prefix: bytes) -> None:
    (tmp_path / "unix.toml").write_text(sales())
    (tmp_path / "windows.toml").write_bytes(prefix + sales().replace("\n", "\r\n").encode())
    unix, windows = load(tmp_path / "unix.toml"), load(tmp_path / "windows.toml")
    assert unix.desired == windows.desired
    assert unix.sources[0].text == windows.sources[0].text


def test_what_is_wrong_in_several_files_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "b.toml").write_text("x = = 1")
    (tmp_path / "c.toml").write_text(sales("evry = 1"))
    (tmp_path / "d.toml").write_text('[defaults]\ntimezone = "Mars"')
    with pytest.raises(ReconcileError) as refusal:
        load(tmp_path)
    found = [(Path(d.places[0].file).name, d.code) for d in refusal.value.diagnostics]
    assert found == [
        ("a.toml", "not-utf8"),
        ("b.toml", "invalid-toml"),
        ("c.toml", "unknown-key"),
        ("d.toml", "unknown-zone"),
    ]

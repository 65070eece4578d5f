"""The watch over the token watches: each disguise is seen, wherever it is left."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canary import CANARY, traces, traces_below

PERCENT = "".join(f"%{byte:02X}" for byte in CANARY.encode())
DISGUISES: dict[str, Callable[[str], str]] = {
    "raw": str,
    "reversed": lambda text: text[::-1],
    "a slice": lambda text: text[13:25],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a header": lambda text: base64.b64encode(f"Bearer {text}".encode()).decode(),
    "base64 after a letter": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "URL": lambda text: quote(text, safe=""),
    "URL, every byte": lambda _: PERCENT,
    "JSON": json.dumps,
    "JSON, every character": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
}


@pytest.mark.fault("Z07")
@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_token_is_known_again_in_disguise(tmp_path: Path, disguise: str) -> None:
    hidden = f"before {DISGUISES[disguise](CANARY)} after".encode()
    assert traces(hidden)
    (tmp_path / "file").write_bytes(hidden)
    assert len(list(traces_below(tmp_path))) == 1
    (tmp_path / "file").unlink()


def test_what_is_not_the_token_is_let_pass() -> None:
    assert not traces(b"omni_osk_sandbox q7Zr2Vx9Lk4 \\u0041\\u0042 %41%42 " * 100)

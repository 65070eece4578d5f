"""A token in a server's words is masked in every spelling, before and after decoding."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.omni.credential import Secret
from reconcile.omni.http import Exchange
from reconcile.omni.replies import Reply
from tests.canary import traces
from tests.omni.calling import TOKEN, poll, refresh, reset_daily
from tests.omni.fault_server import FaultServer, reply

ESCAPED = "omni_osk_a/b+c==9"  # what JSON, URLs and base64 spell otherwise
NUMBERS = "".join(f"\\u{ord(letter):04x}" for letter in ESCAPED)
tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60)


def masked(body: bytes) -> bytes:
    exchange = Exchange(Secret(ESCAPED), "https://myorg.omniapp.co")
    exchange.begin_reply(400, {})
    exchange.take(body)
    answer = exchange.finished()
    assert isinstance(answer, Reply)
    return answer.body


@pytest.mark.parametrize(
    "spelled",
    [
        ESCAPED,
        ESCAPED.upper(),
        ESCAPED.replace("/", "\\/"),
        ESCAPED.replace("/", "\\\\\\/"),
        ESCAPED.replace("=", "\\u003d"),
        ESCAPED.replace("=", "\\\\u003D"),
        NUMBERS,
        quote(ESCAPED, safe=""),
        quote(quote(ESCAPED, safe=""), safe="").lower(),
        "".join(f"%{ord(letter):02x}" for letter in ESCAPED),
        "".join(f"&#x{ord(letter):X};" for letter in ESCAPED),
        ESCAPED.replace("=", "&#61;").replace("+", "&amp;#043;"),
        ESCAPED[:5] + "\r\n\t" + ESCAPED[5:],
        ESCAPED[:5] + "\\n  " + ESCAPED[5:],
        ESCAPED.encode().hex(),
        ESCAPED.encode("utf-16-le").decode(),
    ],
)
def test_a_token_is_masked_in_every_spelling(spelled: str) -> None:
    # H1
    assert Secret(ESCAPED).hide_in(f"you sent {spelled}.").startswith("you sent [token]")


@given(tokens, st.binary(max_size=7), st.binary(max_size=7))
def test_a_token_is_masked_in_whatever_is_base64(token: str, before: bytes, after: bytes) -> None:
    # H1
    whole = before + token.encode() + after
    for spelled in (base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
        assert "[token]" in Secret(token).hide_in(spelled.decode())


@given(tokens, st.text(max_size=20), st.text(max_size=20))
def test_a_token_is_gone_from_any_text_and_from_its_json(rest: str, left: str, right: str) -> None:
    # H1
    token = f"omni_osk_{rest}"
    text = left + token + right
    secret = Secret(token)
    assert token not in secret.hide_in(text)
    assert json.loads(secret.hide_in(json.dumps(text))).count("[token]") >= 1
    assert b"[token]" in secret.hide_in_bytes(text.encode("utf-8", "replace"))


@given(st.text(st.characters(exclude_characters="omni", exclude_categories=["Cs"])))
def test_a_text_without_the_token_stays_as_it_is(text: str) -> None:
    assert Secret("omni_osk_1").hide_in(text) == text


@pytest.mark.parametrize(
    "token", [ESCAPED, "nrt" * 9, "\\" * 30, "%5c" * 9, "uuxx\\u00" * 5, "a=" * 20]
)
def test_what_almost_is_a_token_is_searched_no_longer_than_other_text(token: str) -> None:
    # H1: this ends at all, because nothing of a text can be read in two ways.
    for piece in ("\\", "\\n", "n\n", "%", "%25", "u", token[:-1], token[:-1].upper() + "\\u005"):
        assert token not in Secret(token).hide_in(piece * 2_000)


def test_a_long_token_is_masked_to_its_end() -> None:
    token = "eyJ" + "aB3_-." * 400
    assert Secret(token).hide_in(f'{{"sent": "Bearer {token}"}}') == '{"sent": "Bearer [token]"}'


def test_the_bytes_around_a_token_stay_as_sent() -> None:
    assert Secret(ESCAPED).hide_in_bytes(b"\xff" + ESCAPED.encode() + b"\xfe") == b"\xff[token]\xfe"


def test_what_only_decoding_makes_a_token_is_masked_too() -> None:
    # H1: a number that spells the backslash of another number.
    twice = ESCAPED.replace("/", "\\u005cu002f")
    body = masked(f'{{"detail": ["x", {{"{twice}": "Bearer {twice}"}}], "n": 1}}'.encode())
    assert json.loads(body) == {"detail": ["x", {"[token]": "Bearer [token]"}], "n": 1}


def test_a_body_that_is_no_json_is_masked_as_text() -> None:
    # H1
    assert masked(b'{"a": 1, "a": "' + NUMBERS.encode()) == b'{"a": 1, "a": "[token]'


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "403 Forbidden", "500 Oops"])
@pytest.mark.parametrize("field", ["detail", "jobId", "status", "modelId", "message"])
def test_no_outcome_holds_the_token_in_its_words(field: str, status: str) -> None:
    # H1
    numbers = "".join(f"\\u{ord(letter):04x}" for letter in TOKEN)
    with FaultServer(
        (reply(f'{{"jobId": "1", "{field}": "{numbers}"}}', status=status),)
    ) as server:
        outcomes = (refresh(server.url), reset_daily(server.url), poll(server.url))
    assert not traces(repr(outcomes).encode())
    assert "[token]" in repr(outcomes)

"""The small readers: waits, dates, and Omni's own words in whatever an error looks like."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.omni.replies import error_text, parse_http_date, parse_retry_after

NOW = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


@pytest.mark.fault("A02")
@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7.0), (" 7 ", 7.0), ("0", 1.0), ("301", 300.0), ("99999999999999999999", 300.0),
        ("1000000000", 300.0), ("-5", None), ("+5", None), ("5.5", None), ("1e9", None), ("", None),
        (None, None), ("\u0665", None), ("\uff15", None), ("1_0", None), ("soon", None),
        ("7, 9", None), ("9" * 21, None), ("Sun, 01 Mar 2026 11:00:10 GMT", 10.0),
        ("Sun, 01 Mar 2026 23:00:00 GMT", 300.0), ("Sun, 01 Mar 2026 10:59:59 GMT", None),
        ("Sun, 01 Mar 0001 11:00:10 GMT", None), ("Sun, 32 Mar 2026 11:00:10 GMT", None),
        ("Sun, 01 Xyz 2026 11:00:10 GMT", None), ("Sun, 01 Mar 2026 11:00:10 +0500", None),
        ("Sunday, 01-Mar-26 11:00:10 GMT", None), ("2026-03-01T11:00:10Z", None),
    ],
)  # fmt: skip
def test_a_retry_after_is_a_sane_wait_or_none(text: str | None, wait_s: float | None) -> None:
    assert parse_retry_after(text, now=NOW) == wait_s


def test_a_date_without_a_clock_to_compare_it_with_is_no_wait() -> None:
    assert parse_retry_after("Sun, 01 Mar 2026 11:00:10 GMT", now=None) is None


@pytest.mark.fault("A02", "Z26")
@given(st.text(max_size=60))
def test_any_text_is_a_wait_in_bounds_or_none(text: str) -> None:
    wait_s = parse_retry_after(text, now=NOW)
    assert wait_s is None or 1.0 <= wait_s <= 300.0


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants bounds without a zone
def test_an_http_date_reads_back(instant: datetime) -> None:
    whole = instant.replace(microsecond=0)
    assert parse_http_date(format_datetime(whole, usegmt=True)) == whole
    assert parse_retry_after(format_datetime(whole + timedelta(0), usegmt=True), now=whole) is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"detail": "Bad Request: x", "status": 400}, "Bad Request: x"),
        ({"detail": "x", "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"]}, "x"),
        ({"message": "m", "error": "e"}, "m"),
        ({"error": "e"}, "e"),
        ({"error": {"message": "deep", "code": "c"}}, "deep"),
        ({"errors": ["a", "b"]}, "a; b"),
        ({"errors": [{"message": "a"}, {"detail": "b"}]}, "a; b"),
        ({"errors": {"modelId": ["Invalid uuid"]}}, "Invalid uuid"),
        ({"detail": [{"loc": ["q"], "msg": "field required"}]}, "field required"),
        ({"detail": "", "message": "m"}, "m"),
        ({"other": 1}, '{"other": 1}'),
        ({"detail": "d" * 9_000}, "d" * 500),
    ],
)
def test_omnis_words_are_found_wherever_they_are(body: object, text: str) -> None:
    assert error_text(json.dumps(body).encode()) == text


def test_without_words_the_beginning_of_the_body_speaks() -> None:
    assert error_text(b"") == "the body is empty"
    assert error_text(b"<html>" * 100) == ("<html>" * 100)[:200]
    assert error_text(b"\xff\xfe") == "\ufffd\ufffd"


@given(st.binary(max_size=100))
def test_any_bytes_give_a_text_that_can_be_printed(content: bytes) -> None:
    error_text(content).encode()

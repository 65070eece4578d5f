"""One spelling of an instance, or a refusal that repeats nothing of what was given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import ReconcileError
from reconcile.omni.credential import Origin, load_credential, parse_origin, require_same_origin

HOME = "myorg.omniapp.co"

DISGUISES = [
    # look-alikes of another host
    f"https://{HOME}.evil.com", f"https://evil.com/{HOME}", f"https://evil.com?{HOME}",
    f"https://evil.com#{HOME}", f"https://evil.com#@{HOME}", f"https://{HOME}@evil.com",
    f"https://{HOME}:pw@evil.com", f"https://evil.com\\@{HOME}", f"https://{HOME}\\.evil.com",
    f"https://{HOME}\\@evil.com", f"https://evil.com/@{HOME}", f"https://{HOME}%2f@evil.com",
    f"https://{HOME}%2eevil.com", f"https://{HOME}%00.evil.com", f"https://evil.com%23.{HOME}",
    f"https://{HOME}&evil.com", f"https://{HOME},evil.com", f"https://{HOME};evil.com",
    f"https://{HOME} .evil.com", f"https://{HOME}\t.evil.com", f"https://{HOME}\n.evil.com",
    f"https://{HOME}\0.evil.com", f"https://{HOME}\x7f", f" https://{HOME}", f"https://{HOME} ",
    "https://myorg-omniapp.co", "https://other-org.omniapp.co", "https://omniapp.co",
    f"https://x.{HOME}", "https://myorg.omniapp.com", "https://myorg.omniapp.co.uk",
    # letters that are not what they look like
    "https://my\u043erg.omniapp.co", "https://myorg.omniapp.\u0441o", "https://myorg\u3002omniapp.co",
    "https://myorg\uff0eomniapp.co", "https://\uff4dyorg.omniapp.co", "https://myorg\u200b.omniapp.co",
    "https://myorg.omniapp.co\u2044x", "https://myorg.omniapp.co\u202e", "https://xn--myrg-55d.omniapp.co",
    # another port, another scheme
    f"https://{HOME}:444", f"https://{HOME}:80", f"https://{HOME}:0443", f"https://{HOME}:",
    f"https://{HOME}:443443", f"https://{HOME}:0", f"https://{HOME}:+443", f"https://{HOME}:4_43",
    f"https://{HOME}:443:443", f"https://{HOME}:443@evil.com", f"http://{HOME}", f"http://{HOME}:443",
    f"ftp://{HOME}", f"file://{HOME}/etc/passwd", f"javascript://{HOME}", f"ws://{HOME}",
    f"//{HOME}", f"///{HOME}", f"https:{HOME}", f"https:/{HOME}", f"https:///{HOME}", f"://{HOME}",
    # a trailing dot, empty labels, hyphens, underscores
    f"https://{HOME}.", f"https://.{HOME}", "https://myorg..omniapp.co", "https://-myorg.omniapp.co",
    "https://myorg-.omniapp.co", "https://my_org.omniapp.co", "https://*.omniapp.co", "https://",
    # addresses in odd spellings, and addresses that are no server
    "https://2130706433", "https://0x7f000001", "https://0177.0.0.1", "https://127.1",
    "https://127.0.0.01", "https://0x7f.0.0.1", "https://127.0.0.0x1", "https://1.2.3.4.5",
    "https://256.1.1.1", "https://[::ffff:127.0.0.1]", "https://[::ffff:7f00:1]", "https://[0::1]",
    "https://[::1%25eth0]", "https://[::1", "https://::1", "https://[]", "https://169.254.169.254",
    "https://[fe80::1]", "https://0.0.0.0", "https://[::]", "http://127.0.0.1.evil.com",
    "http://localhost.evil.com", "http://evil.localhost", "http://[::2]", "http://128.0.0.1",
    # paths that are not the API's
    f"https://{HOME}/api/v2", f"https://{HOME}/api/../x", f"https://{HOME}//api", f"https://{HOME}/x",
    f"https://{HOME}/api//", f"https://{HOME}/API", f"https://{HOME}/api/v1/users",
]  # fmt: skip


@pytest.mark.fault("Z01", "Z02", "Z22")
@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_passes_for_the_origin_of_the_token(disguise: str) -> None:
    credential = load_credential(
        {"OMNI_BASE_URL": f"https://{HOME}", "OMNI_API_KEY": "omni_osk_12345"}
    )
    with pytest.raises(ReconcileError) as caught:
        require_same_origin(disguise, credential)
    assert caught.value.diagnostics[0].code in {"bad-base-url", "wrong-host"}


def test_there_are_enough_disguises() -> None:
    assert len(set(DISGUISES)) == len(DISGUISES) >= 60


@pytest.mark.parametrize("end", ["", "/", "/api", "/api/", "/api/v1", "/api/v1/", "/api/unstable"])
@pytest.mark.parametrize("start", ["", "https://", "HTTPS://"])
@pytest.mark.parametrize("host", [HOME, "MyOrg.OmniApp.co", f"{HOME}:443"])
def test_what_people_type_is_one_origin(start: str, host: str, end: str) -> None:
    assert parse_origin(start + host + end) == Origin("https", HOME, 443)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://127.0.0.1:8080", Origin("http", "127.0.0.1", 8080)),
        ("http://127.9.9.9", Origin("http", "127.9.9.9", 80)),
        ("http://localhost:1/api", Origin("http", "localhost", 1)),
        ("http://[::1]:65535", Origin("http", "::1", 65535)),
        ("https://10.0.0.7:8443", Origin("https", "10.0.0.7", 8443)),
    ],
)
def test_loopback_may_use_http_and_an_origin_prints_as_it_reads(text: str, origin: Origin) -> None:
    assert parse_origin(text) == origin
    assert parse_origin(str(origin)) == origin


@pytest.mark.fault("Z07")
def test_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(ReconcileError) as caught:
        parse_origin("https://me:hunter2hunter2@myorg.omniapp.co")
    assert "hunter2" not in repr(caught.value.diagnostics)


def test_a_different_host_names_both_and_exits_with_one() -> None:
    credential = load_credential({"OMNI_BASE_URL": HOME, "OMNI_API_TOKEN": "omni_osk_12345"})
    with pytest.raises(ReconcileError) as caught:
        require_same_origin("https://evil.com", credential)
    detail = caught.value.diagnostics[0].detail
    assert "https://evil.com" in detail
    assert f"https://{HOME}" in detail
    assert caught.value.exit_code == 1


def test_a_file_that_asserts_nothing_or_the_same_passes() -> None:
    credential = load_credential({"OMNI_BASE_URL": HOME, "OMNI_API_TOKEN": "omni_osk_12345"})
    require_same_origin(None, credential)
    require_same_origin(f"https://{HOME}/api/v1", credential)


@pytest.mark.fault("Z26")
@given(st.text(max_size=400))
def test_any_text_is_an_origin_or_a_plain_refusal(text: str) -> None:
    try:
        origin = parse_origin(text)
    except ReconcileError:
        return
    assert origin.host.isascii()
    assert parse_origin(str(origin)) == origin


@given(st.sampled_from("@\\?#%\n\0 \u043e"), st.integers(0, 24))
def test_one_telltale_anywhere_is_enough(character: str, position: int) -> None:
    text = f"https://{HOME}"
    with pytest.raises(ReconcileError):
        parse_origin(text[:position] + character + text[position:])

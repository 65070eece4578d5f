import pytest

from reconcile.config.values import check_name, check_uuid, did_you_mean, fold_name, parse_origin
from reconcile.errors import LeafError


@pytest.mark.fault("C21")
@pytest.mark.parametrize("name", ["a", "daily/one", "50% ?", "übersicht", "📈 live", "x" * 200])
def test_a_name_may_hold_anything_that_is_seen(name: str) -> None:
    check_name(name)


@pytest.mark.fault("C17")
@pytest.mark.parametrize(
    "name",
    ["", "  ", "..", ".", "a\tb", "a\x1b[31m", "\u202eabc", "a\u200bb", "a\u2028b", "x" * 201],
)
def test_a_name_with_something_unseen_is_refused(name: str) -> None:
    with pytest.raises(LeafError) as refusal:
        check_name(name)
    assert refusal.value.code == "bad-name"


@pytest.mark.fault("C12")
@pytest.mark.parametrize(
    ("one", "other"),
    [("Sales", "sales"), ("caf\u00e9", "cafe\u0301"), ("a.", "A"), ("STRASSE", "straße")],
)
def test_names_that_look_the_same_fold_to_one(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


def test_an_id_is_kept_in_lower_case() -> None:
    assert check_uuid("BC1F9C9F-208D-48A2-9AE3-FF80F2C79FED").startswith("bc1f9c9f-")


@pytest.mark.fault("C20")
@pytest.mark.parametrize(
    "text",
    ["", "sales", "../../v1/users", "%2e%2e", "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed?x", "b" * 36],
)
def test_what_is_not_a_uuid_never_becomes_part_of_a_path(text: str) -> None:
    with pytest.raises(LeafError) as refusal:
        check_uuid(text)
    assert refusal.value.code == "not-a-uuid"


def test_nothing_near_means_no_suggestion() -> None:
    assert did_you_mean("evry", ["every", "cron"]) == "Did you mean `every`?"
    assert did_you_mean("zzz", ["every", "cron"]) is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://myorg.omniapp.co", "https://myorg.omniapp.co"),
        ("https://MyOrg.omniapp.co/api/v1/", "https://myorg.omniapp.co"),
        ("https://myorg.omniapp.co:443/api", "https://myorg.omniapp.co"),
        ("https://myorg.omniapp.co.:8443", "https://myorg.omniapp.co:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://localhost:9", "http://localhost:9"),
    ],
)
def test_a_base_url_is_reduced_to_its_origin(url: str, origin: str) -> None:
    assert parse_origin(url) == origin


@pytest.mark.fault("Z22")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "myorg.omniapp.co",
        "http://myorg.omniapp.co",
        "http://169.254.169.254",
        "http://127.0.0.1.evil.example",
        "file:///etc/passwd",
        "ftp://myorg.omniapp.co",
        "https://",
        "https://a/b",
        "https://a/api/v2",
        "https://a?x=1",
        "https://a#x",
        "https://a:99999",
        "https://a:0",
        "https://127.1",
        "https://0x7f.1",
        "https://a-.b.co",
        "https://[::ffff:127.0.0.1]",
        "https://a b",
        "https://a\\@b",
        "https://ümlaut.example",
        "https://a..b",
        "https://[::1",
        "https://a\n.example",
        "https://" + "a." * 300,
    ],
)
def test_anything_but_an_https_origin_is_refused(url: str) -> None:
    with pytest.raises(LeafError) as refusal:
        parse_origin(url)
    assert refusal.value.code == "bad-base-url"


def test_a_refused_url_does_not_repeat_its_password() -> None:
    with pytest.raises(LeafError) as refusal:
        parse_origin("https://user:hunter2@myorg.omniapp.co")
    assert "hunter2" not in f"{refusal.value.detail}{refusal.value.hint}"

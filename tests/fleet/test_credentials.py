from pathlib import Path

import pytest

from reconcile.errors import ReconcileError
from reconcile.fleet.worker import named_credential

PAIR = {
    "OMNI_BASE_URL_ACME_EU": "https://acme.omniapp.co",
    "OMNI_API_KEY_ACME_EU": "a-token-of-acme",
}


def test_two_variables_of_its_name_are_a_credential() -> None:
    found = named_credential(PAIR, "acme-eu")
    assert str(found.origin) == "https://acme.omniapp.co"
    assert found.token.reveal() == "a-token-of-acme"


def test_a_key_that_is_rotated_in_its_file_is_taken_up(tmp_path: Path) -> None:  # K6
    key = tmp_path / "key"
    url = {"OMNI_BASE_URL_ACME_EU": "https://acme.omniapp.co"}
    for token in ("a-token-of-acme", "another-token-of-acme"):
        key.write_text(token)
        found = named_credential(url | {"OMNI_API_KEY_FILE_ACME_EU": str(key)}, "acme-eu")
        assert found.token.reveal() == token


def test_a_key_is_asked_of_a_command_of_its_name() -> None:  # K6
    pair = {k: v for k, v in PAIR.items() if "URL" in k}
    asked = pair | {"OMNI_API_KEY_COMMAND_ACME_EU": "echo a-token-of-a-vault"}
    assert named_credential(asked, "acme-eu").token.reveal() == "a-token-of-a-vault"


def test_half_a_pair_is_refused_and_not_filled_up_from_elsewhere() -> None:
    half = {"OMNI_API_KEY_ACME": "a-token-of-acme", "OMNI_BASE_URL": "https://other.omniapp.co"}
    with pytest.raises(ReconcileError) as caught:
        named_credential(half, "acme")
    assert caught.value.diagnostics[0].code == "half-a-credential"


def test_without_variables_it_is_a_profile_and_never_the_one_without_a_name(
    tmp_path: Path,
) -> None:
    others = {"OMNI_BASE_URL": "https://x.omniapp.co", "OMNI_API_KEY": "a-token-of-x"}
    with pytest.raises(ReconcileError) as caught:
        named_credential(others | {"OMNI_CONFIG_DIR": str(tmp_path)}, "acme")
    assert caught.value.diagnostics[0].code == "unknown-profile"

"""Where a credential may come from, and that nothing about it ever shows the token."""

import copy
import json
import os
import pickle
import traceback
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconcile.errors import ReconcileError
from reconcile.omni import credential
from reconcile.omni.credential import Credential, Secret, load_credential

TOKEN = "omni_osk_PROFILE_9f3b77aa01"  # noqa: S105 - valid nowhere, and on disk on purpose
URL = "https://myorg.omniapp.co"
PAIR = {"OMNI_BASE_URL": URL, "OMNI_API_KEY": TOKEN}

BAD_TOKENS = [
    f"{TOKEN}\n", f"{TOKEN}\r\n", f" {TOKEN}", f"{TOKEN} ", f"{TOKEN[:9]} {TOKEN[9:]}",
    f"{TOKEN}\0", f"{TOKEN}\t", f"{TOKEN}\x1b[0m", f"{TOKEN}\x7f", f"{TOKEN}\u00e9",
    f"{TOKEN}\u200b", f"{TOKEN}\udc80", f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER {TOKEN}",
    TOKEN * 400, TOKEN[:7], f'"{TOKEN}"', f"'{TOKEN}'", f"{TOKEN}'",
]  # fmt: skip


def code_of(environment: dict[str, str], profile: str | None = None) -> str:
    with pytest.raises(ReconcileError) as caught:
        load_credential(environment, profile=profile)
    return caught.value.diagnostics[0].code


def write_profiles(path: Path, **profiles: object) -> dict[str, str]:
    path.write_text(json.dumps({"version": 1, "defaultProfile": "main", "profiles": profiles}))
    path.chmod(0o600)
    return {"OMNI_CONFIG_PATH": str(path)}


def keyed(token: str = TOKEN, url: str = URL) -> dict[str, str]:
    return {"apiEndpoint": url, "authMethod": "api-key", "apiKey": token}


@pytest.mark.parametrize("name", ["OMNI_API_KEY", "OMNI_API_TOKEN"])
def test_the_environment_binds_a_token_to_its_url(name: str) -> None:
    credential = load_credential({"OMNI_BASE_URL": URL, name: TOKEN})
    assert (str(credential.origin), credential.token.reveal()) == (URL, TOKEN)


def test_two_equal_tokens_are_one_and_two_different_ones_an_error() -> None:
    assert load_credential({**PAIR, "OMNI_API_TOKEN": TOKEN}).token.reveal() == TOKEN
    assert code_of({**PAIR, "OMNI_API_TOKEN": TOKEN + "x"}) == "two-tokens"


def test_a_token_may_be_in_a_file_which_a_variable_names(tmp_path: Path) -> None:
    file, link = tmp_path / "..data", tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    link.symlink_to(file)
    named = {"OMNI_BASE_URL": URL, "OMNI_API_KEY_FILE": str(link)}
    assert load_credential(named).token.reveal() == TOKEN
    assert load_credential({**named, **PAIR}).token.reveal() == TOKEN
    file.write_text(f"{TOKEN}x")
    assert load_credential(named).token.reveal() == f"{TOKEN}x"
    assert code_of({**named, **PAIR}) == "two-tokens"
    assert code_of({"OMNI_API_KEY_FILE": str(link)}) == "half-a-credential"


def test_a_token_may_be_what_a_command_prints(tmp_path: Path) -> None:  # K6
    file = tmp_path / "a token"
    file.write_text(f"{TOKEN}\n")
    asked = {"OMNI_BASE_URL": URL, "OMNI_API_KEY_COMMAND": f"cat '{file}'"}
    assert load_credential(asked).token.reveal() == TOKEN
    file.write_text(f"{TOKEN}x")
    assert load_credential(asked).token.reveal() == f"{TOKEN}x"
    assert code_of({**asked, **PAIR}) == "two-tokens"


@pytest.mark.parametrize(
    "command", ["false", "no-such-command", "echo 'not closed", "true", "echo two words", "/"]
)
def test_a_command_that_gives_no_token_is_told_and_not_repeated(command: str) -> None:
    assert code_of({"OMNI_BASE_URL": URL, "OMNI_API_KEY_COMMAND": command}) == "bad-token"


@pytest.mark.parametrize(
    ("source", "headline"),
    [
        ({"OMNI_API_KEY_COMMAND": "false"}, "The command that prints the token failed"),
        ({"OMNI_API_KEY_COMMAND": "true"}, "The command that prints the token failed"),
        ({"OMNI_API_KEY_FILE": "no-such-file"}, "There is no token in its file"),
    ],
)
def test_where_a_token_could_not_be_had_its_source_is_blamed_and_what_to_do_is_told(
    source: dict[str, str], headline: str
) -> None:
    with pytest.raises(ReconcileError) as refused:
        load_credential({"OMNI_BASE_URL": URL, **source})
    (told,) = refused.value.diagnostics
    assert (told.summary, bool(told.hint)) == (headline, True)


def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential, "_COMMAND_TIMEOUT_S", 0.1)
    assert code_of({"OMNI_BASE_URL": URL, "OMNI_API_KEY_COMMAND": "sleep 60"}) == "bad-token"


@pytest.mark.parametrize("content", [None, "", " \n", "a" * 5_000, "two\nlines-of-it"])
def test_a_file_that_holds_no_token_is_refused_and_not_repeated(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "token"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_text(content)
    assert code_of({"OMNI_BASE_URL": URL, "OMNI_API_KEY_FILE": str(path)}) == "bad-token"
    for wrong in (tmp_path / "none", tmp_path, "\0"):
        assert code_of({"OMNI_BASE_URL": URL, "OMNI_API_KEY_FILE": str(wrong)}) == "bad-token"


@pytest.mark.parametrize("missing", PAIR)
def test_half_a_pair_is_an_error_with_the_command_that_completes_it(missing: str) -> None:
    with pytest.raises(ReconcileError) as caught:
        load_credential({**PAIR, missing: ""})
    assert f"export {missing}=" in str(caught.value.diagnostics[0].hint)


def test_nothing_at_all_says_so(tmp_path: Path) -> None:
    assert code_of({}) == "no-credential"
    assert code_of({"HOME": str(tmp_path)}) == "no-credential"


@pytest.mark.fault("Z04", "Z07")
@pytest.mark.parametrize("token", BAD_TOKENS)
def test_a_bad_token_is_refused_by_position_and_never_shown(token: str) -> None:
    try:
        load_credential({**PAIR, "OMNI_API_KEY": token})
    except ReconcileError as error:
        shown = "".join(traceback.TracebackException.from_exception(error).format())
        shown += repr(error) + str(error) + repr(error.diagnostics)
    assert "bad-token" in shown
    assert not any(TOKEN[start : start + 7] in shown for start in range(len(TOKEN) - 7))


@pytest.mark.fault("Z04")
@given(st.text(max_size=60))
@example("x" * 8)
def test_a_token_that_is_taken_fits_in_a_header(token: str) -> None:
    try:
        credential = load_credential({"OMNI_BASE_URL": URL, "OMNI_API_KEY": token})
    except ReconcileError:
        return
    assert len(credential.token.reveal()) >= 8
    assert all("!" <= character <= "~" for character in credential.token.reveal())


@pytest.mark.fault("Z07", "Z09")
def test_no_rendering_of_a_credential_shows_its_token() -> None:
    credential = load_credential(PAIR)
    shown = (
        f"{credential!r} {credential} {credential.token} {credential.token!r:>60} %s" % credential
    )
    with pytest.raises(TypeError) as caught:
        pickle.dumps(credential)
    lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    shown += "".join(lines)
    assert TOKEN[:12] not in shown


@pytest.mark.parametrize("clone", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_copied(clone: object) -> None:
    assert callable(clone)
    for value in (Secret(TOKEN), load_credential(PAIR)):
        with pytest.raises(TypeError) as caught:
            clone(value) if isinstance(value, Secret) else clone(value.token)
        assert TOKEN not in str(caught.value)


def test_the_profile_of_omnis_own_cli_is_found_where_it_keeps_it(tmp_path: Path) -> None:
    places = {
        "OMNI_CONFIG_PATH": tmp_path / "whole.json",
        "OMNI_CONFIG_DIR": tmp_path / "dir" / "config.json",
        "XDG_CONFIG_HOME": tmp_path / "xdg" / "omni-cli" / "config.json",
        "HOME": tmp_path / ".config" / "omni-cli" / "config.json",
    }
    values = {"OMNI_CONFIG_DIR": "dir", "XDG_CONFIG_HOME": "xdg", "HOME": "."}
    environment: dict[str, str] = {}
    for number, (name, path) in reversed(list(enumerate(places.items()))):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_profiles(path, main=keyed(f"{TOKEN}{number}"))
        environment[name] = str(tmp_path / values[name]) if name in values else str(path)
        assert load_credential(environment).token.reveal() == f"{TOKEN}{number}"


def test_a_profile_asked_for_by_name_wins_over_the_environment(tmp_path: Path) -> None:
    environment = write_profiles(tmp_path / "c.json", main=keyed(), other=keyed(TOKEN + "other"))
    environment |= PAIR
    assert load_credential(environment).token.reveal() == TOKEN
    assert load_credential(environment, profile="other").token.reveal() == TOKEN + "other"
    assert code_of(environment, "third") == "unknown-profile"


def test_an_oauth_profile_gives_its_access_token(tmp_path: Path) -> None:
    oauth = {"apiEndpoint": URL, "authMethod": "oauth", "accessToken": TOKEN, "apiKey": "x"}
    assert load_credential(write_profiles(tmp_path / "c.json", main=oauth)).token.reveal() == TOKEN


@pytest.mark.fault("Z06")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
def test_a_profile_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    environment = write_profiles(tmp_path / "c.json", main=keyed())
    (tmp_path / "c.json").chmod(mode)
    assert code_of(environment) == "unsafe-profile-file"


@pytest.mark.fault("Z06")
def test_a_profile_file_that_is_not_a_plain_file_is_refused(tmp_path: Path) -> None:
    write_profiles(tmp_path / "real.json", main=keyed())
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    os.mkfifo(tmp_path / "fifo.json", 0o600)
    (tmp_path / "directory.json").mkdir(mode=0o700)
    for name in ("link.json", "fifo.json", "directory.json"):
        assert code_of({"OMNI_CONFIG_PATH": str(tmp_path / name)}) == "unsafe-profile-file"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"profiles": []}', "[" * 200_000, "\xff\xfe"])
def test_a_profile_file_of_another_shape_is_refused_without_showing_it(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "c.json"
    path.write_text(content, encoding="latin-1")
    path.chmod(0o600)
    assert code_of({"OMNI_CONFIG_PATH": str(path)}) == "unreadable-profile-file"


@pytest.mark.parametrize(
    "fields", [{}, {"apiKey": TOKEN}, {"apiEndpoint": URL}, {**keyed(), "apiKey": 7}]
)
def test_a_profile_without_its_two_halves_is_refused(tmp_path: Path, fields: object) -> None:
    assert code_of(write_profiles(tmp_path / "c.json", main=fields)) == "incomplete-profile"


@pytest.mark.fault("Z07")
def test_a_broken_profile_never_shows_its_token(tmp_path: Path) -> None:
    for broken in (keyed(TOKEN + "\n"), keyed(url="http://evil.com")):
        environment = write_profiles(tmp_path / "c.json", main=broken)
        with pytest.raises(ReconcileError) as caught:
            load_credential(environment)
        assert TOKEN not in repr(caught.value.diagnostics)


def test_a_credential_is_equal_to_itself_only() -> None:
    credential = load_credential(PAIR)
    assert credential != Credential(credential.origin, Secret(TOKEN))

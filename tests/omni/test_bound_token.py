"""The token: on requests to its own origin only, in no log, whatever the environment sets."""

import json
import logging
from pathlib import Path

import httpx
import pytest

from reconcile.model.progress import CallRejected, RefreshAccepted
from reconcile.omni.http import authorise
from tests.omni.calling import JOB, MODEL, TOKEN, credential_for, refresh
from tests.omni.fault_server import FaultServer, reply
from tests.omni.test_origin import DISGUISES

OK = reply(json.dumps({"jobId": JOB, "modelId": MODEL, "status": "running"}))


@pytest.mark.fault("Z01", "Z02")
@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_token_goes_on_no_request_to_another_origin(disguise: str) -> None:
    try:
        request = httpx.Request("POST", disguise)
    except (httpx.InvalidURL, ValueError):
        return
    url = request.url
    if (url.scheme, url.raw_host, url.port) == ("https", b"myorg.omniapp.co", None):
        return  # only a path, a user name or a wide full stop was odd: it leaves for our host
    with pytest.raises(httpx.InvalidURL) as caught:
        authorise(request, credential_for("https://myorg.omniapp.co"))
    assert "authorization" not in request.headers
    assert TOKEN not in str(caught.value)


@pytest.mark.fault("N16", "Z23", "Z24")
def test_the_environment_of_the_job_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b")
    (tmp_path / ".netrc").chmod(0o600)
    with FaultServer((OK,)) as server, FaultServer((OK,)) as thief:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, thief.url)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
        assert isinstance(refresh(server.url), RefreshAccepted)
        refresh("https://127.0.0.1:9", deadline_s=1)
    assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert thief.connections == 0
    assert not (tmp_path / "keys.log").exists()


@pytest.mark.fault("Z07", "Z25")
def test_a_token_that_omni_echoes_is_masked() -> None:
    body = json.dumps({"detail": f"Invalid bearer token {TOKEN}"})
    with FaultServer((reply(body, status="403 Forbidden"),)) as server:
        outcome = refresh(server.url)
    assert isinstance(outcome, CallRejected)
    assert outcome.message == "403: Invalid bearer token [token]"


@pytest.mark.fault("Z08")
def test_the_libraries_log_nothing_below_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultServer((OK,)) as server:
        refresh(server.url)
    assert not [
        record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))
    ]
    assert TOKEN not in caplog.text

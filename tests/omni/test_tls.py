"""TLS: whatever fails before the handshake is over means that nothing was sent."""

import asyncio
import json
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from reconcile.model.progress import CallNotSent, CallUnknown, RefreshAccepted
from reconcile.omni.http import OmniClient
from tests.omni.calling import JOB, MODEL, REFRESH, credential_for, refresh
from tests.omni.fault_server import FaultServer, raw, reply

OK = reply(json.dumps({"jobId": JOB, "modelId": MODEL, "status": "running"}))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_a_server_with_a_good_certificate_is_spoken_to(
    authority: trustme.CA, ca_file: Path
) -> None:
    with FaultServer((OK,), tls=serving(authority.issue_cert("127.0.0.1"))) as server:
        assert isinstance(refresh(server.url, ca_file=ca_file), RefreshAccepted)


@pytest.mark.fault("N04")
def test_a_cut_after_the_handshake_leaves_the_call_in_doubt(
    authority: trustme.CA, ca_file: Path
) -> None:
    with FaultServer((raw(b""),), tls=serving(authority.issue_cert("127.0.0.1"))) as server:
        assert isinstance(refresh(server.url, ca_file=ca_file), CallUnknown)
    assert server.posts == 1


@pytest.mark.fault("N03", "Z23")
def test_an_unknown_authority_or_a_wrong_name_means_nothing_was_sent(
    authority: trustme.CA, ca_file: Path
) -> None:
    ours, wrong_name = authority.issue_cert("127.0.0.1"), authority.issue_cert("other.example")
    for certificate, trusted in ((ours, None), (wrong_name, ca_file)):
        with FaultServer((OK,), tls=serving(certificate)) as server:
            outcome = refresh(server.url, ca_file=trusted)
        assert isinstance(outcome, CallNotSent), outcome
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.message
        assert server.received == []


@pytest.mark.fault("N03")
def test_an_expired_certificate_means_nothing_was_sent(
    authority: trustme.CA, ca_file: Path
) -> None:
    expired = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    with FaultServer((OK,), tls=serving(expired)) as server:
        assert isinstance(refresh(server.url, ca_file=ca_file), CallNotSent)
    assert server.received == []


@pytest.mark.fault("N03")
@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(range(256)), b""])
def test_a_port_that_does_not_speak_tls_means_nothing_was_sent(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"

        async def run() -> object:
            async with OmniClient(credential_for(url), deadline_s=2) as client:
                answer = asyncio.create_task(client.send_refresh(REFRESH))
                connection, _ = await asyncio.to_thread(listener.accept)
                with connection:
                    await asyncio.to_thread(connection.recv, 65536)
                    connection.sendall(greeting)
                return await answer

        assert isinstance(asyncio.run(run()), CallNotSent)

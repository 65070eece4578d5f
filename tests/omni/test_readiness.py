"""Whatever an exchange needs is loaded before anything is sent: later no descriptor may be left."""

import subprocess
import sys
from pathlib import Path

import trustme

from tests.omni.broken_replies import OK
from tests.omni.fault_server import FaultServer, reply
from tests.omni.test_tls import serving

LISTENING = """
import sys
class Listening:
    asked = []
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        cls.asked.append(name)
"""
SCRIPT = f"""{LISTENING}
import asyncio
from pathlib import Path
from tests.omni.calling import REFRESH, credential_for
from reconcile.omni.http import OmniClient
async def run():
    async with OmniClient(credential_for(sys.argv[1]), ca_file=Path(sys.argv[2])) as client:
        sys.meta_path.insert(0, Listening)
        return await client.send_refresh(REFRESH)
print(type(asyncio.run(run())).__name__, Listening.asked)
"""


def test_no_exchange_with_a_named_host_over_tls_imports_anything(tmp_path: Path) -> None:
    # F12
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with FaultServer((reply(OK),), tls=serving(authority.issue_cert("localhost"))) as server:
        url = f"https://localhost:{server.port}"
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, url, str(tmp_path / "ca.pem")],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "RefreshAccepted []\n"

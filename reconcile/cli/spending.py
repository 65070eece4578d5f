"""The right to call an instance, and who else on this machine spends the same budget."""

import os

from reconcile.applying.apply import Access
from reconcile.cli.console import Console
from reconcile.clock import wall_clock
from reconcile.model.diagnostic import Diagnostic
from reconcile.omni.credential import Credential
from reconcile.omni.limiter import find_shared_log


def access_to(credential: Credential, console: Console) -> Access:
    """Share the budget with the other runs on this machine that use the key."""
    sends = find_shared_log(credential, os.environ, wall_clock())
    if isinstance(sends, Diagnostic):
        console.diagnose([sends])
        return Access(credential)
    return Access(credential, sends=sends)

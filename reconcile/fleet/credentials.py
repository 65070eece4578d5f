"""The credential an instance names: two variables of that name, or else a profile of Omni's CLI."""

import re
from collections.abc import Mapping

from reconcile.omni.credential import Credential, load_credential

_VARIABLES = ("OMNI_BASE_URL", "OMNI_API_KEY", "OMNI_API_TOKEN")
_UNSPELLABLE = re.compile(r"[^A-Z0-9]")


def named_credential(environment: Mapping[str, str], name: str) -> Credential:
    """Find a credential by name, anew each time: it may have been replaced since.

    `acme-eu` is OMNI_BASE_URL_ACME_EU beside OMNI_API_KEY_ACME_EU, which is how an orchestrator
    hands out secrets, or the profile `acme-eu`. Raises ReconcileError as `load_credential` does.
    """
    suffix = _UNSPELLABLE.sub("_", name.upper())
    own = {
        variable: environment[f"{variable}_{suffix}"]
        for variable in _VARIABLES
        if environment.get(f"{variable}_{suffix}")
    }
    return load_credential(own) if own else load_credential(environment, profile=name)

"""The style and the script of the page, and the policy that lets nothing else in."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files


@cache
def asset(name: str) -> str:
    """Return a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="ascii")


def policy() -> str:
    """Return the content security policy: this style, this script, and no request at all."""
    style, script = _hash(asset("style.css")), _hash(asset("script.js"))
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"

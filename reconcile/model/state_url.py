"""The URL of a state: it is written into files, logs and plans, so it must not hold a secret."""

from urllib.parse import parse_qs, urlsplit

from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError

_SECRETS = ("password", "passwd", "pwd", "secret", "token", "sig")
_WITH_USERS = ("postgresql", "postgres")


def require_no_secret(url: str, place: str) -> None:
    """Refuse a URL with a password in it. Raises ReconcileError, which does not repeat it.

    `place` says where the URL was found: a file's name, or an option.
    """
    if not has_secret(url):
        return
    raise ReconcileError(
        Diagnostic(
            code="state-url-secret",
            summary="The state's URL holds a secret",
            detail="There is a password or a key in the URL, where files, logs and plans would "
            "carry it on. Credentials come from where that store's own tools look: AWS_* or a "
            "profile, Google's application default, AZURE_*, PGPASSFILE or PGSERVICE.",
            hint="Take it out of the URL, and change it wherever the file has been shared.",
            places=(Place(place),),
        )
    )


def has_secret(url: str) -> bool:
    """Tell whether a URL holds what only its owner may know; in doubt it does."""
    if "://" not in url:
        return False
    try:
        parts = urlsplit(url)
        named = parse_qs(parts.query)
    except ValueError:
        return "@" in url
    user_may_be_named = parts.scheme in _WITH_USERS and parts.password is None
    if "@" in parts.netloc and not user_may_be_named:
        return True
    return any(word in name.lower() for name in named for word in _SECRETS)

"""Codes about the pair of token and instance that calls are made with."""

from reconcile.config.messages import Explained

_PROFILE = "The profile of Omni's CLI cannot be used"

CODES_OF_CREDENTIALS = {
    "no-credential": Explained(
        "There is no token to call Omni with",
        "A credential is a pair, token and instance, and the operator brings both: OMNI_BASE_URL "
        "beside OMNI_API_KEY or OMNI_API_TOKEN in the environment, or a profile of Omni's own CLI. "
        "The files never hold one, and plan needs none.",
    ),
    "half-a-credential": Explained(
        "Only one half of the credential is set",
        "A token without its instance, or an instance without a token, could be completed wrongly, "
        "and then a token would go where it does not belong. Set both in the same place.",
    ),
    "two-tokens": Explained(
        "Two different tokens are set",
        "OMNI_API_KEY and OMNI_API_TOKEN are two names of one thing and hold different values. "
        "Which one is meant is not guessed.",
    ),
    "bad-token": Explained(
        "The token cannot be right",
        "The token holds something that no token of Omni has, such as a space, a line break or "
        "quotes, or is far too short or long. It was not sent, and it is never shown.",
    ),
    "wrong-host": Explained(
        "The files are for another Omni instance than the token",
        "base_url in the files says which instance is meant and never chooses where a token is "
        "sent: otherwise a pull request could. It differs from the credential's own, so nothing "
        "was sent.",
    ),
    "unknown-profile": Explained(
        _PROFILE,
        "--profile names a profile of Omni's CLI that does not exist, or none was named and there "
        "is no default one.",
    ),
    "incomplete-profile": Explained(
        _PROFILE,
        "The profile lacks its endpoint or the token of its way to authenticate. Omni's CLI writes "
        "both when it logs in.",
    ),
    "unreadable-profile-file": Explained(
        _PROFILE,
        "The file is there and is not what Omni's CLI writes. Nothing of its content is shown, "
        "since it holds tokens.",
    ),
    "unsafe-profile-file": Explained(
        _PROFILE,
        "The file holds tokens and is a symbolic link, belongs to somebody else, or may be read by "
        "others. It is only read as a private regular file.",
    ),
}

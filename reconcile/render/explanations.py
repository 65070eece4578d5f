"""What codes mean, for programs."""

from collections.abc import Mapping

from reconcile.render.json_text import encode

EXPLANATIONS_FORMAT_VERSION = 1


def explanations_json(codes: Mapping[str, tuple[str, str]], exit_codes: Mapping[str, str]) -> str:
    """Return the summary and the explanation of each code, and the meaning of each exit code."""
    told = {
        code: {"summary": summary, "explanation": explanation}
        for code, (summary, explanation) in codes.items()
    }
    head = {"format_version": EXPLANATIONS_FORMAT_VERSION}
    return encode({**head, "codes": told, "exit_codes": dict(exit_codes)})

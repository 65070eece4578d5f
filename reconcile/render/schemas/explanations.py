"""The published JSON Schema of what codes mean."""

from reconcile.render.explanations import EXPLANATIONS_FORMAT_VERSION
from reconcile.render.schemas.parts import CODE, TEXT, Schema, document, record, table, told


def explain_schema() -> Schema:
    """Return what `explain --format json` satisfies, of one code or of all."""
    one = record({"summary": TEXT, "explanation": TEXT})
    exit_code: Schema = {"type": "string", "pattern": "^[0-9]{1,3}$"}
    codes, exits = {"propertyNames": CODE}, {"propertyNames": exit_code}
    return document(
        "explain",
        "explain --format json",
        EXPLANATIONS_FORMAT_VERSION,
        {
            "codes": told({**table(one), **codes}, "by the code of the diagnostic"),
            "exit_codes": told({**table(TEXT), **exits}, "by the code the process ends with"),
        },
    )

"""What one diagnostic code always says."""

from reconcile.model.noun import noun


@noun(frozen=True, slots=True)
class Explained:
    """A code's fixed summary, and a paragraph for whoever asks what it means."""

    summary: str
    explanation: str

"""What one diagnostic code always says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """A code's fixed summary, and a paragraph for whoever asks what it means."""

    summary: str
    explanation: str

"""Traces of applies, for OpenTelemetry; it is not loaded unless somebody configured it."""

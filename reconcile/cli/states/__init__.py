"""The verbs of `state`."""

"""The live page of a controller, and the same as JSON and as metrics."""

"""The page of a controller over HTTP: read-only, and nobody else's. An extra, imported late."""

"""The page of a fleet over HTTP, from any of its workers. An extra, imported late."""

"""`fleet.toml`: which instances a fleet reconciles."""

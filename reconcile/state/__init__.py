"""State, journal and lock of one desired state, kept in local files."""

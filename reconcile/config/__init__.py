"""The TOML edge: reads files into one desired state, and places every mistake in them."""

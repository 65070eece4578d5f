"""Our own calendar arithmetic: which instants a cadence names, in every zone."""

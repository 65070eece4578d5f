"""Files beside a live instance: what differs, and what the instance adds to a plan."""

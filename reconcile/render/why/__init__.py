"""Why one item stands as it does, in sentences."""

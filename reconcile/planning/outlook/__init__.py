"""The days ahead: what will fall due, what it costs, and what cannot be met."""

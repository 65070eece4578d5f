"""A simulation for people and for programs."""

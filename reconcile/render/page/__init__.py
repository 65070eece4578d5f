"""The parts of the page of a plan. Every text in it goes through `element`, which escapes it."""

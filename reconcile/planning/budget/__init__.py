"""The request budget: who goes first, when the next request may go, what a plan costs."""

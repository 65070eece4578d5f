"""A plan as a comment on a pull request or merge request."""

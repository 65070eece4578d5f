"""Edits files for a person; a comment is never lost."""

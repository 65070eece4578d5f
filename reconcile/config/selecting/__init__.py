"""`[[select]]` and its lock file: templates for models that an instance has."""

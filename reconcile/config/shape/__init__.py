"""One file as a person writes it. The published JSON Schema is made from these classes."""

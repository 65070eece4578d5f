"""State kept elsewhere than on this machine: in an object store, or in PostgreSQL."""

"""Playing months of applies in virtual time: the real planner and executor, an in-memory Omni."""

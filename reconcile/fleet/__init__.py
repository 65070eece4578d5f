"""Many instances on many machines: Postgres hands out the work, each state's lease guards it."""

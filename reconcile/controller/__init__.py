"""Reconciling unattended: one cycle, and the loop that sleeps until the next."""

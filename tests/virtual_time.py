"""Virtual time for tests: the loop that simulations run on."""

from reconcile.simulation.virtual import VirtualTimeLoop, run_in_virtual_time

__all__ = ["VirtualTimeLoop", "run_in_virtual_time"]

"""Codes about a fleet at work; those about its file are explained with the other files'."""

from reconcile.config.messages import Explained

CODES_OF_FLEET = {
    "extra-missing": Explained(
        "A part of reconcile is not installed",
        "A fleet needs a queue and a driver for PostgreSQL, which the extra fleet brings; its page "
        "needs the extra controller, and an object store the extra remote.",
    ),
    "fleet-database-lost": Explained(
        "The fleet's database cannot be reached",
        "Workers end when it is gone, and a supervisor starts them again. What was done is in the "
        "states of the instances, so nothing is lost with it.",
    ),
    "instance-paused": Explained(
        "This instance is paused",
        "An operator said that no worker is to look at it, until an instant or until it is "
        "resumed. What it misses meanwhile is made up once.",
    ),
    "instance-run-failed": Explained(
        "The last run of this instance did not end well",
        "The page repeats what the run told. It is tried again by itself, later each time.",
    ),
    "no-fleet-database": Explained(
        "The fleet has no database",
        "[fleet] database or RECONCILE_FLEET_DATABASE says which PostgreSQL hands out the work.",
    ),
    "no-such-instance": Explained(
        "The fleet has no such instance",
        "Instances go by the names that they have in fleet.toml.",
    ),
}

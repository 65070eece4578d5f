"""Codes about `fleet.toml`."""

from reconcile.config.explained import Explained

CODES_OF_FLEETS = {
    "fleet-empty": Explained(
        "the fleet has no instances",
        "A fleet without instances would have workers that wait for ever for nothing.",
    ),
    "fleet-database": Explained(
        "the fleet's database cannot be used",
        "The database that hands out the work is a Postgres, given as postgresql://HOST/DATABASE "
        "without a password. Passwords come from where libpq looks for them: PGPASSWORD, "
        "PGPASSFILE, a service file, or a certificate.",
    ),
    "fleet-state-shared": Explained(
        "two instances share one state",
        "A state remembers the calls made to one instance of Omni. Two instances that share one "
        "would each take the other's calls for their own.",
    ),
}

"""A faithful Omni server the tool brings along, for rehearsals, tests and simulations."""

"""Omni's own schedules: what they say, why they are touched, and before and after."""

"""Codes about connections and their native schedules."""

from reconcile.config.explained import Explained

CODES_OF_CONNECTIONS = {
    "connection-without-id": Explained(
        "a connection without an id",
        "Omni names connections by id, and the id becomes part of the path that is called. A name "
        "without one could only be guessed at.",
    ),
    "same-connection": Explained(
        "two names for one connection",
        "Two connections have the same id. Each would look at the schedules of the other as "
        "nobody's.",
    ),
    "bad-native-cron": Explained(
        "not a cron expression of Omni's",
        "Native schedules take the six fields of AWS EventBridge: minute, hour, day of month, "
        "month, day of week (1 is Sunday) and year, of which one of the two day fields is `?`. "
        "It is not the five-field cron of refreshes and resets.",
    ),
    "schedule-without-time": Explained(
        "a native schedule without a time",
        "A native schedule needs `cron`, or `at` with or without `days`. Omni has nothing like "
        "every or when_changed.",
    ),
    "several-expressions": Explained(
        "times that one native schedule cannot hold",
        "One cron expression names every pairing of its minutes and hours, so that 06:00 and 18:30 "
        "need two. Each becomes a schedule with a name of its own.",
    ),
    "same-schedule": Explained(
        "the same native schedule twice",
        "Omni's schedules have no name: two that say the same on one connection refresh it twice, "
        "and nothing could tell which is which.",
    ),
}

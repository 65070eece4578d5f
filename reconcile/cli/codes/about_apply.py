"""Codes about what stops an apply before it sends anything, or is worth a warning then."""

from reconcile.config.messages import Explained

_LIMIT = "A limit blocks this apply"

CODES_OF_APPLY = {
    "budget-not-shared": Explained(
        "The request budget is not shared with other runs on this machine",
        "Runs with one key tell each other of their requests in a small file below the user's "
        "cache directory, so that together they keep to the budget. It cannot be used, so this "
        "run keeps to the budget alone; set XDG_CACHE_HOME to a directory that only you can write "
        "to.",
    ),
    "digest-differs": Explained(
        "The plan is not the one that was approved",
        "apply --approve DIGEST plans again and goes on only if the plan still means the same. "
        "Between approval and apply a slot fell due, another run settled something, or the files "
        "changed. Nothing was sent; look at the plan again and approve that one.",
    ),
    "saved-plan-stale": Explained(
        "The saved plan no longer matches",
        "A saved plan can ask for less than the files justify, never for more. It is refused when "
        "the desired state, the state's lineage or the instance differ, when the state went "
        "backwards, or when one of its actions would be planned differently now. One that follows "
        "a live look is confirmed by another: `apply --live PLAN`. The detail says which. Nothing "
        "was sent.",
    ),
    "plan-keeps-changing": Explained(
        "The plan changed before it could be approved",
        "What was read is compared with what would be sent at the moment of the yes. Three times "
        "in a row another slot fell due in between. Nothing was sent.",
    ),
    "no-terminal": Explained(
        "Nobody can be asked",
        "apply asks before it sends, and standard input is not a terminal. In a pipeline consent "
        "is given beforehand: by --yes, by a saved plan, or by --approve with the plan's digest.",
    ),
    "over-limit-calls": Explained(
        _LIMIT,
        "The plan has more calls than [limits] calls allows one apply to make, so none is made. A "
        "sudden flood is more often a mistake in the files or a lost state than what is meant. "
        "--allow calls=N lets one apply pass and is written into the journal.",
    ),
    "over-limit-hard-refreshes": Explained(
        _LIMIT,
        "The plan has more hard refreshes than [limits] hard_refreshes allows one apply to make. "
        "Each of them rebuilds a schema from the warehouse, so many at once are refused together. "
        "--allow hard_refreshes=N lets one apply pass.",
    ),
    "over-limit-share": Explained(
        _LIMIT,
        "A larger share of all declared items is due at once than [limits] share allows. That "
        "happens after a long outage, and also when the state was lost or is another one. "
        "--allow share=S, 0 to 1, lets one apply pass.",
    ),
    "over-limit-forget-all": Explained(
        _LIMIT,
        "The plan would forget every record there is, because none of their addresses is declared "
        "any more. That is most often the wrong file or directory. --allow forget_all=N lets one "
        "apply pass.",
    ),
    "bad-waiver": Explained(
        "--allow takes LIMIT=VALUE",
        "A waiver names one limit and the value that is accepted this once, as in calls=80. The "
        "limits are calls, hard_refreshes, share and forget_all.",
    ),
    "foreign-state": Explained(
        "The state belongs to another Omni instance",
        "A state is bound to the instance its calls were made to: what was done there says nothing "
        "about another one. Give each instance a state of its own.",
    ),
    "token-refused": Explained(
        "Omni refuses the token",
        "Omni answered 401, or said in so many words that the token is bad, or answered 403 to the "
        "first calls of several connections and accepted none. A token that was revoked, has "
        "expired or may not refresh at all looks like this. It is said once, nothing further is "
        "sent, and no item is blamed: once the token is right, all that is due goes out at once. "
        "Make a token in Omni (Settings, API access) whose user may refresh these models, and set "
        "OMNI_API_KEY to it. A 403 to one item, after others were accepted, is that item's own.",
    ),
    "clock-differs": Explained(
        "This machine's clock differs from Omni's",
        "Every reply of Omni carries its time. Where that is more than five minutes from this "
        "machine's, slots would be reckoned by the wrong time, and instants of the future would be "
        "recorded, so nothing further is sent. What this run had begun is dated by Omni's clock. "
        "Set the clock (chronyc tracking, timedatectl status show it) and run apply again.",
    ),
    "stamp-refused": Explained(
        "This machine's clock is ahead of Omni's",
        "A cache reset names the instant before which cached results are invalid, and Omni refuses "
        "one that lies in its future. Slots lie in the past, so this machine's clock must be "
        "ahead. No further reset is sent and no item is blamed; refreshes go on.",
    ),
    "events-not-opened": Explained(
        "The event stream cannot be opened",
        "--events FILE appends to a regular file, never through a symbolic link, and creates it "
        "readable by its owner only. That failed. Being observed is no condition of an apply, so "
        "it goes on without events; the journal has it all.",
    ),
    "events-stopped": Explained(
        "The event stream ended early",
        "An event could not be written, most often because the disk is full or the reader went "
        "away. The apply goes on unchanged and no further event is written: what happened is in "
        "the journal.",
    ),
    "metrics-not-written": Explained(
        "The metrics file was not written",
        "The metrics of --metrics FILE are written to a temporary file beside it, which then takes "
        "its place. That failed; the apply itself was not changed by it, and an older file, if "
        "there was one, still stands with its older time of the last run.",
    ),
    "traces-not-sent": Explained(
        "The trace of this apply was not sent",
        "OpenTelemetry is configured (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER is set) "
        "and the exporter it names is not installed, could not be started, or got no answer from "
        "the collector within seconds. The apply itself was not changed by it. Its own words are "
        "not shown: they may hold the headers it was given. OTEL_TRACES_EXPORTER=none turns "
        "traces off.",
    ),
}

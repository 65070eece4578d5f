"""Codes about the files of a state and the lock on it."""

from reconcile.config.messages import Explained

CODES_OF_STATE = {
    "history-elsewhere": Explained(
        "The history is not here",
        "The history is a file beside the state, of the newest 2,000 entries. A state that was "
        "copied or committed without it has none, and what happened before shows only in the "
        "records. Nothing depends on it but `state history` and `state restore`.",
    ),
    "state-url-secret": Explained(
        "The state's URL holds a secret",
        "A password in a URL travels with every file, log and plan that names the state. Stores "
        "find their credentials where their own tools do: AWS_*, profiles and roles, Google's "
        "application default, AZURE_*, PGPASSFILE or PGSERVICE.",
    ),
    "state-host-unsaid": Explained(
        "Only a file names the host of the state's database",
        "PGPASSWORD belongs to whatever host it is sent to, and a file that names the host may "
        "come from anybody who can open a pull request. So the operator names it too: by --state, "
        "RECONCILE_STATE_URL, PGHOST or a service (PGSERVICE). An entry of the password file "
        "(PGPASSFILE) for that very host needs nothing else. Beyond this machine the server must "
        "also show a certificate that verifies (sslmode=verify-full, by the system's authorities), "
        "and is never sent a password it could read; PGSSLMODE, PGSSLROOTCERT and PGREQUIREAUTH "
        "say otherwise.",
    ),
    "state-url-option": Explained(
        "A file may not say how the state's database is trusted",
        "Of the parameters of a PostgreSQL URL a file may give those that say where the database "
        "is. What decides how the server proves itself, or which files of this machine are read "
        "and written for it, comes from the environment (PGSSLMODE, PGSSLROOTCERT, ...), or from "
        "a URL that the operator gives by --state or RECONCILE_STATE_URL.",
    ),
    "state-url-differs": Explained(
        "The files name another state than RECONCILE_STATE_URL",
        "The operator's environment decides where state is kept. [state] url in a file is an "
        "assertion beside it, like base_url beside a credential: where they differ, the files are "
        "for another place, and nothing is read or sent. --state overrides both.",
    ),
    "state-extra-missing": Explained(
        "A package for this kind of state is not installed",
        "A local file needs nothing. Object stores need the extra `remote`, PostgreSQL the extra "
        "`postgres`; AWS profiles need boto3, and federated Google identities google-auth.",
    ),
    "state-store-error": Explained(
        "The store of the state cannot be used",
        "The object store or the database did not answer, or would not let this credential in. "
        "The detail has its own words, without what is secret. Nothing was sent to Omni on the "
        "strength of what could not be written down. On S3 the right to list the bucket is needed "
        "too: without it an object that is not there looks like one that must not be read.",
    ),
    "state-store-unsafe": Explained(
        "This store cannot keep two runs apart",
        "A second create or a stale update went through, as it does in stores that speak S3 but "
        "know no conditional writes. Two runs would overwrite each other without noticing.",
    ),
    "state-conflict": Explained(
        "Another run has changed the state",
        "What this run was about to replace is not what it last read or wrote, so another run has "
        "taken over, or somebody wrote to the store by hand. Nothing was overwritten.",
    ),
    "migrate-same": Explained(
        "A state cannot be moved onto itself",
        "state migrate takes the URL where the state is and the one where it is to be.",
    ),
    "state-file-error": Explained(
        "A state file cannot be used",
        "The operating system refused to open, read, lock or replace one of the files of the "
        "state. The detail says which, and why.",
    ),
    "state-not-a-file": Explained(
        "A state file is not a regular file",
        "A directory, a pipe or a device stands where a file of the state should be.",
    ),
    "state-too-large": Explained(
        "A state file is too large",
        "No state grows that large, so the file is something else. It is not read into memory.",
    ),
    "state-directory-open": Explained(
        "Anybody may write to the state's directory",
        "In a directory that every user may write to, without a sticky bit, any of them could put "
        "another state or another lock in place.",
    ),
    "state-writable-by-others": Explained(
        "Others may write to the state file",
        "Whoever may write the state decides what counts as done. The next save makes the file its "
        "owner's alone.",
    ),
    "state-busy": Explained(
        "The state changes too fast to be read",
        "The state was replaced each time it was read. Another run is folding its journal in; try "
        "again in a moment.",
    ),
    "no-state": Explained(
        "There is no state yet",
        "Nothing was ever recorded there, so there is nothing to copy.",
    ),
    "push-damaged": Explained(
        "What was pushed is not a state",
        "The file is not, byte for byte, what state pull printed. Nothing was replaced.",
    ),
    "push-not-later": Explained(
        "The pushed state does not continue the present one",
        "The file is of another lineage or is older than the state that is there, and putting it "
        "in place would forget calls that were made. --force does it all the same.",
    ),
    "saved-plan-missing": Explained(
        "There is no such saved plan",
        "The path given names no file. plan --out writes one.",
    ),
    "saved-plan-unreadable": Explained(
        "This is not a saved plan",
        "A saved plan is strict JSON as plan --out writes it. The file was cut short, edited, or "
        "is something else. Nothing was sent.",
    ),
    "saved-plan-of-another-tool": Explained(
        "The saved plan was made by another version of the tool",
        "Saved plans are short-lived and are not carried over from one format to another. Make it "
        "again with this version.",
    ),
    "lock-held": Explained(
        "Another run holds the lock",
        "One run at a time changes a state, or two would send the same calls twice. The lock dies "
        "with its owner: it need not be broken, only waited for, with --lock-timeout. That of a "
        "remote state outlives a killed owner by its ttl, [state] lock_ttl.",
    ),
    "lock-lost": Explained(
        "The lock was taken away",
        "The lock file was removed or replaced while this run held it, or the lock of a remote "
        "state could not be renewed in time, so another run may have begun. No further call is "
        "begun; those in flight are written down.",
    ),
    "lock-unreliable": Explained(
        "This file system does not keep locks",
        "The same lock was granted twice, as some network file systems do. Two runs could not be "
        "kept apart there.",
    ),
    "lock-id-differs": Explained(
        "That is not the lock's id",
        "unlock clears what a dead run left, or takes the lock of a remote state from its holder. "
        "It takes the id so that nobody clears another run's lock by mistake.",
    ),
}

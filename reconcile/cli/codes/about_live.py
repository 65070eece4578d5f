"""Codes about looking at the live instance, and about what stops an apply just before it."""

from reconcile.config.messages import Explained

CODES_OF_LIVE = {
    "live-refused": Explained(
        "Omni refused the token",
        "The instance answered 401 or 403 when its models were asked for. It may be the wrong "
        "token, one of another instance, or one that was revoked. Nothing else was asked with it: "
        "more attempts would look like guessing.",
    ),
    "live-unreadable": Explained(
        "The instance could not be looked at",
        "The list of models did not arrive whole, and what it leaves out would look as if it did "
        "not exist. Without --live, plan needs no connection.",
    ),
    "live-part-unseen": Explained(
        "A part of the instance could not be seen",
        "Connections are listed to admins only, native schedules to connection admins, and cache "
        "policies are read from a model's YAML, which needs the extra `live`. The detail has the "
        "words of Omni. What was seen is listed all the same, and in JSON what was not is null.",
    ),
    "not-all-checked": Explained(
        "Not everything that is declared could be compared",
        "drift says that files and instance agree only where it has seen all that the files "
        "declare: the policies of each model with a reset, the schedules of each connection that "
        "declares some, the connections where one is identified. What it was not told is listed "
        "with the reason. It ends with 1, or with 8 if what it did see differs.",
    ),
    "live-extra-missing": Explained(
        "Cache policies cannot be read",
        "The names of cache policies stand in a model's YAML. PyYAML reads it, which the extra "
        "`live` brings.",
    ),
    "instance-file-invalid": Explained(
        "The listing of an instance cannot be used",
        "sandbox --instance serves what discover printed as JSON. The detail names the part that "
        "is not as discover prints it.",
    ),
    "instance-file-unreadable": Explained(
        "The listing of an instance cannot be read",
        "The file given to sandbox --instance is missing, not readable, not UTF-8, or larger than "
        "64 MiB.",
    ),
    "observation-damaged": Explained(
        "The last live look cannot be used",
        "A live look is kept beside the state, in a file that ends in .observed, to spare requests "
        "while it is fresh. This one is not as it was written, and counts as absent. Nothing "
        "depends on it, and it may be removed at any time.",
    ),
    "observation-not-kept": Explained(
        "The live look was not kept",
        "It could not be written beside the state, so the next command with --live asks again.",
    ),
    "connections-unseen": Explained(
        "The token may not see connections",
        "Only an admin's token may list connections. A [[select]] that names one cannot be "
        "compared without that list: it would match nothing, and every model would leave.",
    ),
    "nothing-to-lock": Explained(
        "The files select nothing",
        "lock writes down which models the [[select]] blocks stand for, and there is none.",
    ),
    "no-match": Explained(
        "Nothing matches",
        "A pattern, a connection or a kind on the command line stands for nothing of the instance. "
        "Globs are matched against Omni's names letter by letter, case included; ids are taken as "
        "well. What was not done because of it the detail says.",
    ),
    "selects-nothing": Explained(
        "A [[select]] matches no model",
        "A block that is new or was edited and matches nothing is a mistake: lock leaves the lock "
        "file as it is. One that matched when the file was locked last is a warning: its models "
        "have left the instance.",
    ),
    "nothing-chosen": Explained(
        "Nothing says what to import",
        "import takes globs over Omni's names of models, or ids. Without any it shows a list to "
        "choose from, which needs a terminal.",
    ),
    "bad-choice": Explained(
        "The answer names no model of the list",
        "The list is answered with numbers, ranges such as 2-5, globs over the names, or * for "
        "all. Nothing was written.",
    ),
    "drift-is-no-plan": Explained(
        "What drift prints cannot be applied",
        "drift compares and proposes nothing: it holds neither calls nor a digest that anybody "
        "could have approved. What to do about it is a plan, made by plan --live.",
    ),
    "preflight-refused": Explained(
        "Omni refuses the token",
        "Before its first call an apply tried the token, and Omni answered 401 or 403. Each call "
        "would have been refused in the same way, so none was made. Every item stays due.",
    ),
    "preflight-failed": Explained(
        "Omni could not be asked before the first call",
        "Before its first call an apply asks for the models it is about to act on. There was no "
        "usable answer, and no call was made. --no-preflight goes without.",
    ),
    "model-not-there": Explained(
        "Models are missing, and their items are held for this apply",
        "A model that is about to be called is not listed or was deleted. Its calls would end in "
        "404; they are left out of this apply, which then ends with exit code 6. A refresh that "
        "other models of the connection share goes on without it.",
    ),
    "connection-shadowed": Explained(
        "Omni's own schedule refreshes the same connection",
        "A native schedule that the files declare runs within an hour of a declared refresh, or at "
        "least as often as a soft one, which then adds nothing. Two refreshes of one connection "
        "cost twice as much as one.",
    ),
    "clock-off": Explained(
        "The clocks differ",
        "The Date of Omni's replies and this machine's clock are more than half a minute apart. "
        "Slots are reckoned by this machine's clock, and Omni refuses a reset to an instant in its "
        "own future.",
    ),
    "role-may-not-do": Explained(
        "The token's role may not be enough",
        "Omni tells the role of a token on each model. This one may not change some of the models; "
        "whether that is needed for a refresh or a reset its documents do not say.",
    ),
}

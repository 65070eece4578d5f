"""Codes about versions of the desired state that git keeps."""

from reconcile.config.explained import Explained

CODES_OF_HISTORY = {
    "bad-ref": Explained(
        "not a usable revision",
        "A revision is the name of a branch, a tag or a commit, as git understands it. It does "
        "not begin with a dash, is one line, and holds no colon.",
    ),
    "no-git": Explained(
        "git is not installed",
        "An earlier version of the files is read with the git program, which was not found on the "
        "PATH. A file can be compared with a file without it.",
    ),
    "not-a-repository": Explained(
        "not in a usable git repository",
        "The desired state does not lie in a git repository, or git refuses to open it, most "
        "often because it belongs to another user.",
    ),
    "unknown-ref": Explained(
        "no such revision",
        "The repository knows no commit by that name. A checkout in a pipeline often holds one "
        "commit and no other branches: fetch what you compare with before. What begins with ./, "
        "../ or /, or ends in .toml, is taken for a file, and everything else for a revision: a "
        "file in a pull request cannot stand in for the branch it is compared with.",
    ),
    "no-merge-base": Explained(
        "no commit in common",
        "REF... stands for the commit at which HEAD parted from REF, and the two have none in "
        "common here. In a shallow clone that commit may lie beyond what was fetched: fetch the "
        "whole history, or compare with the revision itself.",
    ),
    "path-not-in-ref": Explained(
        "the path is not in that revision",
        "The commit holds nothing at the path of the desired state. It may have been added or "
        "renamed since.",
    ),
    "not-a-file-in-ref": Explained(
        "not a regular file in that revision",
        "At this path the commit holds a symbolic link or a submodule. Links are not followed in "
        "a commit: they may lead out of it.",
    ),
    "git-failed": Explained(
        "git could not read the revision",
        "The repository was found and then git failed. A partial clone may lack the file's "
        "content; nothing is fetched, since a plan opens no connection.",
    ),
}

"""A state's URL with a slip in it is refused with what was meant, wherever it is written."""

from pathlib import Path

import pytest

from tests.logged_world import LoggedWorld
from tests.stage import SALES, Stage

MODEL = f'[models.sales]\nid = "{SALES}"\nrefresh.every = "6h"\n'
MEANT = {
    "s3:/b/k": "s3://b/k",
    "s3:b/k": "s3://b/k",
    "s3//b/k": "s3://b/k",
    "S3://b/k": "s3://b/k",
    "s3:\\\\b\\\\k": "s3://b/k",
    "s3a://b/k": "s3://b/k",
    "gcs://b/k": "gs://b/k",
    "gs:/b/k": "gs://b/k",
    "az:c/k": "az://c/k",
    "postgresql:/h/d#k": "postgresql://h/d#k",
    "pg://h/d#k": "postgresql://h/d#k",
    "file:x": "Write x",
    "file:/srv/x": "Write /srv/x",
    "file://x/y": "Write x/y",
    "file:///srv/": "Write /srv/state.json",
    "~/s.json": "Write the path itself",
    "$HOME/s.json": "Write the path itself",
    "${STATE}/s.json": "Write the path itself",
    "dir/": "Write dir/state.json",
    "state.toml": "Write state.json",
    "reconcile.toml": "Write reconcile.json",
    "file:///srv/s.toml": "Write /srv/s.json",
    "dir/..": "Write dir/../state.json",
    " s3://b/k": "Write s3://b/k",
    "'s3://b/k'": "Write s3://b/k",
    "https://b.s3.amazonaws.com/k": "s3://BUCKET/KEY",
    "redis://h/0": "s3://BUCKET/KEY",
    "prod:eu.json": "Write ./prod:eu.json",
    "s.toml": "Write s.json",
}


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    return Stage(tmp_path, "http://127.0.0.1:1", LoggedWorld([]))


def files(stage: Stage) -> set[str]:
    return {str(p.relative_to(stage.folder)) for p in stage.folder.rglob("*") if p.is_file()}


# G11
@pytest.mark.parametrize("url", MEANT)
def test_a_place_that_is_none_is_refused_in_the_file_with_what_was_meant(
    bare: Stage, url: str
) -> None:
    bare.write(f'[state]\nurl = "{url}"\n\n{MODEL}')
    done = bare.run("plan")
    assert (done.code, done.out) == (1, "")
    assert "error[state-url]" in done.err
    assert " --> reconcile.toml:2:7" in done.err
    assert MEANT[url] in " ".join(done.err.split())


# G11
@pytest.mark.parametrize(
    "url", ["s3:/b/k", "~/s.json", "$HOME/s.json", "dir/", "redis://h/0", "s.toml"]
)
@pytest.mark.parametrize(
    "command",
    ["plan", "apply --yes", "state list", "run --once", "simulate", "rehearse", "init -f new.toml"],
)
def test_a_place_that_is_none_is_refused_as_an_option_and_nothing_is_made(
    bare: Stage, command: str, url: str
) -> None:
    bare.write(MODEL)
    before = files(bare)
    done = bare.run(*command.split(), "--state", url)
    assert (done.code, "state-url" in done.err) == (1, True), done.err
    assert MEANT[url] in " ".join(done.err.split())
    assert files(bare) - before <= {f for f in files(bare) if f.startswith(".cache")}


# G11
def test_a_state_is_not_moved_to_a_place_that_is_none(bare: Stage) -> None:
    done = bare.run("state", "migrate", "state.json", "s3:/b/k")
    assert (done.code, " --> TO-URL" in done.err) == (1, True), done.err


# G11
def test_an_instance_of_a_fleet_has_its_state_at_a_place(bare: Stage) -> None:
    bare.write(
        '[fleet]\ndatabase = "postgresql://h/d"\n'
        '[instances.acme]\nfile = "a.toml"\nstate = "s3:/b/k"\n',
        "fleet.toml",
    )
    done = bare.run("fleet", "status")
    assert (done.code, "Write s3://b/k" in done.err) == (1, True), done.err


# G11
def test_a_place_that_may_hold_a_secret_is_not_repeated(bare: Stage) -> None:
    done = bare.run("plan", "--state", "postgresql:/user:hunter2@h/d#k")
    assert (done.code, "hunter2" in done.err) == (1, False)


# G11
@pytest.mark.parametrize("url", ["s.json", "./a:b/s.json", "/srv/s.json", "file:///srv/s.json"])
def test_a_path_is_a_place(bare: Stage, url: str) -> None:
    bare.write(f'[state]\nurl = "{url}"\n\n{MODEL}')
    assert bare.run("validate").code == 0

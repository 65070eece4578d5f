"""Workers as processes, a real Postgres, and Omni's own log as the witness."""

import json
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from reconcile.clock import wall_clock
from reconcile.state.backend import open_session
from tests.fleet.conftest import Yarding
from tests.fleet.yard import Yard, model_id
from tests.postgres import Postgres
from tests.render.breaking import unnoticed
from tests.render.schemas import validator

pytestmark = pytest.mark.long

QUICK = 'look_every = "1s"\nsilent_after = "3s"'
INSTANTS = ("ran_at", "wake_at")


def body(number: int, every: str = "6h") -> str:
    return (
        f'[models.m{number}]\nid = "{model_id(number)}"\n'
        f'[models.m{number}.refresh]\nevery = "{every}"\nmode = "soft"\n'
        f'[models.m{number}.cache.daily]\nevery = "{every}"\n'
    )


def seats(yard: Yard) -> dict[str, Any]:
    status = yard.status()
    return {seat["instance"]: seat for seat in status["instances"]}


def accepted(yard: Yard, state: str) -> int:
    """Count the replies that are written down: a call without one would be in doubt."""
    history = yard.run("state", "history", "-f", "acme", "--state", state)
    return history.stdout.count(" accepted ")


def test_a_worker_makes_the_calls_of_every_instance_with_its_own_token(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    worker = yard.start_worker("--name", "one")
    yard.wait_until(lambda: all(seat["outcome"] == "done" for seat in seats(yard).values()))
    assert len(yard.posts("acme")) == len(yard.posts("bolt")) == 2
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0
    assert len(yard.posts()) == 4


def test_edited_files_of_an_instance_and_of_the_fleet_are_taken_up_without_any_restart(
    yarded: Yarding,
) -> None:  # K6
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    file = yard.folder / "fleet.toml"
    whole = file.read_text()
    file.write_text(whole[: whole.index("[instances.bolt]")])
    worker = yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == 2)
    with (yard.folder / "acme" / "reconcile.toml").open("a") as acme:
        acme.write('[models.m1.cache.weekly]\nevery = "7d"\n')
    yard.wait_until(lambda: len(yard.posts("acme")) == 3)
    file.write_text(whole)
    worker.send_signal(signal.SIGHUP)
    yard.wait_until(lambda: len(yard.posts("bolt")) == 2)
    assert "read anew: 2 instances" in yard.log_of(0)


def test_a_file_that_is_written_slowly_is_taken_up_once_it_is_whole(yarded: Yarding) -> None:  # K7
    yard = yarded({"acme": body(1) + body(2)}, settings=QUICK)
    yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == 4)
    file = yard.folder / "acme" / "reconcile.toml"
    whole = file.read_text()
    cut = whole.index("[models.m2]")
    with file.open("w", buffering=1) as slow:
        for part in [whole[:cut], *["# more\n"] * 60, whole[cut:]]:
            slow.write(part)
            time.sleep(0.2)
        slow.write('[models.m1.cache.weekly]\nevery = "7d"\n')
    yard.wait_until(lambda: bool(yard.posts()[4:]))
    assert len(yard.posts()) == 5


def test_an_instance_that_no_worker_runs_is_trouble_after_a_while(
    yarded: Yarding, postgres: Postgres
) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    yard.run("fleet", "pause", "acme", "--reason", "they migrate")
    since = [seat["wake_at"] for seat in seats(yard).values()]
    assert since == [seat["wake_at"] for seat in seats(yard).values()]
    with psycopg.connect(postgres.url) as other:
        other.execute("UPDATE reconcile_seats SET wake_at = wake_at - interval '16 minutes'")
    status = yard.run("fleet", "status")
    assert status.returncode == 6
    assert status.stdout.startswith("2 instances · 1 in trouble · 1 due · 1 paused")


def test_an_instance_that_somebody_else_has_locked_waits_since_it_first_was(
    yarded: Yarding,
) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK)
    state = str(yard.folder / "states" / "acme.json")
    with open_session(state, command="reconcile apply", lock_timeout_s=0, now=wall_clock()):
        yard.start_worker()
        yard.wait_until(lambda: "acme: locked" in yard.log_of(0))
        since = seats(yard)["acme"]["wake_at"]
        yard.wait_until(lambda: yard.log_of(0).count("acme: locked") > 1)
        assert seats(yard)["acme"]["wake_at"] == since
    yard.wait_until(lambda: len(yard.posts()) == 2)


LASTING = f'[models.m1]\nid = "{model_id(1)}"\nrefresh.every = "6h"\n'
HEEDING = f'{LASTING}[models.m2]\nid = "{model_id(2)}"\ncache.daily.on_signal = "load"\n'
RESETS = f'[models.m2]\nid = "{model_id(2)}"\ncache.weekly.every = "7d"\n'


def edit(yard: Yard) -> None:
    with (yard.folder / "acme" / "reconcile.toml").open("a") as acme:
        acme.write('[models.m1.cache.weekly]\nevery = "7d"\n')


def tell(yard: Yard) -> None:
    told = yard.run("signal", "load", "-f", "acme", "--state", "states/acme.json")
    assert told.returncode == 0, told.stderr


def join(yard: Yard) -> None:
    (yard.folder / "bolt.toml").write_text(f'[state]\nurl = "unused.json"\n{RESETS}')
    with (yard.folder / "fleet.toml").open("a") as fleet:
        fleet.write(
            '[instances.bolt]\nfile = "bolt.toml"\nstate = "states/b.json"\ncredential = "acme"\n'
        )


@pytest.mark.parametrize("come", [edit, tell, join])
def test_what_comes_while_a_job_runs_does_not_wait_for_its_end(
    yarded: Yarding, come: Callable[[Yard], None]
) -> None:
    yard = yarded({"acme": HEEDING}, settings=QUICK, limit=600, job_s=600)
    yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == 1)
    yard.wait_until(lambda: accepted(yard, "states/acme.json") == 1)
    come(yard)
    yard.wait_until(lambda: len(yard.posts()) == 2)


def test_instances_that_share_a_credential_follow_each_other_at_once(yarded: Yarding) -> None:
    names = [f"i{number}" for number in range(6)]
    resets = '[models.{0}]\nid = "{1}"\ncache.weekly.every = "7d"\n'
    yard = yarded({name: resets.format(name, model_id(int(name[1:]))) for name in names})
    file = yard.folder / "fleet.toml"
    file.write_text(file.read_text().replace("state =", 'credential = "i0"\nstate ='))
    yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == len(names))
    sent = [exchange.at for exchange in yard.posts()]
    assert max(sent) - min(sent) < timedelta(seconds=10), "a look each is 25 s"


def test_a_paused_instance_is_left_alone_until_it_is_resumed(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    paused = yard.run("fleet", "pause", "acme", "--reason", "they migrate")
    assert paused.returncode == 0, paused.stderr
    yard.start_worker()
    yard.wait_until(lambda: len(yard.posts("bolt")) == 2)
    assert not yard.posts("acme")
    assert "paused" in yard.run("fleet", "status").stdout
    assert "is resumed" in yard.run("fleet", "resume", "acme").stderr
    yard.wait_until(lambda: len(yard.posts("acme")) == 2)
    assert "was not paused" in yard.run("fleet", "resume", "acme").stderr


def test_the_work_of_a_killed_worker_is_taken_over_and_nothing_is_sent_twice(
    yarded: Yarding,
) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK, job_s=6)
    first = yard.start_worker("--name", "first")
    yard.wait_until(lambda: len(yard.posts()) == 2)
    yard.wait_until(lambda: accepted(yard, "states/acme.json") == 2)
    first.kill()
    yard.start_worker("--name", "second")
    yard.wait_until(lambda: seats(yard)["acme"]["outcome"] == "done")
    assert seats(yard)["acme"]["worker"] == "second"
    assert len(yard.posts()) == 2


def test_a_worker_that_was_only_suspended_finds_its_lease_gone_and_sends_nothing_more(
    yarded: Yarding,
) -> None:  # K8
    yard = yarded({"acme": body(1)}, state="{database}#{name}", settings=QUICK, job_s=8)
    zombie = yard.start_worker("--name", "zombie")
    yard.wait_until(lambda: len(yard.posts()) == 2)
    yard.wait_until(lambda: accepted(yard, f"{yard.database}#acme") == 2)
    zombie.send_signal(signal.SIGSTOP)
    yard.start_worker("--name", "heir")
    yard.wait_until(lambda: seats(yard)["acme"]["outcome"] == "done")
    zombie.send_signal(signal.SIGCONT)
    yard.wait_until(lambda: "acme: failed" in yard.log_of(0))
    zombie.send_signal(signal.SIGTERM)
    # 143 where the machine is so busy that it was not done within the five seconds it has.
    assert zombie.wait(timeout=20) in {0, 143}, yard.log_of(0)
    assert "error[" not in yard.log_of(0)
    assert "Traceback" not in yard.log_of(0)
    seat = seats(yard)["acme"]
    assert (seat["worker"], seat["failures"]) == ("heir", 0)
    verified = yard.run("state", "verify", "-f", "acme", "--state", f"{yard.database}#acme")
    assert verified.returncode == 0, verified.stderr
    assert len(yard.posts()) == 2


def test_a_worker_says_so_and_ends_when_its_database_goes(
    yarded: Yarding, postgres: Postgres
) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK)
    worker = yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == 2)
    postgres.stop()
    assert worker.wait(timeout=60) == 1
    assert "fleet-database-lost" in yard.log_of(0)
    postgres.start()
    yard.start_worker()
    yard.wait_until(lambda: seats(yard)["acme"]["outcome"] in {"idle", "done"})
    assert len(yard.posts()) == 2


def test_a_worker_ends_when_its_database_answers_with_an_error_for_good(
    yarded: Yarding, postgres: Postgres
) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK)
    worker = yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == 2)
    with psycopg.connect(postgres.url) as other:
        other.execute("DROP TABLE reconcile_seats")
    assert worker.wait(timeout=60) == 1
    assert "fleet-database-refused" in yard.log_of(0)


def test_a_job_that_a_clock_ahead_had_put_off_is_done_at_once(
    yarded: Yarding, postgres: Postgres
) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK)
    yard.run("fleet", "status")
    with psycopg.connect(postgres.url) as other:
        other.execute(
            "INSERT INTO procrastinate_jobs"
            " (queue_name, task_name, lock, queueing_lock, args, scheduled_at)"
            " VALUES ('default', 'reconcile-instance', 'credential acme', 'instance acme',"
            """'{"instance": "acme"}', now() + interval '1 day')"""
        )
    yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == 2)


def test_one_bad_instance_does_not_stop_the_others(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    (yard.folder / "acme" / "reconcile.toml").write_text("[models")
    yard.start_worker()
    yard.wait_until(lambda: seats(yard)["acme"]["failures"] == 1)
    yard.wait_until(lambda: seats(yard)["bolt"]["outcome"] == "done")
    assert "TOML" in seats(yard)["acme"]["trouble"]
    shown = yard.run("fleet", "status", "a*")
    assert shown.returncode == 6
    assert shown.stdout.startswith("1 instance · 1 in trouble")


def test_a_run_that_does_not_get_on_is_made_later_each_time(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK)
    refused = {"apiEndpoint": yard.base_url, "apiKey": "a-token-that-was-revoked"}
    profiles = {"version": 1, "profiles": {"acme": refused}}
    (yard.secrets / "config.json").write_text(json.dumps(profiles))
    yard.start_worker()

    def waits() -> timedelta:
        seat = seats(yard)["acme"]
        if seat["ran_at"] is None:
            return timedelta()
        ran_at, wake_at = (datetime.fromisoformat(seat[i]) for i in INSTANTS)
        return wake_at - ran_at

    yard.wait_until(lambda: waits() > timedelta(seconds=3))
    assert seats(yard)["acme"]["outcome"] == "failed"


def test_being_told_to_stop_is_no_failure_of_an_instance(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK, job_s=30)
    worker = yard.start_worker()
    yard.wait_until(lambda: len(yard.posts()) == 2)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    seat = seats(yard)["acme"]
    assert (seat["outcome"], seat["failures"]) == ("stopped", 0)


def test_every_line_of_a_json_log_is_an_event_of_the_published_kind(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    worker = yard.start_worker("--format", "json", "--listen", "127.0.0.1:0")
    yard.wait_until(lambda: yard.log_of(0).count('"run"') == 2)
    worker.send_signal(signal.SIGHUP)
    yard.wait_until(lambda: "fleet-reloaded" in yard.log_of(0))
    (yard.folder / "fleet.toml").write_text("[instances")
    worker.send_signal(signal.SIGHUP)
    yard.wait_until(lambda: "files-refused" in yard.log_of(0))
    told = [json.loads(line) for line in yard.log_of(0).splitlines()]
    assert [line["event"] for line in told] == [
        "worker-started",
        "serving",
        "run",
        "run",
        "fleet-reloaded",
        "files-refused",
    ]
    assert [unnoticed(validator("log"), line) for line in told] == [[]] * len(told)


@pytest.mark.parametrize("concurrency", ["0", "-1"])
def test_a_worker_that_would_never_work_is_refused(concurrency: str, yarded: Yarding) -> None:
    refused = yarded({"acme": body(1)}).run("fleet", "worker", f"--concurrency={concurrency}")
    assert (refused.returncode, "bad-usage" in refused.stderr) == (1, True)


def test_a_pause_that_is_over_already_is_refused(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1)})
    ended = yard.run("fleet", "pause", "acme", "--reason", "x", "--until", "2020-01-01T00:00:00Z")
    assert (ended.returncode, "is over already" in ended.stderr) == (1, True)


@pytest.mark.parametrize("verb", [("pause", "--reason", "x"), ("resume",), ("status",)])
def test_an_unknown_instance_is_refused_with_the_nearest_name(
    yarded: Yarding, verb: tuple[str, ...]
) -> None:
    yard = yarded({"acme": body(1)})
    done = yard.run("fleet", verb[0], "amce", *verb[1:])
    assert done.returncode == 1
    assert "Did you mean acme?" in done.stderr

"""The page over all instances, from a worker that runs, over a real Postgres."""

import re
import signal

import pytest

from tests.controller.test_hostile import FEW_FILES, PROBES, besieged, limit_files
from tests.controller.watching import Stream, ask, samples
from tests.fleet.conftest import Yarding
from tests.fleet.test_fleet import QUICK, body
from tests.fleet.yard import Yard

pytestmark = pytest.mark.long

ANYWHERE = ("--listen", "127.0.0.1:0")
TOKEN = "0123456789abcdef0123"  # noqa: S105 -- it opens the page of a test


def url_of(yard: Yard) -> str:
    yard.wait_until(lambda: "serving http" in yard.log_of(0))
    found = re.search(r"serving (http\S+)", yard.log_of(0))
    assert found
    return found[1]


def test_every_instance_is_on_the_page_with_its_state_and_why(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2), "cork": body(3)}, settings=QUICK)
    (yard.folder / "bolt" / "reconcile.toml").write_text("[models")
    yard.run("fleet", "pause", "cork", "--reason", "they <migrate>")
    yard.start_worker("--name", "one", *ANYWHERE)
    url = url_of(yard)
    yard.wait_until(lambda: all(word in ask(url, "/").text for word in ("done (1)", "failed (1)")))
    page = ask(url, "/")
    assert "1 instance in trouble" in page.text
    assert "they &lt;migrate&gt;" in page.text
    assert "they <migrate>" not in page.text
    assert 'href="/instances/acme/"' in page.text
    states = {seat["instance"]: seat for seat in ask(url, "/state.json").json()["instances"]}
    assert (states["acme"]["worker"], states["cork"]["paused"]) == ("one", True)


def test_each_instance_has_a_page_of_its_items_and_a_broken_one_says_what_broke(
    yarded: Yarding,
) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    (yard.folder / "bolt" / "reconcile.toml").write_text("[models")
    yard.start_worker(*ANYWHERE)
    url = url_of(yard)
    yard.wait_until(lambda: "Up to date" in ask(url, "/instances/acme/").text)
    assert "models.<wbr>m1.<wbr>refresh" in ask(url, "/instances/acme/").text
    assert "TOML" in ask(url, "/instances/bolt/").text
    assert ask(url, "/instances/nobody/").status == 404
    stream = Stream(url, "/instances/acme/events")
    assert "items-table" in stream.parts()
    stream.close()


def test_probes_and_metrics_tell_of_the_fleet(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1), "bolt": body(2)}, settings=QUICK)
    yard.run("fleet", "pause", "bolt", "--reason", "they migrate")
    yard.start_worker(*ANYWHERE)
    url = url_of(yard)
    done = 'reconcile_fleet_instances{outcome="done"}'
    yard.wait_until(lambda: samples(ask(url, "/metrics").text).get(done) == 1)
    figures = samples(ask(url, "/metrics").text)
    assert figures["reconcile_fleet_instances_paused"] == 1
    assert figures['reconcile_fleet_instance_failures{instance="acme"}'] == 0
    assert figures['reconcile_fleet_instance_lateness_seconds{instance="acme"}'] == 0
    limit_files(yard.workers[0].pid, FEW_FILES)
    with besieged(url, FEW_FILES + 100):  # H3
        assert [ask(url, path).text for path in PROBES] == ["ok\n", "ready\n"]


def test_what_becomes_of_an_instance_is_sent_to_whoever_watches_and_they_hold_nobody_up(
    yarded: Yarding,
) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK, job_s=3)
    worker = yard.start_worker(*ANYWHERE)
    stream = Stream(url_of(yard))
    assert {"head", "items-table"} <= set(stream.parts())
    for _ in range(10):
        if "done" in stream.parts().get("items-table", ""):
            break
    else:
        raise AssertionError(yard.log_of(0))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0
    assert "Traceback" not in yard.log_of(0)
    stream.close()


def test_other_machines_and_other_names_are_refused_without_a_token(yarded: Yarding) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK)
    refused = yard.run("fleet", "worker", "--listen", "0.0.0.0:0")
    assert refused.returncode == 1
    assert "[listen-without-token]" in refused.stderr
    (yard.folder / "page.token").write_text(TOKEN)
    yard.start_worker(*ANYWHERE, "--token-file", "page.token")
    url = url_of(yard)
    for path in ("/", "/events", "/state.json", "/metrics", "/instances/acme/"):
        assert ask(url, path).status == 401
        assert ask(url, path, Authorization=f"Bearer {TOKEN}", method="POST").status == 405
    assert ask(url, "/", Authorization=f"Bearer {TOKEN}").status == 200


@pytest.mark.parametrize("path", ["/", "/metrics", "/instances/acme/"])
def test_another_name_for_this_machine_is_refused(yarded: Yarding, path: str) -> None:
    yard = yarded({"acme": body(1)}, settings=QUICK)
    yard.start_worker(*ANYWHERE)
    assert ask(url_of(yard), path, Host="evil.example").status == 421

"""The examples, run by the orchestrators they are written for, with the state in PostgreSQL."""

import json
import signal
import subprocess

import pytest

from reconcile.sandbox.instance import Operation
from tests.orchestrators.conftest import Siting
from tests.orchestrators.engines import AIRFLOW, Engine
from tests.orchestrators.site import Site
from tests.patience import wait_until
from tests.stage import SALES

DESIRED = f"""
[models.sales]
id = "{SALES}"
refresh = {{ every = "6h", mode = "soft" }}
cache.daily.at = "06:00"
"""


def _holding(site: Site) -> subprocess.Popen[str]:
    """Start an apply elsewhere, and return once it waits for a job and for nothing else."""
    other = site.stage.start("apply", "--yes")
    _wait_for(site, Operation.REFRESH)
    _wait_for(site, Operation.RESET)
    return other


def _wait_for(site: Site, operation: Operation) -> None:
    wait_until(
        lambda: bool(site.stage.calls(operation)),
        lambda: f"no {operation.value} was asked for",
        timeout_s=120,
    )


def test_a_run_makes_the_calls_that_are_due_and_keeps_nothing_on_its_own_disk(
    siting: Siting,
) -> None:
    site = siting(DESIRED)
    done = site.run()
    assert (done.code, site.engine.verdict(done.out)) == (0, ["success"]), done.out
    assert len(site.stage.calls()) == 2
    assert site.stage.run("apply", "--yes").code == 0
    assert len(site.stage.calls()) == 2


def test_a_run_that_finds_the_lease_taken_is_skipped_and_not_failed(siting: Siting) -> None:
    site = siting(DESIRED, job_s=300)
    other = _holding(site)
    sent = len(site.stage.calls())
    try:
        done = site.run()
    finally:
        other.kill()
        other.communicate()
    assert (done.code, "skipped" in site.engine.verdict(done.out)) == (0, True), done.out
    assert "failed" not in site.engine.verdict(done.out)
    assert len(site.stage.calls()) == sent


def test_a_run_whose_calls_fail_is_failed_and_its_log_says_why(siting: Siting) -> None:
    site = siting(DESIRED, faults="refresh:fail")
    done = site.run()
    assert "failed" in site.engine.verdict(done.out), done.out
    assert "code 6" in done.out
    assert "models.sales.refresh" in done.out


# G1
def test_a_run_that_a_limit_blocks_is_failed_and_sends_nothing(siting: Siting) -> None:
    site = siting(f"{DESIRED}\n[limits]\ncalls = 1\n")
    done = site.run()
    assert "failed" in site.engine.verdict(done.out), done.out
    assert ("code 3" in done.out, site.stage.calls()) == (True, [])


def test_a_run_of_a_file_with_a_mistake_is_failed_and_its_log_says_where(siting: Siting) -> None:
    site = siting(DESIRED)
    site.stage.write((site.stage.folder / "reconcile.toml").read_text().replace("6h", "six"))
    done = site.run()
    assert "failed" in site.engine.verdict(done.out), done.out
    assert ("code 1" in done.out, site.stage.calls()) == (True, [])
    assert "bad-duration" in done.out


def test_a_run_that_is_cut_off_hands_its_signal_on_so_that_the_tool_saves_its_state(
    siting: Siting, engine: Engine
) -> None:
    if engine is AIRFLOW:
        pytest.skip("its supervisor does that, which `dags test` goes without")
    site = siting(DESIRED, job_s=300)
    run = site.start()
    _wait_for(site, Operation.REFRESH)
    run.send_signal(signal.SIGTERM)
    out, _ = run.communicate(timeout=120)
    assert "Interrupted. State saved" in out
    assert "success" not in site.engine.verdict(out)


def test_a_load_that_ends_is_followed_by_calls_as_of_its_end(
    siting: Siting, engine: Engine
) -> None:
    if engine is not AIRFLOW:
        pytest.skip("the example of a load is Airflow's")
    site = siting(DESIRED.replace('at = "06:00"', 'on_signal = "load"'))
    site.copy("warehouse_load.py")
    done = site.run("airflow", "dags", "test", "warehouse_load")
    assert (done.code, site.engine.verdict(done.out)) == (0, ["success"]), done.out
    assert site.stage.run("apply", "--yes").code == 0
    listed = site.stage.run("signal", "--list", "--format", "json")
    (reset,) = site.stage.calls(Operation.RESET)
    (signal,) = listed.json()["signals"]
    stamp = json.loads(reset.call.body)["resetAt"]
    assert signal["newest"]["at"].startswith(stamp.removesuffix("Z"))
    assert signal["newest"]["by"].startswith("airflow run warehouse_load ")

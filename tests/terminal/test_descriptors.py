"""An apply that is short of descriptors: no reply is lost for want of a file."""

import sys

import pytest

from tests.omni.test_readiness import LISTENING
from tests.stage import Staging, models
from tests.terminal.test_events import ITEMS, events_in, words

pytestmark = pytest.mark.long

WATCHED = f"""{LISTENING}
import os, runpy
def hook(event, _):
    if event == "socket.connect" and Listening not in sys.meta_path:
        sys.meta_path.insert(0, Listening)
sys.addaudithook(hook)
end = os._exit
def told(code):
    print("asked for", Listening.asked, file=sys.stderr, flush=True)
    end(code)
os._exit = told
sys.argv = ["reconcile", "apply", "--yes", "--format", sys.argv[1]]
runpy.run_module("reconcile", run_name="__main__")
"""


@pytest.mark.parametrize("format_name", ["text", "json"])
@pytest.mark.parametrize("faults", ["", "refresh:fail", "refresh:503", "reset:drop", "job:404"])
def test_nothing_is_imported_from_the_first_request_to_the_end(
    staged: Staging, format_name: str, faults: str
) -> None:
    # F12
    stage = staged(ITEMS, faults=faults)
    process = stage.start_as([sys.executable, "-c", WATCHED, format_name])
    _, err = process.communicate(timeout=60)
    assert err.endswith("asked for []\n")


@pytest.mark.parametrize("limit", [9, 10, 12])
def test_every_reply_counts_however_few_descriptors_there_are(staged: Staging, limit: int) -> None:
    # F12
    stage = staged(models([f"m{number}" for number in range(12)], 'refresh = { every = "6h" }'))
    command = stage.command("apply", "--yes", "--events", "events.jsonl")
    process = stage.start_as(["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *command])
    out, err = process.communicate(timeout=110)
    told = words(events_in(stage))
    assert told.count("accepted") == len(stage.calls())
    assert told.count("intent") == told.count("accepted") + told.count("not_sent")
    if "intent" in told:
        assert process.returncode in {0, 6}
        assert "calls done" in out
        assert "error[" not in err

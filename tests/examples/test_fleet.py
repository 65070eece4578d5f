"""The fleet: a file that loads, a unit and a Deployment whose commands exist, and few rights."""

import ast
import json
import re
import shutil
import subprocess
from configparser import ConfigParser
from functools import cache
from itertools import chain

import pytest

from reconcile.config.fleet import load_fleet
from reconcile.config.load import load
from tests.command_line import parsed
from tests.examples.reading import EXAMPLES
from tests.examples.reading import load as load_yaml
from tests.project.sources import nodes

FOLDER = EXAMPLES / "fleet"
DEPLOYMENT, DISRUPTION, NETWORK = load_yaml(FOLDER / "deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def _unit() -> ConfigParser:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read(FOLDER / "reconcile-fleet.service")
    return unit


def test_the_fleet_and_the_files_of_its_instances_load_without_a_warning() -> None:
    fleet = load_fleet(FOLDER / "fleet.toml")
    assert [member.name for member in fleet.members] == ["acme", "bolt"]
    assert all(load(member.file).warnings == () for member in fleet.members)


def test_the_commands_of_unit_and_pod_exist() -> None:
    words = _unit()["Service"]["ExecStart"].split()
    for command in (words[1:], CONTAINER["command"][1:] + CONTAINER["args"]):
        assert parsed(command).path == "reconcile fleet worker"


def test_a_supervisor_starts_an_ended_worker_again_and_gives_it_time_to_end() -> None:
    service = _unit()["Service"]
    assert service["Restart"] == "always"
    assert int(service["TimeoutStopSec"].removesuffix("s")) >= 10
    assert POD["terminationGracePeriodSeconds"] >= 10


def test_the_pod_has_no_rights_and_its_secrets_are_not_in_the_files() -> None:
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert CONTAINER["envFrom"] == [{"secretRef": {"name": "reconcile-fleet"}}]


def test_every_file_of_the_fleet_is_mounted_where_the_fleet_expects_it() -> None:
    (files,) = [v["configMap"]["items"] for v in POD["volumes"] if "configMap" in v]
    mounted = {item["path"] for item in files}
    assert mounted == {"fleet.toml", "acme/reconcile.toml", "bolt/reconcile.toml"}
    assert all((FOLDER / path).is_file() for path in mounted)


def test_the_pod_is_watched_through_the_page_its_command_serves() -> None:
    options = parsed(CONTAINER["command"][1:] + CONTAINER["args"])
    (port,) = CONTAINER["ports"]
    assert options.listen == f"0.0.0.0:{port['containerPort']}"
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert CONTAINER[probe]["httpGet"] == {"path": path, "port": port["name"]}


def test_whatever_the_pod_names_is_mounted() -> None:
    options = parsed(CONTAINER["command"][1:] + CONTAINER["args"])
    mounted = {mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert {options.file.rpartition("/")[0], options.token_file.rpartition("/")[0]} <= mounted
    assert {m["name"] for m in CONTAINER["volumeMounts"]} == {v["name"] for v in POD["volumes"]}


def test_a_roll_out_and_a_drain_leave_workers_of_one_version_at_work() -> None:
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0  # K7
    assert DISRUPTION["spec"]["minAvailable"] < DEPLOYMENT["spec"]["replicas"]
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    for policy, key in ((DISRUPTION, "selector"), (NETWORK, "podSelector")):
        assert policy["spec"][key]["matchLabels"] == labels


@cache
def _texts() -> set[str]:
    """Return every text in the source, the names of metrics among them."""
    every = chain.from_iterable(nodes().values())
    constants = (node.value for node in every if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_rules_and_board_ask_for_metrics_that_exist(file: str) -> None:
    asked = set(re.findall(r"\breconcile_(\w+)", (FOLDER / file).read_text(encoding="utf-8")))
    known = _texts()
    assert len(asked) >= 5
    for name in asked:
        assert {name, re.sub(r"^(controller|item)_", "", name)} & known, name


def test_the_board_has_panels_that_do_not_overlap() -> None:
    board = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not cells & taken
        taken |= cells
    assert max(x for x, _ in taken) == 23


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: apt install prometheus")
def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(FOLDER / "alerts.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", ["fleet/reconcile-fleet", "controller/reconcile"])
def test_the_user_of_a_unit_is_made_before_the_unit_is_put_in_place(unit: str) -> None:
    path = EXAMPLES / f"{unit}.service"
    (user,) = re.findall(r"^User=(.+)$", path.read_text(), re.MULTILINE)
    readme = (path.parent / "README.md").read_text()
    steps = [
        rf"useradd --system .* {user}\n",
        rf"install -m 0644 {path.name} /etc/systemd/system/\n",
        r"systemctl daemon-reload\n",
        rf"systemctl enable --now {path.stem}\n",
    ]
    assert re.search(r"\s*".join(steps), readme)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
@pytest.mark.parametrize("unit", ["fleet/reconcile-fleet", "controller/reconcile"])
def test_systemd_finds_little_exposed(unit: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(EXAMPLES / f"{unit}.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for .*: (\d+\.\d)", done.stdout)
    assert found is None or float(found[1]) <= 3.0

"""The controller: a file that loads, commands that exist, and few rights."""

import shlex
from configparser import ConfigParser, SectionProxy

from reconcile.config.load import load
from tests.command_line import parsed
from tests.examples.reading import EXAMPLES
from tests.examples.reading import load as load_yaml

FOLDER = EXAMPLES / "controller"
(DEPLOYMENT,) = load_yaml(FOLDER / "deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def unit() -> SectionProxy:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.read(FOLDER / "reconcile.service")
    return parser["Service"]


def test_the_file_loads_without_a_warning() -> None:
    assert load(FOLDER / "reconcile.toml").warnings == ()


def test_both_commands_are_ours() -> None:
    by_systemd = parsed(shlex.split(unit()["ExecStart"])[1:])
    by_kubernetes = parsed([*CONTAINER["command"], *CONTAINER["args"]][1:])
    assert (by_systemd.path, by_systemd.listen) == ("reconcile run", "127.0.0.1:8470")
    paths = (by_kubernetes.path, by_kubernetes.token_file)
    assert paths == ("reconcile run", "/page/token")


def test_whatever_the_command_names_is_mounted() -> None:
    mounted = {mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert {"/desired", "/state", "/page"} <= mounted
    assert {m["name"] for m in CONTAINER["volumeMounts"]} == {v["name"] for v in POD["volumes"]}


def test_it_has_few_rights_and_is_one() -> None:
    assert DEPLOYMENT["spec"]["replicas"] == 1
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert unit()["NoNewPrivileges"] == "yes"
    assert unit()["StateDirectory"] == "reconcile"

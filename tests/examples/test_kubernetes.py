"""The CronJob: one run at a time, a memory that stays, and no more rights than it needs."""

from typing import Any

from reconcile.config.load import load_text
from tests.command_line import parsed
from tests.examples.reading import EXAMPLES, load

FOLDER = EXAMPLES / "kubernetes"
DOCUMENTS: dict[str, Any] = {
    document["kind"]: document for path in sorted(FOLDER.glob("*.yaml")) for document in load(path)
}
CRON = DOCUMENTS["CronJob"]["spec"]
JOB = CRON["jobTemplate"]["spec"]
POD = JOB["template"]["spec"]
(CONTAINER,) = POD["containers"]


def test_one_run_at_a_time_that_ends_by_itself() -> None:
    assert CRON["concurrencyPolicy"] == "Forbid"
    assert JOB["backoffLimit"] == 0
    assert 0 < JOB["activeDeadlineSeconds"] <= 3600
    assert POD["restartPolicy"] == "Never"


def test_an_ended_run_has_time_to_write_down_what_it_sent() -> None:
    assert POD["terminationGracePeriodSeconds"] >= 10


def test_the_container_has_no_rights() -> None:
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] > 0
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert CONTAINER["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in CONTAINER["resources"]["limits"]


def test_the_credential_comes_from_a_secret_and_is_not_in_the_files() -> None:
    assert CONTAINER["envFrom"] == [{"secretRef": {"name": "reconcile-omni"}}]
    assert "Secret" not in DOCUMENTS


def test_the_state_lies_on_a_volume_that_stays() -> None:
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    claim = DOCUMENTS["PersistentVolumeClaim"]
    assert volumes["state"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_the_command_exists_and_reads_and_writes_what_is_mounted() -> None:
    command = CONTAINER["command"] + CONTAINER["args"]
    assert parsed(command[1:]).path == "reconcile apply"
    mounted = {
        mount["mountPath"]: mount.get("readOnly", False) for mount in CONTAINER["volumeMounts"]
    }
    assert mounted == {"/desired": True, "/state": False, "/tmp": False}  # noqa: S108 in the pod
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == {
        volume["name"] for volume in POD["volumes"]
    }


def test_the_policy_selects_the_pod_and_lets_out_names_and_https_only() -> None:
    policy = DOCUMENTS["NetworkPolicy"]["spec"]
    labels = JOB["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy
    ports = [
        (port["protocol"], port["port"]) for rule in policy["egress"] for port in rule["ports"]
    ]
    assert ports == [("UDP", 53), ("TCP", 53), ("TCP", 443)]
    assert "169.254.0.0/16" in policy["egress"][1]["to"][0]["ipBlock"]["except"]


def test_everything_named_is_there() -> None:
    kustomization = DOCUMENTS["Kustomization"]
    assert {*kustomization["resources"], "kustomization.yaml"} == {
        path.name for path in FOLDER.glob("*.yaml")
    }
    (desired,) = kustomization["configMapGenerator"]
    assert desired["name"] == POD["volumes"][0]["configMap"]["name"]
    text = (FOLDER / "reconcile.toml").read_text()
    assert len(load_text(text, "reconcile.toml", FOLDER).desired.items) == 2

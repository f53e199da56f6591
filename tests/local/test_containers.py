"""docker-compose.yml and the Dockerfiles describe the system that `arrears up` runs. (Validated, not run.)"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from arrears_local.plan import SERVICES
from arrears_local.postgres import DATABASES
from arrears_local.topics import DEFAULT_PARTITIONS, INPUT_MAX_MESSAGE_BYTES

ROOT = Path(__file__).parents[2]
DOCKERFILES = sorted([*ROOT.glob("services/*/Dockerfile"), *ROOT.glob("deploy/*/Dockerfile")])


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file with its YAML merges resolved, as the parser of the Compose Specification accepts it."""
    merged = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return dict(PyCompose.from_yaml(yaml.safe_dump(merged)).to_dict())


def test_every_service_and_its_migration_is_there_on_its_port(compose: dict[str, Any]) -> None:
    services = compose["services"]

    for member in SERVICES:
        assert f"127.0.0.1:{member.port}:{member.port}" in str(services[member.name]["ports"])
        assert services[f"{member.name}-migrate"]["command"] == ["migrate"]
        waits_for = services[member.name]["depends_on"]
        assert waits_for[f"{member.name}-migrate"]["condition"] == "service_completed_successfully"
        assert waits_for["topics"]["condition"] == "service_completed_successfully"


def test_profiles_are_core_observability_and_demo(compose: dict[str, Any]) -> None:
    assert {profile for service in compose["services"].values() for profile in service["profiles"]} == {
        *("core", "observability", "demo")
    }


def test_dependencies_of_a_profile_are_in_that_profile(compose: dict[str, Any]) -> None:
    services = compose["services"]
    outside = [
        (name, needed, profile)
        for name, service in services.items()
        for needed in service.get("depends_on", {})
        for profile in service["profiles"]
        if profile not in services[needed]["profiles"]
    ]
    assert outside == []


def test_the_images_are_configured_like_the_embedded_parts(compose: dict[str, Any]) -> None:
    kafka, postgres = compose["services"]["kafka"], compose["services"]["postgres"]

    assert (kafka["image"], postgres["image"]) == ("apache/kafka:4.3.1", "postgres:18")
    assert kafka["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == INPUT_MAX_MESSAGE_BYTES
    assert kafka["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    created = (ROOT / "deploy/compose/databases.sql").read_text("utf-8")
    assert [line.split()[2].rstrip(";") for line in created.splitlines() if line.startswith("CREATE")] == list(
        DATABASES
    )
    partitions = compose["services"]["ingest"]["environment"]["ARREARS_PARTITIONS"]
    assert partitions == f"${{ARREARS_PARTITIONS:-{DEFAULT_PARTITIONS}}}"


def test_every_mounted_file_and_dockerfile_exists(compose: dict[str, Any]) -> None:
    mounted = [
        str(volume["source"]) if isinstance(volume, dict) else str(volume).split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    ]
    built = [service["build"]["dockerfile"] for service in compose["services"].values() if "build" in service]

    files = [source for source in mounted if source.startswith(".")] + built
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_service_images_differ_by_name_and_port_only() -> None:
    normal = {
        (ROOT / f"services/{member.name}/Dockerfile")
        .read_text("utf-8")
        .replace(member.name, "SERVICE")
        .replace(str(member.port), "PORT")
        for member in SERVICES
    }
    assert len(normal) == 1


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_dockerfile_has_no_lint_finding(dockerfile: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([hadolint, dockerfile], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (0, "")

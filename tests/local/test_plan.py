"""What one `arrears up` runs follows from the environment and the asked replicas."""

from __future__ import annotations

import pytest

from arrears_local.plan import make_plan
from arrears_local.settings import read_settings


def names(environment: dict[str, str], **replicas: int) -> list[str]:
    return [process.name for process in make_plan(read_settings(environment), replicas).processes]


def test_by_default_everything_runs_here() -> None:
    assert names({}) == [
        *("postgres", "kafka", "issuer", "providers"),
        *("ingest", "scoring", "outreach", "legal", "audit", "console"),
    ]


def test_a_given_broker_or_database_is_not_started_again() -> None:
    assert names({"ARREARS_KAFKA": "broker:9092"})[:2] == ["postgres", "issuer"]
    assert names({"ARREARS_DATABASE_URL": "postgresql://db/{service}"})[:2] == ["kafka", "issuer"]


def test_the_virtual_clock_runs_only_when_asked_for() -> None:
    assert "clock" in names({"ARREARS_CLOCK": "virtual"})


def test_production_gets_no_development_helpers() -> None:
    assert {"issuer", "clock", "providers"}.isdisjoint(names({"ARREARS_ENV": "production", "ARREARS_CLOCK": "virtual"}))


def test_each_replica_has_a_port_of_its_own() -> None:
    plan = make_plan(read_settings({"ARREARS_OUTREACH_PORT": "9003"}), {"outreach": 3})
    ports = {p.name: p.port for p in plan.processes if p.name.startswith("outreach")}

    assert ports == {"outreach": 9003, "outreach-2": 9103, "outreach-3": 9203}
    assert [p.prepare().env["ARREARS_OUTREACH_PORT"] for p in plan.processes if p.name in ports] == [
        "9003",
        "9103",
        "9203",
    ]


def test_every_process_agrees_on_broker_and_database() -> None:
    plan = make_plan(read_settings({"ARREARS_KAFKA_PORT": "19092", "ARREARS_POSTGRES_PORT": "15433"}), {})
    environment = next(p for p in plan.processes if p.name == "audit").prepare().env

    assert environment["ARREARS_KAFKA"] == "127.0.0.1:19092"
    assert environment["ARREARS_DATABASE_URL"] == "postgresql://arrears@127.0.0.1:15433/{service}"


def test_an_unknown_service_and_a_bad_number_are_named() -> None:
    with pytest.raises(ValueError, match="no service is called billing"):
        make_plan(read_settings({}), {"billing": 2})
    with pytest.raises(ValueError, match="ARREARS_PARTITIONS must be a whole number, not 'many'"):
        read_settings({"ARREARS_PARTITIONS": "many"})


def test_a_helper_that_is_elsewhere_is_not_started_and_one_here_listens_where_its_variable_says() -> None:
    assert "issuer" not in names({"ARREARS_OIDC_ISSUER": "https://id.example/realms/arrears"})
    plan = make_plan(
        read_settings({"ARREARS_OIDC_ISSUER": "http://127.0.0.1:18200", "ARREARS_SMTP": "127.0.0.1:18225"}), {}
    )
    ports = {process.name: (process.port, *process.more_ports) for process in plan.processes}
    assert (ports["issuer"], ports["providers"]) == ((18200,), (8201, 18225))

"""What the environment decides, read once by the command line and handed on as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from arrears_local.ports import LOOPBACK
from arrears_local.topics import DEFAULT_PARTITIONS


@dataclass(frozen=True)
class LocalSettings:
    """`kafka_port` and `postgres_port` are None when a broker or database is given: then none is embedded."""

    home: Path
    kafka: str
    kafka_port: int | None
    database_url: str
    postgres_port: int | None
    partitions: int
    clock: str
    production: bool
    environment: Mapping[str, str]

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def run_folder(self) -> Path:
        return self.home / "run"

    @property
    def log_folder(self) -> Path:
        return self.home / "log"

    def port(self, variable: str, default: int) -> int:
        return int(self.environment.get(variable, default))


def read_settings(environment: Mapping[str, str]) -> LocalSettings:
    """Raises ValueError that names the variable when a number does not parse."""
    kafka_port = _number(environment, "ARREARS_KAFKA_PORT", 9092)
    postgres_port = _number(environment, "ARREARS_POSTGRES_PORT", 5433)
    kafka = environment.get("ARREARS_KAFKA")
    database_url = environment.get("ARREARS_DATABASE_URL")
    return LocalSettings(
        home=Path(environment.get("ARREARS_HOME", ".arrears")).resolve(),
        kafka=kafka or f"{LOOPBACK}:{kafka_port}",
        kafka_port=None if kafka else kafka_port,
        database_url=database_url or f"postgresql://arrears@{LOOPBACK}:{postgres_port}/{{service}}",
        postgres_port=None if database_url else postgres_port,
        partitions=_number(environment, "ARREARS_PARTITIONS", DEFAULT_PARTITIONS),
        clock=environment.get("ARREARS_CLOCK", "system"),
        production=environment.get("ARREARS_ENV", "development") == "production",
        environment={key: value for key, value in environment.items() if key.startswith("ARREARS_")},
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal():
        raise ValueError(f"{name} must be a whole number, not {text!r}")
    return int(text)

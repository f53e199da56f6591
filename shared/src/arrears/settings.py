"""Settings of one service process, read from the environment once, at the entrypoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PORTS: Final = {"console": 8100, "ingest": 8101, "scoring": 8102, "outreach": 8103, "legal": 8104, "audit": 8105}
ROLES: Final = ("api", "consumer", "relay", "timers")


class InvalidSetting(ValueError):
    """An environment variable holds what it cannot hold."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process of `service` needs to know of its surroundings."""

    service: str
    database_url: str
    kafka: str
    port: int
    environment: str
    clock: str
    clock_url: str
    issuer: str
    partitions: int
    home: Path
    tenant: str
    consumer_batch: int
    instance: str = ""
    """name of this process among its replicas, the same after a restart; empty where nobody gives such names"""

    @staticmethod
    def read(service: str, environ: Mapping[str, str]) -> Settings:
        """Return the settings that `environ` holds, with the defaults of a laptop.

        Raises:
            InvalidSetting: a number is none, or a word is not among those allowed.
        """
        url = environ.get(
            f"ARREARS_{service.upper()}_DATABASE_URL",
            environ.get("ARREARS_DATABASE_URL", "postgresql://arrears@127.0.0.1:5433/{service}"),
        )
        return Settings(
            service=service,
            database_url=url.replace("{service}", service),
            kafka=environ.get("ARREARS_KAFKA", "127.0.0.1:9092"),
            port=_number(environ, f"ARREARS_{service.upper()}_PORT", PORTS.get(service, 8199)),
            environment=_word(environ, "ARREARS_ENV", "development", ("development", "production")),
            clock=_word(environ, "ARREARS_CLOCK", "system", ("system", "virtual")),
            clock_url=environ.get("ARREARS_CLOCK_URL", "http://127.0.0.1:8210"),
            issuer=environ.get("ARREARS_OIDC_ISSUER", "http://127.0.0.1:8200"),
            partitions=_number(environ, "ARREARS_PARTITIONS", 24),
            home=Path(environ.get("ARREARS_HOME", ".arrears")),
            tenant=environ.get("ARREARS_TENANT", "default"),
            consumer_batch=_number(environ, "ARREARS_CONSUMER_BATCH", 8_000),
            instance=environ.get("ARREARS_INSTANCE", ""),
        )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise InvalidSetting(f"{name}={text!r} must be a whole number above zero")
    return int(text)


def _word(environ: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    text = environ.get(name, default)
    if text not in allowed:
        raise InvalidSetting(f"{name}={text!r} must be one of {', '.join(allowed)}")
    return text

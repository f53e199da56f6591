"""`python -m arrears_local.migrations`: on an empty private database, each service's migrations run and then agree
with the tables its code declares (alembic's check)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from arrears_local.plan import SERVICES
from arrears_local.ports import free_port
from arrears_local.postgres import start_postgres


def main() -> int:
    """The exit code: 0 when every service agrees, 1 otherwise; findings go to standard error."""
    with tempfile.TemporaryDirectory(prefix="arrears-migrations-") as folder:
        server = start_postgres(Path(folder), free_port())
        try:
            environment = {**os.environ, "ARREARS_DATABASE_URL": server.url_template}
            failed = [service.name for service in SERVICES if not _agrees(service.name, environment)]
        finally:
            server.stop()
    print(f"migrations disagree in: {', '.join(failed)}" if failed else "every migration agrees", file=sys.stderr)
    return 1 if failed else 0


def _agrees(service: str, environment: dict[str, str]) -> bool:
    for arguments in (("migrate",), ("migrate", "--check")):
        command = (sys.executable, "-m", service, *arguments)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"{service} {' '.join(arguments)}:\n{done.stdout}{done.stderr}", file=sys.stderr)
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())

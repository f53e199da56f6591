"""Run the development issuer: `python -m arrears_local.issuer`."""

from __future__ import annotations

import os
import sys

from arrears_local.development import home, refuse_in_production, serve
from arrears_local.issuer.app import issuer_app
from arrears_local.issuer.keys import kept_key
from arrears_local.refusals import LocalRefusal


def main() -> int:
    """Serve until stopped; return the exit code of a refusal."""
    try:
        refuse_in_production(os.environ, "the development issuer")
        url = os.environ.get("ARREARS_OIDC_ISSUER", "http://127.0.0.1:8200").rstrip("/")
        serve(issuer_app(url, kept_key(home(os.environ))), url)
    except LocalRefusal as refusal:
        print(f"{refusal.message}; {refusal.remedy}", file=sys.stderr)
        return refusal.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

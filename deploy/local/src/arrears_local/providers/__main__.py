"""Run the providers: `python -m arrears_local.providers`. They listen where ARREARS_SMS_URL and ARREARS_SMTP say."""

from __future__ import annotations

import os
import sys

from arrears_local.development import listen_at, refuse_in_production, serve
from arrears_local.providers.app import providers_app
from arrears_local.providers.sms import Account
from arrears_local.refusals import LocalRefusal


def main() -> int:
    """Serve until stopped; return the exit code of a refusal."""
    try:
        refuse_in_production(os.environ, "the provider servers")
        known = Account()
        account = Account(
            os.environ.get("ARREARS_SMS_ACCOUNT", known.sid), os.environ.get("ARREARS_SMS_TOKEN", known.token)
        )
        host, port = listen_at("smtp://" + os.environ.get("ARREARS_SMTP", "127.0.0.1:8225"))
        serve(providers_app(account, host, port), os.environ.get("ARREARS_SMS_URL", "http://127.0.0.1:8201"))
    except LocalRefusal as refusal:
        print(f"{refusal.message}; {refusal.remedy}", file=sys.stderr)
        return refusal.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

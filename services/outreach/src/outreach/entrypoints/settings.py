"""What outreach alone reads from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutreachSettings:
    """The message provider's account, ingest's address, and our own as the provider sees it."""

    sms_url: str
    sms_account: str
    sms_token: str
    sms_sender: str
    ingest_url: str
    public_url: str

    @staticmethod
    def read(environ: Mapping[str, str], port: int) -> OutreachSettings:
        """Return the settings that `environ` holds, with the defaults of a laptop."""
        ingest_port = environ.get("ARREARS_INGEST_PORT", "8101")
        return OutreachSettings(
            sms_url=environ.get("ARREARS_SMS_URL", "http://127.0.0.1:8201"),
            sms_account=environ.get("ARREARS_SMS_ACCOUNT", "AC00000000000000000000000000000001"),
            sms_token=environ.get("ARREARS_SMS_TOKEN", "sms-development-token"),
            sms_sender=environ.get("ARREARS_SMS_SENDER", "+8610000000000"),
            ingest_url=environ.get("ARREARS_INGEST_URL", f"http://127.0.0.1:{ingest_port}"),
            public_url=environ.get("ARREARS_OUTREACH_URL", f"http://127.0.0.1:{port}"),
        )

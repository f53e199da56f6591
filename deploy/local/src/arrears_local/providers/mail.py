"""A mail server that delivers nowhere: it keeps what it takes, and refuses who is named so that a test can choose."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail taken over: envelope and what a reader sees first."""

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    subject: str
    text: str


class MailServer:
    """aiosmtpd handler: recipients whose name starts with `bounce` are refused (550 5.1.1), with `later` put off (451)."""

    def __init__(self) -> None:
        self._mails: list[Mail] = []

    def protocol(self) -> SMTP:
        """Return the protocol of one connection."""
        return SMTP(self, hostname="arrears.local", enable_SMTPUTF8=True)

    def routes(self) -> list[Route]:
        return [Route("/mails", self.list_all, methods=["GET"])]

    async def list_all(self, request: Request) -> Response:
        """For tests and the demo: every mail, `?to=` for one recipient."""
        to = request.query_params.get("to")
        return JSONResponse({"mails": [asdict(m) for m in self._mails if to is None or to in m.recipients]})

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("bounce"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later"):
            return "451 4.2.1 mailbox busy, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        parsed = message_from_bytes(raw, policy=policy.default)
        body = parsed.get_body(("plain", "html"))
        self._mails.append(
            Mail(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                str(parsed["Message-ID"] or ""),
                str(parsed["Subject"] or ""),
                body.get_content() if body is not None else "",
            )
        )
        return "250 2.0.0 taken"

"""Callbacks of providers: signed, and harmless when repeated."""

from __future__ import annotations

import os
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from arrears.auth.webhooks import check_twilio
from arrears.eventstore.work import Work
from arrears.runtime import Runtime
from outreach.adapters.sms_gateway import callback_url
from outreach.domain.contact import RecordReceipt
from outreach.domain.contact_state import Receipt
from outreach.entrypoints.settings import OutreachSettings
from outreach.use_cases.receive_receipt import receive_receipt

# Only what the carrier, the reader or a failure confirms: queued and sent say nothing about the person.
_RECEIPTS: Final[dict[str, Receipt]] = {
    "delivered": "carrier",
    "read": "read",
    "undelivered": "bounced",
    "failed": "bounced",
}


def provider_routes(runtime: Runtime) -> APIRouter:
    """Return the routes that providers call."""
    router = APIRouter(tags=["providers"])
    settings = OutreachSettings.read(os.environ, runtime.settings.port)

    @router.post("/v1/providers/sms/status", status_code=204)
    async def post_sms_status(request: Request, debtor_id: str, attempt_id: str) -> Response:
        """Take a message's status, signed over the address that we gave and all its fields.

        Raises:
            ForgedWebhook: 403. UnknownAttempt: 404.
        """
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        url = callback_url(settings.public_url, debtor_id, attempt_id)
        check_twilio(url, form, [settings.sms_token], request.headers.get("x-twilio-signature"))
        receipt = _RECEIPTS.get(form.get("MessageStatus", ""))
        if receipt is not None:
            evidence = form.get("MessageSid", "")

            async def receive(work: Work) -> None:
                told = RecordReceipt(attempt_id, receipt, work.now, evidence)
                await receive_receipt(debtor_id, told, work)

            await runtime.commands.run(receive)
        return Response(status_code=204)

    return router

"""The reaction that sends permitted messages, bound to provider and key interface at its first use."""

from __future__ import annotations

import os
from typing import Final

from arrears.events.outreach import ContactPermitted
from arrears.reactions import Reaction
from arrears.recorded import Recorded
from arrears.runtime import Runtime
from outreach.adapters.key_ring import KeyRing
from outreach.adapters.sms_gateway import SmsGateway
from outreach.entrypoints.settings import OutreachSettings
from outreach.use_cases.send_message import Desk, send_message


class _Sender:
    def __init__(self) -> None:
        self._desk: Desk | None = None

    async def react(self, event: Recorded, runtime: Runtime) -> None:
        await send_message(event, self._bound_to(runtime))

    async def repeat(self, event: Recorded, runtime: Runtime) -> None:
        await send_message(event, self._bound_to(runtime), perhaps_sent=True)

    def _bound_to(self, runtime: Runtime) -> Desk:
        if self._desk is None or self._desk.store is not runtime.store:
            self._desk = _desk(runtime)
        return self._desk


def _desk(runtime: Runtime) -> Desk:
    settings = OutreachSettings.read(os.environ, runtime.settings.port)
    gateway = SmsGateway(
        runtime.http, settings.sms_url, settings.sms_account, settings.sms_token, settings.sms_sender,
        settings.public_url,
    )  # fmt: skip
    keys = KeyRing(runtime.http, settings.ingest_url, runtime.tokens)
    return Desk(runtime.store, runtime.commands, runtime.clock, gateway, keys)


_SENDER: Final = _Sender()
SENDING: Final = Reaction("send-message", (ContactPermitted,), _SENDER.react, _SENDER.repeat)

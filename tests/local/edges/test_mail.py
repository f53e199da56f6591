"""The mail server takes what smtplib sends, and refuses whom a test names."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

import httpx
import pytest

from arrears.testing.servers import serving
from arrears_local.ports import free_port
from arrears_local.providers.app import providers_app
from arrears_local.providers.sms import Account


def send(port: int, *to: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
        "a@lender.example",
        ", ".join(to),
        "还款提醒",
        "<1@x>",
    )
    mail.set_content("请于 1 月 5 日前还款。")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(mail)


async def test_a_mail_is_kept_as_it_was_sent_and_named_recipients_are_refused() -> None:
    port = free_port()
    async with (
        serving(lambda _: providers_app(Account(), "127.0.0.1", port)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        await asyncio.to_thread(send, port, "debtor@mail.example")
        (mail,) = (await http.get("/mails", params={"to": "debtor@mail.example"})).json()["mails"]
        assert mail["subject"] == "还款提醒"
        assert mail["text"].strip() == "请于 1 月 5 日前还款。"
        assert (mail["sender"], mail["message_id"]) == ("a@lender.example", "<1@x>")
        for refused, code in (("bounce@mail.example", 550), ("later@mail.example", 451)):
            with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
                await asyncio.to_thread(send, port, refused)
            assert caught.value.recipients[refused][0] == code
        assert (await http.get("/mails", params={"to": "bounce@mail.example"})).json() == {"mails": []}

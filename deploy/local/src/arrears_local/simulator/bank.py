"""Core banking and the bank of the simulation: the native topic and camt.054 files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from xml.sax.saxutils import escape

from aiokafka import AIOKafkaProducer

from arrears.events.corebanking import CustomerData, Instalment, LoanBooked, RepaymentPosted
from arrears.events.registry import Event, encode, type_of
from arrears.values.identity import debtor_id, loan_id
from arrears.values.money import to_major
from arrears_local.simulator.portfolio import SimulatedLoan

TOPIC = "corebanking.events"
CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that a debtor sends for a loan."""

    loan: SimulatedLoan
    amount_minor: int
    on: date
    number: int


def ids(loan: SimulatedLoan) -> tuple[str, str]:
    """Return our debtor id and loan id of a loan of the simulated core banking."""
    return debtor_id("default", "corebanking", loan.customer.ref), loan_id("default", "corebanking", loan.ref)


def booked(loan: SimulatedLoan) -> LoanBooked:
    """Return what core banking tells of a new loan."""
    customer = loan.customer
    return LoanBooked(
        loan_ref=loan.ref, customer_ref=customer.ref, product="consumer", currency=CURRENCY,
        principal_minor=loan.principal_minor, disbursed_on=loan.disbursed_on, annual_rate=loan.annual_rate,
        penalty_multiplier="1.5", grace_days=0, tolerance_minor=100, payment_reference=loan.payment_reference,
        instalments=tuple(
            Instalment(no=i.no, due_on=i.due_on, principal_minor=i.principal_minor, interest_minor=i.interest_minor)
            for i in loan.lines
        ),
        customer=CustomerData(name=customer.name, phone=customer.phone, zone=customer.zone, language="zh"),
    )  # fmt: skip


def posted(payment: Payment) -> RepaymentPosted:
    """Return what core banking tells of a payment."""
    loan = payment.loan
    return RepaymentPosted(
        loan_ref=loan.ref, customer_ref=loan.customer.ref, posting_ref=f"P{payment.number:08d}",
        amount_minor=payment.amount_minor, currency=CURRENCY, value_on=payment.on,
    )  # fmt: skip


class CoreBanking:
    """Publishes native events as core banking would: CloudEvents, keyed by customer reference."""

    def __init__(self, producer: AIOKafkaProducer, topic: str = TOPIC) -> None:
        self._producer = producer
        self._topic = topic

    async def publish(self, events: Sequence[tuple[str, str, Event]], at: datetime) -> None:
        """Send (customer reference, event id, event) and return when the broker has them all."""
        futures = [
            await self._producer.send(
                self._topic, encode(event), key=customer.encode(), headers=_headers(event, event_id, at)
            )
            for customer, event_id, event in events
        ]
        await asyncio.gather(*futures)


def _headers(event: Event, event_id: str, at: datetime) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", b"/simulated-core-banking"),
        ("ce_type", type_of(type(event)).wire_name.encode()),
        ("ce_time", at.isoformat().encode()),
        ("content-type", b"application/json"),
    ]


def credit_notification(payments: Sequence[Payment], on: date) -> bytes:
    """Return a camt.054.001.08 file that books the payments as one batch (ISO 20022; Swiss usage for references)."""
    total = sum(p.amount_minor for p in payments)
    details = "".join(_details(p) for p in payments)
    created = datetime.combine(on, time(18), UTC).isoformat()
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>SIM-{on}</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>
<Ntfctn><Id>SIM-{on}</Id><CreDtTm>{created}</CreDtTm>
<Acct><Id><Othr><Id>6222000000000001</Id></Othr></Id><Ccy>{CURRENCY}</Ccy></Acct>
<Ntry><NtryRef>N-{on}</NtryRef><Amt Ccy="{CURRENCY}">{_amount(total)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RvslInd>false</RvslInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>
<AcctSvcrRef>E-{on}</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>VCOM</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><Btch><NbOfTxs>{len(payments)}</NbOfTxs></Btch>{details}</NtryDtls></Ntry></Ntfctn>
</BkToCstmrDbtCdtNtfctn></Document>
"""
    return text.encode()


def _details(payment: Payment) -> str:
    return (
        f"<TxDtls><Refs><AcctSvcrRef>T{payment.number:08d}</AcctSvcrRef><EndToEndId>E2E{payment.number:08d}</EndToEndId></Refs>"
        f'<Amt Ccy="{CURRENCY}">{_amount(payment.amount_minor)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<RmtInf><Strd><CdtrRefInf><Ref>{escape(payment.loan.payment_reference)}</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
    )


def _amount(minor: int) -> Decimal:
    return to_major(minor, CURRENCY)

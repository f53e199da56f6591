"""Ingest's table of contents: topics, facts → use cases, read models, routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from arrears.decider import StreamRef
from arrears.kafka.sources import Subscription
from arrears.recorded import Recorded
from arrears.runtime import ServiceDefinition
from arrears.timeline import timeline
from ingest.adapters import corebanking
from ingest.adapters.fineract import messages as fineract
from ingest.domain.business_day import BUSINESS_DAY
from ingest.domain.debtor import DEBTOR
from ingest.domain.imported_file import IMPORTED_FILE
from ingest.domain.loan import LOAN
from ingest.domain.receipt import UNMATCHED_RECEIPT
from ingest.entrypoints.http.days import day_routes
from ingest.entrypoints.http.files import MAX_FILE_BYTES, file_routes
from ingest.entrypoints.http.keys import key_routes
from ingest.entrypoints.http.loans import loan_routes
from ingest.entrypoints.steps import STEPS, VAULT
from ingest.projections.loan_book import LOAN_BOOK
from ingest.projections.payment_reference import PAYMENT_REFERENCE
from ingest.projections.unmatched_receipt import UNMATCHED_RECEIPTS
from ingest.use_cases.told import from_record, loan_of, source_of, told


def _streams(recorded: Recorded) -> Iterable[StreamRef[Any, Any]]:
    data: Any = recorded.data
    if hasattr(data, "customer"):
        yield told(recorded).debtor(data.customer_ref)
    if hasattr(data, "loan_ref"):
        yield loan_of(recorded.meta.tenant, source_of(recorded), data.loan_ref, data.customer_ref)


INGEST: Final = ServiceDefinition(
    name="ingest",
    title="Arrears ingest",
    deciders=(LOAN, DEBTOR, BUSINESS_DAY, UNMATCHED_RECEIPT, IMPORTED_FILE),
    sources=(corebanking.source(VAULT.prepare), fineract.source()),
    subscriptions=tuple(Subscription(event, from_record(step), _streams) for event, step in STEPS.items()),
    projections=(LOAN_BOOK, PAYMENT_REFERENCE, UNMATCHED_RECEIPTS, timeline("ingest")),
    routers=lambda runtime: (day_routes(runtime), file_routes(runtime), loan_routes(runtime), key_routes(runtime)),
    app_options={"max_body_bytes_by_path": {"/v1/files": MAX_FILE_BYTES}},
)

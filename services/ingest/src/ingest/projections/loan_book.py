"""The loan book: one row a loan with its references, its age and its totals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from arrears.events import ingest as e
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded


def _imported(events: Sequence[Recorded]) -> Sequence[Row]:
    rows = {}
    for event in events:
        data = event.data
        if isinstance(data, e.LoanImported):
            rows[data.loan_id] = (
                data.loan_id, event.debtor_id, event.meta.tenant, data.source, data.external_ref,
                data.payment_reference, data.product, data.currency, data.principal_minor, data.disbursed_on,
                data.maturity_on,
            )  # fmt: skip
    return list(rows.values())


def _balances(events: Sequence[Recorded]) -> Sequence[Row]:
    rows = {}
    for event in events:
        data = event.data
        if isinstance(data, e.LoanBalanceChanged):
            rows[data.loan_id] = (
                data.loan_id, data.as_of, data.due.total_minor, data.not_due.total_minor, data.payoff_minor,
                data.overpaid_minor,
            )  # fmt: skip
    return list(rows.values())


def _ages(events: Sequence[Recorded]) -> Sequence[Row]:
    rows: dict[str, Row] = {}
    for event in events:
        data = event.data
        match data:
            case e.LoanOverdue():
                oldest = data.as_of - timedelta(days=data.days_past_due)
                rows[data.loan_id] = (data.loan_id, data.bucket, data.days_past_due, oldest, data.episode_id)
            case e.DelinquencyBucketChanged():
                oldest = data.as_of - timedelta(days=data.days_past_due)
                rows[data.loan_id] = (data.loan_id, data.to_bucket, data.days_past_due, oldest, data.episode_id)
            case e.LoanCured():
                rows[data.loan_id] = (data.loan_id, "M0", 0, None, None)
            case _:
                pass
    return list(rows.values())


def _money(events: Sequence[Recorded]) -> Sequence[Row]:
    rows: dict[str, int] = {}
    for event in events:
        data = event.data
        if isinstance(data, e.RepaymentReceived):
            rows[data.loan_id] = rows.get(data.loan_id, 0) + data.amount_minor
        elif isinstance(data, e.RepaymentReversed):
            rows[data.loan_id] = rows.get(data.loan_id, 0) - data.amount_minor
    return list(rows.items())


LOAN_BOOK = Projection(
    name="loan_book",
    version=1,
    follows=frozenset({"ingest"}),
    columns="""loan_id text PRIMARY KEY, debtor_id text NOT NULL, tenant text NOT NULL, source text NOT NULL,
        external_ref text NOT NULL, payment_reference text NOT NULL, product text NOT NULL, currency text NOT NULL,
        principal_minor bigint NOT NULL, disbursed_on date NOT NULL, maturity_on date NOT NULL, as_of date,
        due_minor bigint NOT NULL DEFAULT 0, not_due_minor bigint NOT NULL DEFAULT 0,
        payoff_minor bigint NOT NULL DEFAULT 0, overpaid_minor bigint NOT NULL DEFAULT 0,
        received_minor bigint NOT NULL DEFAULT 0, bucket text NOT NULL DEFAULT 'M0',
        days_past_due int NOT NULL DEFAULT 0, oldest_due_on date, episode_id text""",
    order_by="loan_id",
    writes=(
        Write(
            _imported,
            """INSERT INTO {table} (loan_id, debtor_id, tenant, source, external_ref, payment_reference, product,
                 currency, principal_minor, disbursed_on, maturity_on)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::bigint[], $10::date[], $11::date[]) ON CONFLICT (loan_id) DO NOTHING""",
        ),
        Write(
            _balances,
            """UPDATE {table} t SET as_of = u.as_of, due_minor = u.due, not_due_minor = u.not_due,
                 payoff_minor = u.payoff, overpaid_minor = u.overpaid
               FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
                 u(loan_id, as_of, due, not_due, payoff, overpaid) WHERE t.loan_id = u.loan_id""",
        ),
        Write(
            _ages,
            """UPDATE {table} t SET bucket = u.bucket, days_past_due = u.days, oldest_due_on = u.oldest,
                 episode_id = u.episode
               FROM unnest($1::text[], $2::text[], $3::int[], $4::date[], $5::text[])
                 u(loan_id, bucket, days, oldest, episode) WHERE t.loan_id = u.loan_id""",
        ),
        Write(
            _money,
            """UPDATE {table} t SET received_minor = t.received_minor + u.amount
               FROM unnest($1::text[], $2::bigint[]) u(loan_id, amount) WHERE t.loan_id = u.loan_id""",
        ),
    ),
    indexes=("CREATE INDEX ON {table} (debtor_id)", "CREATE INDEX ON {table} (bucket) WHERE bucket <> 'M0'"),
)

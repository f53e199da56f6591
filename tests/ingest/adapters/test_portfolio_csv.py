"""Portfolios in CSV: a loan is booked whole or rejected whole, with line, field and reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.events.corebanking import LoanBooked, RepaymentPosted
from ingest.adapters import portfolio_csv
from ingest.domain.refusals import FileUnreadable

SAMPLE = Path(__file__).parents[3] / "docs" / "samples" / "portfolio.csv"
HEAD = "loan_ref,customer_ref,product,currency,principal,disbursed_on,no,due_on,due_principal,due_interest,repaid,repaid_on\n"
GOOD = "L-9,C-9,cash,CNY,10.00,2026-01-05,1,2026-02-05,10.00,0.10,,\n"


def read(*rows: str) -> portfolio_csv.Portfolio:
    return portfolio_csv.read((HEAD + "".join(rows)).encode())


def row(**changes: str) -> str:
    """Return a row of another loan with changes."""
    names = HEAD.strip().split(",")
    values = dict(zip(names, GOOD.strip().split(","), strict=True)) | {"loan_ref": "L-1"} | changes
    return ",".join(values[name] for name in names) + "\n"


def test_the_sample_of_the_documentation_is_two_loans_and_what_one_had_repaid() -> None:
    found = portfolio_csv.read(SAMPLE.read_bytes())
    first, repaid, second = found.facts
    assert isinstance(first, LoanBooked)
    assert isinstance(second, LoanBooked)
    assert (first.principal_minor, [i.interest_minor for i in first.instalments]) == (300_000, [1_800, 1_200, 600])
    assert (first.customer.name, second.customer.language, second.instalments[0].fee_minor) == ("李华", "en", 200)
    assert isinstance(repaid, RepaymentPosted)
    assert (repaid.amount_minor, repaid.value_on, repaid.posting_ref) == (101_800, date(2026, 2, 4), "opening/L-2001")
    assert found.rejected == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (row(principal="ten"), "line 2, principal: 'ten' is not an amount"),
        (row(due_principal="1.001"), "line 2, due_principal: '1.001' is finer"),
        (row(no="one"), "line 2, no: 'one' is no whole number"),
        (row(no="0"), "from line 2:"),
        (row(disbursed_on="2026-02-30"), "from line 2:"),
        (row(currency="Yuan"), "from line 2:"),
        (row(customer_ref=""), "customer_ref"),
        (row(repaid="5"), "value_on"),
        (row() + row(no="2", principal="11.00"), "line 3, principal: differs from line 2"),
        (row() + GOOD.replace("L-9", "L-5") + row(no="2"), "line 4, loan_ref: rows of 'L-1' stand apart"),
    ],
)
def test_a_loan_with_a_bad_row_is_rejected_whole_and_the_next_is_booked(wrong: str, words: str) -> None:
    found = read(wrong, GOOD)
    assert [fact.loan_ref for fact in found.facts if isinstance(fact, LoanBooked)][-1] == "L-9"
    (rejected,) = found.rejected
    assert rejected.startswith("loan L-1: ")
    assert words in rejected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "columns are missing"),
        (b"\xff\xfe", "no readable CSV"),
        ((HEAD.strip() + ",dpd\n").encode(), "not known: dpd"),
        ((HEAD.strip() + ",no\n").encode(), "comes twice"),
        ((HEAD + "L-1,C-1\n").encode(), "line 2: 12 columns are needed"),
        ((HEAD + GOOD.strip() + ",more\n").encode(), "line 2: 12 columns are needed"),
    ],
)
def test_a_file_that_is_none_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(FileUnreadable, match=words):
        portfolio_csv.read(data)


@given(st.lists(st.text(alphabet="L1C,9.-\"' \n\0é", max_size=60), max_size=8))
def test_noise_is_rejected_or_refused_and_never_dropped(noise: list[str]) -> None:
    try:
        found = read(*noise)
    except FileUnreadable:
        return
    assert found.facts or found.rejected or not "".join(noise).strip()

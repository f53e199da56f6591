"""Traffic fines in CSV: what the rows say, what goes against the process, what cannot be read."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.events import corebanking as native
from ingest.adapters import traffic_csv
from ingest.adapters.traffic_fines import Log
from ingest.domain.refusals import FileUnreadable

REAL = Path(__file__).parents[4] / "shared" / "real" / "roadtraffic"
real = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real/roadtraffic is not here")
HEAD = "case_id,seq,concept:name,time:timestamp,amount,expense,paymentAmount\n"
FINE = "A1,1,Create Fine,2006-07-24T00:00:00+02:00,35.0,,\nA1,2,Send Fine,2006-12-05T00:00:00+01:00,,11.0,\n"
NOTIFIED = "A1,3,Insert Fine Notification,2007-01-01T00:00:00+01:00,,,\n"
SENT = "A1,9,Send for Credit Collection,2009-03-30T00:00:00+02:00,,,\n"


def paid(amount: str) -> str:
    return f"A1,5,Payment,2007-03-10T00:00:00+01:00,,,{amount}\n"


def penalty(on: str) -> str:
    return f"A1,4,Add penalty,{on}T00:00:00+01:00,71.5,,\n"


def read(*rows: str) -> Log:
    return traffic_csv.read((HEAD + "".join(rows)).encode())


def test_rows_are_loans_fees_and_payments_plain_or_compressed() -> None:
    text = (HEAD + FINE + NOTIFIED + penalty("2007-03-02") + paid("82.5")).encode()
    log = traffic_csv.read(text)
    assert log == traffic_csv.read(gzip.compress(text))
    kinds = [type(fact.event) for fact in log.facts]
    assert kinds == [native.LoanBooked, native.FeePosted, native.FeePosted, native.RepaymentPosted]
    amounts = [getattr(f.event, "amount_minor", None) or getattr(f.event, "principal_minor", None) for f in log.facts]
    assert amounts == [3_500, 1_100, 3_650, 8_250]
    assert (log.findings, log.rejected, log.ignored) == ([], [], {"Insert Fine Notification": 1})


@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        ((FINE, paid("46.0"), SENT), "A1: sent to credit collection with nothing owing"),
        ((FINE, paid("99"), SENT), "A1: sent to credit collection with nothing owing"),
        (
            (FINE, NOTIFIED, penalty("2007-03-02"), paid("82.5"), SENT),
            "A1: sent to credit collection with nothing owing",
        ),
        ((FINE, NOTIFIED, penalty("2007-03-03")), "A1: penalty on day 61 after the notification, not 60"),
    ],
)
def test_what_goes_against_the_process_is_found(rows: tuple[str, ...], finding: str) -> None:
    assert read(*rows).findings == [finding]


def test_what_is_still_owing_may_be_sent_to_collection() -> None:
    assert read(FINE, paid("45.99"), SENT).findings == []


def test_a_row_that_cannot_be_read_is_rejected_with_its_line_and_the_rest_goes_on() -> None:
    bad = "A2,1,Create Fine,yesterday,35.0,,\nA3,1,Create Fine,2006-07-24,x,,\n,1,Create Fine,2006-07-24,1,,\n"
    log = read(bad, FINE)
    assert len(log.facts) == 2
    assert [line.split(":")[0] for line in log.rejected] == ["line 2, A2", "line 3, A3", "line 4, no case"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "columns are missing"),
        (b"case_id,seq\n", "concept:name"),
        (b"\xff\xfe\x00", "no readable text"),
        (gzip.compress(HEAD.encode() * 900)[:40], "no readable text"),
    ],
)
def test_a_file_that_is_none_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(FileUnreadable, match=words):
        traffic_csv.read(data)


@given(st.text(alphabet="A1,\n\"'0-9.eT:+ \0", max_size=300))
def test_noise_is_rejected_or_refused_and_never_dropped(noise: str) -> None:
    try:
        log = traffic_csv.read((HEAD + noise).encode())
    except FileUnreadable:
        return
    assert not log.facts or "Create Fine" in noise
    assert len(log.rejected) + sum(log.ignored.values()) <= noise.count("\n") + 1


@real
def test_the_ten_thousand_real_cases_go_by_the_process() -> None:
    facts = json.loads((REAL / "FACTS.json").read_text())["traffic_fines_10k.csv.gz"]
    log = traffic_csv.read((REAL / "traffic_fines_10k.csv.gz").read_bytes())
    assert (log.findings, log.rejected) == (facts["sent_to_collection_with_nothing_owing"], [])
    kinds = Counter(type(fact.event).__name__ for fact in log.facts)
    told = facts["activities"]
    assert (kinds["LoanBooked"], kinds["RepaymentPosted"]) == (told["Create Fine"], told["Payment"])
    assert sum(log.ignored.values()) + len(log.facts) == facts["events"]
    assert log.ignored["Send for Credit Collection"] == told["Send for Credit Collection"]

"""`arrears ledger check` on the worked cases, and on lines that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ingest.adapters.ledger_cases import answered
from ingest.entrypoints.ledger_cli import ledger

CASES = Path(__file__).parents[3] / "shared" / "cases" / "ledger.jsonl"
GOOD: dict[str, Any] = {
    "case": "one",
    "loan": {
        "currency": "CNY", "minor_unit_digits": 2, "principal": 1_000, "disbursed_on": "2025-01-01", "rate": "0.1",
        "penalty_multiplier": "1.5", "day_count": "ACT360", "compound": False, "grace_days": 0, "tolerance": 0,
        "dpd_components": ["principal"], "cap_rate": None,
        "allocation": {
            stage: {"mode": "horizontal", "order": ["fee", "penalty", "compound", "interest", "principal"]}
            for stage in ("performing", "overdue_1_90", "overdue_91_plus", "charged_off")
        },
        "buckets": {"by": "dpd", "ranges": [{"code": "M0", "from": 0, "to": 0}, {"code": "M1", "from": 1, "to": None}]},
        "rounding": "half_up",
    },
    "facts": [
        {
            "type": "ScheduleSet", "recorded_on": "2025-01-01", "version": 1,
            "instalments": [{"no": 1, "due_on": "2025-02-01", "principal": 1_000, "interest": 10, "fee": 0}],
        },
        {"type": "Repaid", "recorded_on": "2025-01-05", "id": "P", "amount": 5, "value_date": "2025-01-05", "channel": "card"},
    ],
    "ask": [{"as_of": "2025-02-02", "known_on": None}],
}  # fmt: skip


def answer(case: Any) -> dict[str, Any]:
    (outcome,) = answered([case if isinstance(case, bytes) else json.dumps(case).encode()])
    return outcome.line


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the good case with one field changed, or one fact added after the others."""
    case = json.loads(json.dumps(GOOD))
    place, *_ = path.split(".")
    if path == "facts":
        case["facts"].append(value)
    elif place == "loan":
        case["loan"][path.split(".")[1]] = value
    else:
        case[path] = value
    found: dict[str, Any] = case
    return found


def repeated(**changes: Any) -> dict[str, Any]:
    return {**GOOD["facts"][1], **changes}


@pytest.mark.skipif(not CASES.is_file(), reason="../shared/cases is not here (as ../shared/real)")
def test_every_worked_case_is_answered_as_expected() -> None:
    result = CliRunner().invoke(ledger, ["check", str(CASES)])
    assert (result.exit_code, "0 different" in result.stderr) == (0, True), result.stderr
    assert len(result.stdout.splitlines()) == len(CASES.read_text().splitlines())


def test_a_case_without_expectation_is_answered() -> None:
    assert answer(GOOD)["answers"][0]["dpd"] == 1
    assert answer(GOOD)["answers"][0]["overdue"]["penalty"] == 0  # 0.42, rounded


@pytest.mark.parametrize(
    ("code", "case"),
    [
        ("SCHEMA", changed("loan.rate", "7.2%")),
        ("SCHEMA", changed("loan.principal", 1_000.5)),
        ("SCHEMA", changed("loan.dpd_components", ["principal", "principal"])),
        ("SCHEMA", changed("extra", 1)),
        ("SCHEMA", changed("ask", [])),
        ("SCHEMA", changed("facts", repeated(channel="pigeon"))),
        ("SCHEMA", changed("facts", repeated(value_date="2025-02-30"))),
        ("BAD_BUCKETS", changed("loan.buckets", {"by": "dpd", "ranges": [{"code": "A", "from": 0, "to": 9}]})),
        ("FACT_ORDER", changed("facts", repeated(id="Q", recorded_on="2025-01-04"))),
        ("BAD_DATE", changed("facts", repeated(id="Q", value_date="2024-12-31"))),
        ("BAD_DATE", changed("ask", [{"as_of": "2024-12-31", "known_on": None}])),
        ("BAD_SCHEDULE", changed("facts", {**GOOD["facts"][0], "recorded_on": "2025-01-09"})),
        ("CONFLICT", changed("facts", repeated(amount=6))),
        (
            "UNKNOWN_REPAYMENT",
            changed("facts", {
                "type": "RepaymentReversed", "recorded_on": "2025-01-09", "id": "Q", "value_date": "2025-01-09",
                "reason": "bounce",
            }),
        ),
    ],
)  # fmt: skip
def test_an_invalid_case_names_its_first_problem(code: str, case: dict[str, Any]) -> None:
    assert answer(case) == {"case": "one", "error": code}


def test_a_line_that_is_no_json_has_no_name() -> None:
    assert answer(b"{nothing") == {"case": None, "error": "SCHEMA"}
    assert answer(b"[]") == {"case": None, "error": "SCHEMA"}


def test_the_command_says_which_case_differs(tmp_path: Path) -> None:
    wrong = {**GOOD, "expect": {"error": "CONFLICT"}}
    right = {**changed("facts", repeated(amount=6)), "case": "two", "expect": {"error": "CONFLICT"}}
    file = tmp_path / "cases.jsonl"
    file.write_text(f"{json.dumps(wrong)}\n\n{json.dumps(right)}\n")
    result = CliRunner().invoke(ledger, ["check", str(file)])
    assert result.exit_code == 1
    assert "one: not as expected" in result.stderr
    assert "2 cases, 2 compared, 1 different" in result.stderr
    assert CliRunner().invoke(ledger, ["check", str(tmp_path / "absent.jsonl")]).exit_code == 2

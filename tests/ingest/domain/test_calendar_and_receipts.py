"""Business days close in order and once; a person, an unmatched receipt and a file are told once."""

from __future__ import annotations

from datetime import date

from arrears.events import ingest as e
from arrears.testing.specification import Specification
from ingest.domain.business_day import BUSINESS_DAY, CloseDay, calendar_of
from ingest.domain.debtor import DEBTOR, AddContactPoint, RegisterDebtor, UpdateDebtor
from ingest.domain.imported_file import IMPORTED_FILE, FinishFile
from ingest.domain.receipt import UNMATCHED_RECEIPT, OpenUnmatchedReceipt
from ingest.domain.refusals import DayGoesBackwards, DebtorUnknown

FRIDAY, MONDAY = date(2025, 3, 7), date(2025, 3, 10)


def closed(day: date) -> e.BusinessDayClosed:
    return e.BusinessDayClosed(business_date=day, calendar_id="default", partition=3)


def test_a_day_is_closed_once_and_never_backwards() -> None:
    calendar = Specification(BUSINESS_DAY)
    calendar.given().when(CloseDay(FRIDAY, "default", 3)).then(closed(FRIDAY))
    calendar.given(closed(FRIDAY)).when(CloseDay(FRIDAY, "default", 3)).then_nothing()
    calendar.given(closed(FRIDAY)).when(CloseDay(MONDAY, "default", 3)).then(closed(MONDAY))
    calendar.given(closed(MONDAY)).when(CloseDay(FRIDAY, "default", 3)).then_refused(DayGoesBackwards)


def test_the_calendar_stream_belongs_to_its_partition() -> None:
    assert (calendar_of(3).key, calendar_of(3).partition) == ("business-day/default/3", 3)


def test_a_person_is_registered_and_changed_once() -> None:
    person = Specification(DEBTOR)
    registered = person.given().when(RegisterDebtor("corebanking", "C-1", "sealed", "zh", "Asia/Shanghai"))
    known = person.given(*registered.events)
    known.when(RegisterDebtor("corebanking", "C-1", "sealed again", "zh", "")).then_nothing()
    updated = known.when(UpdateDebtor("X-1", "", "en", "Europe/Rome"))
    assert isinstance(updated.events[0], e.DebtorUpdated)
    person.given(*registered.events, *updated.events).when(UpdateDebtor("X-1", "", "en", "")).then_nothing()


def test_a_contact_point_is_added_once_and_only_to_a_person_who_is_known() -> None:
    person, point = Specification(DEBTOR), AddContactPoint("p1", "mobile", "sealed", ())
    person.given().when(point).then_refused(DebtorUnknown)
    registered = e.DebtorRegistered(source="corebanking", customer_ref="C-1")
    added = person.given(registered).when(point).events
    assert [type(event) for event in added] == [e.ContactPointAdded]
    person.given(registered, *added).when(point).then_nothing()


def test_unmatched_money_and_a_finished_file_are_told_once() -> None:
    receipt, file = Specification(UNMATCHED_RECEIPT), Specification(IMPORTED_FILE)
    money = OpenUnmatchedReceipt("r", 100, "CHF", FRIDAY, "ref", "camt", "no loan has this reference")
    receipt.given(*receipt.given().when(money).events).when(money).then_nothing()
    finish = FinishFile("ab" * 32, "camt", 2, 1, 1, 0)
    file.given(*file.given().when(finish).events).when(finish).then_nothing()

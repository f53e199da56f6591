"""The recorder tests shipped in the library `eventsourcing` pass on our log, by an adapter that adds no rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, ProcessRecorder, TrackingRecorder
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)
from tests.kernel.foreign.recorders import Aggregates, Application, Log, Process, Tracked


class OnOurLog:
    """Gives each test an empty log."""

    log: Log

    @pytest.fixture(autouse=True)
    def _on_an_empty_log(self, database_url: str) -> Iterator[None]:
        self.log = Log(database_url)
        yield
        self.log.close()


class TestAggregateRecorder(OnOurLog, AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return Aggregates(self.log)


class TestApplicationRecorder(OnOurLog, ApplicationRecorderTestCase[ApplicationRecorder]):
    def create_recorder(self) -> ApplicationRecorder:
        return Application(self.log)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnOurLog, TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return Tracked(self.log)


class TestProcessRecorder(OnOurLog, ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return Process(self.log)


class TestPositionsOfTwoWritersDoNotInterleave(OnOurLog, NonInterleavingNotificationIDsBaseCase):
    """One pass proves nothing, so two writers race twenty times over one log that grows."""

    def create_recorder(self) -> ApplicationRecorder:
        return Application(self.log)

    def test(self) -> None:
        for _ in range(20):
            super().test()
        assert self.log.head() == 20 * 2 * self.insert_num

"""From a publisher's log to audit's verdict, on real databases."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace
from tests.audit.logs import NOON, Auditor, Publisher
from tests.kernel.log.toy import CAUSE

from arrears.events.audit import AuditCheckpointSigned
from arrears.eventstore.work import Cause
from arrears.tree.heads import TreeHead, is_countersigned, sign
from arrears.tree.keys import signing_key
from audit.use_cases.find_missing import Suspects
from audit.use_cases.sign_checkpoint import sign_checkpoint

LOANS = [f"loan-{i}" for i in range(7)]


async def test_a_log_that_holds_is_verified_and_countersigned(publisher: Publisher, auditor: Auditor) -> None:
    for _ in range(3):
        await auditor.hear(await publisher.charge(*LOANS))
        await publisher.seal()
    heads = await publisher.heads()
    await auditor.receive(heads)
    assert await auditor.check() == []
    progress = await auditor.memory.progress("ingest")
    assert (progress.checked, progress.verified) == (21, 21)
    assert [head.head.size for head in heads] == [7, 14, 21]
    await sign_checkpoint("ingest", auditor.memory, auditor.checkpoints, auditor.witness, NOON)
    [said] = auditor.checkpoints.said
    assert isinstance(said, AuditCheckpointSigned)
    assert (said.tree_size, said.root_hash) == (21, heads[-1].head.root.hex())
    witness = bytes.fromhex(said.witness_signature)
    assert is_countersigned(heads[-1].head, NOON, witness, auditor.witness.public_key())


async def test_the_order_in_which_records_arrive_does_not_matter(publisher: Publisher, auditor: Auditor) -> None:
    events = await publisher.charge(*LOANS)
    await publisher.seal()
    await auditor.receive(await publisher.heads())
    await auditor.hear(events[4:])
    assert await auditor.check() == []
    assert (await auditor.memory.progress("ingest")).checked == 0
    await auditor.hear(events[:4])
    await auditor.hear(events)
    assert await auditor.check() == []
    assert (await auditor.memory.progress("ingest")).verified == 7


async def test_a_publisher_that_changed_its_past_is_caught(publisher: Publisher, auditor: Auditor) -> None:
    await auditor.hear(await publisher.charge(*LOANS))
    await publisher.seal()
    await auditor.receive(await publisher.heads())
    await auditor.check()
    head = TreeHead("ingest", 7, b"\x07" * 32, NOON)
    await auditor.receive([sign(head, publisher.key)])
    assert await auditor.check() == [("ingest", "hash_mismatch", 7)]


async def test_an_event_changed_on_its_way_is_located(publisher: Publisher, auditor: Auditor) -> None:
    events = await publisher.charge(*LOANS)
    await publisher.seal()
    changed = events[3].raw_data.replace(b'"amount_minor":100', b'"amount_minor":900')
    await auditor.hear([*events[:3], replace(events[3], raw_data=changed), *events[4:]])
    await auditor.receive(await publisher.heads())
    assert await auditor.check() == [("ingest", "hash_mismatch", 1)]


async def test_a_head_of_somebody_else_is_refused(publisher: Publisher, auditor: Auditor) -> None:
    await auditor.hear(await publisher.charge(*LOANS))
    await publisher.seal()
    [head] = await publisher.heads()
    forged = sign(head.head, signing_key(publisher.home, "legal", create=True))
    await auditor.receive([forged])
    assert await auditor.check() == [("ingest", "bad_signature", 7)]


async def test_a_copy_that_was_changed_later_is_noticed(publisher: Publisher, auditor: Auditor) -> None:
    await auditor.hear(await publisher.charge(*LOANS))
    await auditor.spoil("UPDATE read.copy SET debtor_id = 'other' WHERE position = 5")
    assert await auditor.check() == [("ingest", "hash_mismatch", 5)]


async def test_a_second_event_at_one_position_is_noticed(publisher: Publisher, auditor: Auditor) -> None:
    events = await publisher.charge(*LOANS)
    await auditor.hear(events)
    await auditor.hear([replace(events[2], stream_key="fees/forged")])
    assert await auditor.check() == [("ingest", "hash_mismatch", 3)]


async def test_bytes_that_are_no_event_are_copied_and_reported(publisher: Publisher, auditor: Auditor) -> None:
    events = await publisher.charge(*LOANS)
    await auditor.hear([*events[:6], replace(events[6], raw_data=b'{"fee_id": 3}')])
    assert await auditor.check() == [("ingest", "schema", 7)]
    assert (await auditor.memory.progress("ingest")).checked == 7


async def test_what_is_late_is_not_missing_and_what_is_missing_is_not_late(
    publisher: Publisher, auditor: Auditor
) -> None:
    events = await publisher.charge(*LOANS)
    await publisher.seal()
    await auditor.hear([*events[:3], *events[4:]])
    await auditor.receive(await publisher.heads())
    await auditor.check()
    suspects, end = Suspects(), {("ingest.events", 0): 7}

    async def ends(_services: object) -> dict[tuple[str, int], int]:
        return end

    async def look() -> list[tuple[str, str, int]]:
        await suspects.look(["ingest"], auditor.memory, await auditor.memory.consumed(), ends, auditor.report)
        return [(service, v.kind, v.position) for service, v in auditor.reports]

    assert await look() == []
    assert await look() == [], "the topic has not been read to where it ended"
    await auditor.spoil("INSERT INTO es.consumer_offset VALUES ('audit', 'ingest.events', 0, 7, 1, 'me')")
    assert await look() == [("ingest", "position_gap", 4)]


async def test_what_is_copied_after_the_check_is_not_missing(publisher: Publisher, auditor: Auditor) -> None:
    events = await publisher.charge(*LOANS)
    await publisher.seal()
    await auditor.hear(events[:3])
    await auditor.receive(await publisher.heads())
    await auditor.check()
    suspects = Suspects()

    async def ends(_services: object) -> dict[tuple[str, int], int]:
        return {("ingest.events", 0): 7}

    await suspects.look(["ingest"], auditor.memory, await auditor.memory.consumed(), ends, auditor.report)
    consumed = await auditor.memory.consumed()
    await auditor.hear(events[3:])  # read to the end, but not checked yet
    await auditor.spoil("INSERT INTO es.consumer_offset VALUES ('audit', 'ingest.events', 0, 7, 1, 'me')")
    await suspects.look(["ingest"], auditor.memory, consumed, ends, auditor.report)
    assert await auditor.check() == []


async def test_a_cause_may_arrive_after_its_effect(publisher: Publisher, auditor: Auditor) -> None:
    cause = Cause(CAUSE.actor, causation="legal/1")
    await auditor.hear(await publisher.charge("loan-1", cause=cause))
    assert await auditor.check() == []
    assert [each.cause.cause_service for each in await auditor.memory.open_causes()] == ["legal"]
    [event] = await publisher.charge("loan-2")
    arrived = replace(event, source="legal", position=1, event_id="legal/1", type="InventedLater", version=1)
    await auditor.hear([arrived])
    assert await auditor.memory.open_causes() == []


async def test_a_log_that_grew_only_by_its_own_checkpoints_is_left_alone(
    publisher: Publisher, auditor: Auditor
) -> None:
    events = await publisher.charge("loan-1", "loan-2")
    own = [replace(e, source="audit", stream_key="checkpoint/audit", event_id=f"audit/{e.position}") for e in events]
    own = [replace(e, version=e.position, type="InventedLater") for e in own]
    await auditor.hear(own)
    await auditor.check()
    root = await auditor.memory.root_at("audit", 2)
    await auditor.receive([sign(TreeHead("audit", 2, root, NOON), auditor.witness)])
    assert await auditor.check() == []
    await sign_checkpoint("audit", auditor.memory, auditor.checkpoints, auditor.witness, NOON + timedelta(hours=1))
    assert auditor.checkpoints.said == []

"""Identities follow from facts, and a key's partition is the one that every Kafka client computes."""

from __future__ import annotations

import itertools
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.values.identity import debtor_id, derived_id, loan_id, partition_of


# The expected hashes are those of Kafka's own test of Utils.murmur2.
@pytest.mark.parametrize(
    ("key", "murmur2"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_a_partition_is_counted_from_kafkas_murmur2(key: str, murmur2: int) -> None:
    assert partition_of(key, 2**31) == murmur2 & 0x7FFFFFFF
    assert partition_of(key, 24) == (murmur2 & 0x7FFFFFFF) % 24


@given(st.text(), st.integers(1, 1_000))
def test_every_key_has_one_of_the_partitions(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


def test_debtors_spread_over_the_partitions() -> None:
    counts = Counter(partition_of(debtor_id("default", "core", f"C-{i}"), 24) for i in range(4_800))
    assert len(counts) == 24
    assert max(counts.values()) < 2 * min(counts.values())


def test_the_same_facts_give_the_same_id_and_other_facts_another() -> None:
    ids = [
        make(*facts)
        for make in (debtor_id, loan_id)
        for facts in itertools.product(("default", "north"), ("core", "fineract"), ("1", "2"))
    ]
    assert len(set(ids)) == len(ids) == 16
    assert debtor_id("default", "core", "1") == debtor_id("default", "core", "1")
    assert all(str(UUID(i)) == i for i in ids)


def test_these_ids_never_change_for_they_are_in_logs() -> None:
    assert debtor_id("default", "corebanking", "C-1") == "e2d91049-4e4d-5424-8bba-7686eadef007"
    assert loan_id("default", "corebanking", "L-1") == "3c3f9b5b-3ab6-5c27-be1c-d9f5ff1d3b13"
    assert derived_id("promise", "a", "b") == "125b26a1-cab5-5c9f-9d1f-b60453a595cb"

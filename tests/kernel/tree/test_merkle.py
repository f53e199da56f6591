"""The tree against the recursive definition of RFC 6962 §2.1 and the vectors that log implementations share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.tree.merkle import (
    EMPTY_ROOT,
    Frontier,
    MissingTile,
    TileKey,
    consistency_spans,
    consistent,
    frontier_keys,
    frontier_of,
    grow,
    hash_leaf,
    hash_node,
    included,
    inclusion_spans,
    root_of,
    span_hashes,
    tiles_for,
)

# Test inputs and roots of the certificate-transparency reference implementations.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _leaves(count: int) -> list[bytes]:
    return [hash_leaf(i.to_bytes(4, "big")) for i in range(count)]


def _recursive_root(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hash_node(_recursive_root(hashes[:split]), _recursive_root(hashes[split:]))


def _grown(leaves: Sequence[bytes], cuts: Sequence[int]) -> tuple[Frontier, dict[TileKey, bytes]]:
    frontier, tiles = Frontier(), dict[TileKey, bytes]()
    bounds = [0, *sorted(min(cut, len(leaves)) for cut in cuts), len(leaves)]
    for lo, hi in pairwise(bounds):
        frontier, changed = grow(frontier, leaves[lo:hi])
        tiles |= changed
    return frontier, tiles


sizes = st.one_of(st.integers(1, 40), st.integers(250, 264), st.integers(500, 900))
cuts = st.lists(st.integers(0, 900), max_size=6)


@pytest.mark.parametrize(("count", "root"), list(enumerate(ROOTS, start=1)))
def test_the_shared_vectors(count: int, root: str) -> None:
    leaves = [hash_leaf(data) for data in INPUTS[:count]]
    assert root_of(leaves).hex() == root
    assert grow(Frontier(), leaves)[0].root().hex() == root


def test_the_empty_tree() -> None:
    assert Frontier().root() == EMPTY_ROOT == root_of([])


@given(sizes, cuts)
@settings(max_examples=60, deadline=None)
def test_growth_in_any_steps_gives_the_recursive_root(size: int, steps: list[int]) -> None:
    leaves = _leaves(size)
    frontier, tiles = _grown(leaves, steps)
    assert frontier.size == size
    assert frontier.root() == _recursive_root(leaves) == root_of(leaves)
    stored = {key: tiles[key] for key in frontier_keys(size)}
    assert frontier_of(size, stored) == frontier


def test_a_tree_of_three_levels_keeps_its_root() -> None:
    leaves = _leaves(256 * 256 + 300)
    frontier, tiles = _grown(leaves, [65_000, 65_536])
    assert len(frontier.partial) == 3
    assert frontier.root() == root_of(leaves)
    spans = inclusion_spans(65_600, len(leaves))
    proof = span_hashes(spans, {key: tiles[key] for key in tiles_for(spans)})
    assert included(leaves[65_600], 65_600, len(leaves), proof, frontier.root())


@given(sizes, st.data())
@settings(max_examples=60, deadline=None)
def test_every_leaf_can_be_proved_and_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    frontier, tiles = _grown(leaves, [])
    spans = inclusion_spans(index, size)
    proof = span_hashes(spans, {key: tiles[key] for key in tiles_for(spans)})
    assert proof == [_recursive_root(leaves[lo:hi]) for lo, hi in spans]
    assert included(leaves[index], index, size, proof, frontier.root())
    assert not included(hash_leaf(b"other"), index, size, proof, frontier.root())
    assert not included(leaves[index], index, size, [*proof, EMPTY_ROOT], frontier.root())
    if size > 1:
        assert not included(leaves[index], (index + 1) % size, size, proof, frontier.root())
        assert not included(leaves[index], index, size, proof[:-1], frontier.root())


@given(sizes, st.data())
@settings(max_examples=60, deadline=None)
def test_a_tree_that_only_grew_is_consistent_and_a_changed_one_is_not(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    leaves = _leaves(size)
    frontier, tiles = _grown(leaves, [old])
    old_root = root_of(leaves[:old])
    proof = span_hashes(consistency_spans(old, size), tiles)
    assert consistent(old, size, old_root, frontier.root(), proof)
    assert not consistent(old, size, hash_leaf(b"other"), frontier.root(), proof)
    changed = data.draw(st.integers(0, old - 1))
    other = [*leaves[:changed], hash_leaf(b"changed"), *leaves[changed + 1 :]]
    other_tiles = _grown(other, [])[1]
    other_proof = span_hashes(consistency_spans(old, size), other_tiles)
    assert not consistent(old, size, old_root, root_of(other), other_proof)
    assert not consistent(old, size, old_root, root_of(other), proof)


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="has no leaf 3"):
        inclusion_spans(3, 3)
    with pytest.raises(ValueError, match="from 4 to 3"):
        consistency_spans(4, 3)
    with pytest.raises(MissingTile):
        span_hashes([(0, 4)], {(0, 0): hash_leaf(b"one")})
    assert not included(EMPTY_ROOT, 0, 0, [], EMPTY_ROOT)
    assert consistent(0, 5, EMPTY_ROOT, hash_leaf(b"x"), [])
    assert not consistent(3, 2, EMPTY_ROOT, EMPTY_ROOT, [])

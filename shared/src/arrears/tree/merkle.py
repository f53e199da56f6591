"""Merkle trees of RFC 6962 §2.1 / RFC 9162 §2.1: roots, growth, proofs of inclusion and consistency. Pure.

The tree is kept in tiles (C2SP tlog-tiles, height 8): tile (level, idx) holds up to 256 hashes of nodes that each
span 256**level leaves, the first of them being node idx * 256 of that level. A full tile's own root is one hash of
the level above, so growing by one leaf touches one tile a level, and a proof reads a few tiles however large the tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HASH_BYTES: Final = 32
TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
EMPTY_ROOT: Final = hashlib.sha256().digest()

TileKey = tuple[int, int]
Tiles = Mapping[TileKey, bytes]
Span = tuple[int, int]
"""Leaves lo ≤ i < hi whose subtree hash a proof needs."""


class MissingTile(LookupError):
    """The tree's tiles do not cover what was asked for."""


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over nodes of equal height (RFC 6962 MTH): pairs joined level by level, an odd last one rises."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        joined = [hash_node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = [*joined, row[-1]] if len(row) % 2 else joined
    return row[0]


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be known to grow a tree: its size and the unfinished tile of each level (concatenated hashes)."""

    size: int = 0
    partial: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root of the whole tree.

        The tree of n leaves is made of full subtrees whose sizes are the bits of n, joined from the right.
        """
        joined: bytes | None = None
        for tile in self.partial:
            for subtree in reversed(list(_full_subtrees(tile))):
                joined = subtree if joined is None else hash_node(subtree, joined)
        return joined or EMPTY_ROOT


def grow(frontier: Frontier, leaves: Iterable[bytes]) -> tuple[Frontier, dict[TileKey, bytes]]:
    """Return the frontier after `leaves` (leaf hashes) and every tile that changed, finished or not."""
    rising = list(leaves)
    size, partial, changed, level = frontier.size + len(rising), list(frontier.partial), dict[TileKey, bytes](), 0
    while rising:
        if level == len(partial):
            partial.append(b"")
        first = (frontier.size >> (TILE_HEIGHT * level)) // TILE_WIDTH
        row = partial[level] + b"".join(rising)
        cuts = range(0, len(row), TILE_WIDTH * HASH_BYTES)
        tiles = [row[cut : cut + TILE_WIDTH * HASH_BYTES] for cut in cuts]
        changed.update({(level, first + i): tile for i, tile in enumerate(tiles)})
        rising = [root_of(split(tile)) for tile in tiles if len(tile) == TILE_WIDTH * HASH_BYTES]
        partial[level] = row[len(rising) * TILE_WIDTH * HASH_BYTES :]
        level += 1
    return Frontier(size, tuple(partial)), changed


def frontier_keys(size: int) -> list[TileKey]:
    """Return the unfinished tiles of a tree of `size` leaves, one a level; those without hashes are left out."""
    return [
        (level, width // TILE_WIDTH) for level, width in enumerate(_widths(size)) if width % TILE_WIDTH
    ]  # fmt: skip


def frontier_of(size: int, tiles: Tiles) -> Frontier:
    """Return the frontier of a stored tree. Raises MissingTile when a tile it needs is not there or too short."""
    partial = []
    for level, width in enumerate(_widths(size)):
        wanted = width % TILE_WIDTH
        partial.append(b"".join(_hashes(tiles, level, width // TILE_WIDTH, 0, wanted)) if wanted else b"")
    return Frontier(size, tuple(partial))


def split(tile: bytes) -> list[bytes]:
    """Return the hashes of a tile."""
    return [tile[i : i + HASH_BYTES] for i in range(0, len(tile), HASH_BYTES)]


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the subtrees whose hashes prove that leaf `index` is in the tree, leaf upwards (RFC 9162 §2.1.3.1).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path, lo, hi = list[Span](), 0, size
    while hi - lo > 1:
        middle = lo + _split_at(hi - lo)
        if index < middle:
            path.append((middle, hi))
            hi = middle
        else:
            path.append((lo, middle))
            lo = middle
    return path[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Return the subtrees whose hashes prove that the tree of `new` begins with the tree of `old` (RFC 9162 §2.1.4.1).

    Raises:
        ValueError: unless 0 < old ≤ new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new} leaves")
    path, lo, hi, whole = list[Span](), 0, new, True
    while old < hi:
        middle = lo + _split_at(hi - lo)
        if old <= middle:
            path.append((middle, hi))
            hi = middle
        else:
            path.append((lo, middle))
            lo, whole = middle, False
    if not whole:
        path.append((lo, hi))
    return path[::-1]


def tiles_for(spans: Iterable[Span]) -> set[TileKey]:
    """Return the tiles that `span_hashes` reads for `spans`."""
    found = set()
    for lo, hi in spans:
        for height, index in _nodes(lo, hi):
            level, within = divmod(height, TILE_HEIGHT)
            found.add((level, (index << within) // TILE_WIDTH))
    return found


def span_hashes(spans: Iterable[Span], tiles: Tiles) -> list[bytes]:
    """Return the subtree hash of each span. Raises MissingTile."""
    return [_span_hash(lo, hi, tiles) for lo, hi in spans]


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether `proof` shows that the leaf hash is leaf `index` of the tree with `root` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    inner, last, joined = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if inner & 1 or inner == last:
            joined = hash_node(sibling, joined)
            while not inner & 1 and inner:
                inner, last = inner >> 1, last >> 1
        else:
            joined = hash_node(joined, sibling)
        inner, last = inner >> 1, last >> 1
    return last == 0 and joined == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether `proof` shows that the new tree only added to the old one (RFC 9162 §2.1.4.2)."""
    if not 0 < old <= new:
        return old == 0 and not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # an old full tree is itself a node of the new one
    if not path:
        return False
    inner, last = old - 1, new - 1
    while inner & 1:
        inner, last = inner >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if inner & 1 or inner == last:
            first, second = hash_node(sibling, first), hash_node(sibling, second)
            while not inner & 1 and inner:
                inner, last = inner >> 1, last >> 1
        else:
            second = hash_node(second, sibling)
        inner, last = inner >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _widths(size: int) -> Iterator[int]:
    """Yield how many hashes each level of a tree of `size` leaves holds, from the leaves up."""
    while size:
        yield size
        size >>= TILE_HEIGHT


def _full_subtrees(tile: bytes) -> Iterator[bytes]:
    hashes, at = split(tile), 0
    for bit in reversed(range(TILE_HEIGHT)):
        width = 1 << bit
        if len(hashes) & width:
            yield root_of(hashes[at : at + width])
            at += width


def _split_at(width: int) -> int:
    """Return the largest power of two below `width` (≥ 2)."""
    return 1 << (width - 1).bit_length() - 1


def _nodes(lo: int, hi: int) -> Iterator[tuple[int, int]]:
    """Yield the full nodes (height, index) of which the span is made, from the left."""
    while lo < hi:
        height = (hi - lo).bit_length() - 1
        yield height, lo >> height
        lo += 1 << height


def _span_hash(lo: int, hi: int, tiles: Tiles) -> bytes:
    joined: bytes | None = None
    for height, index in reversed(list(_nodes(lo, hi))):
        level, within = divmod(height, TILE_HEIGHT)
        start = index << within
        node = root_of(_hashes(tiles, level, start // TILE_WIDTH, start % TILE_WIDTH, 1 << within))
        joined = node if joined is None else hash_node(node, joined)
    return joined or EMPTY_ROOT


def _hashes(tiles: Tiles, level: int, idx: int, start: int, count: int) -> list[bytes]:
    found = tiles.get((level, idx), b"")[start * HASH_BYTES : (start + count) * HASH_BYTES]
    if len(found) != count * HASH_BYTES:
        raise MissingTile(f"tile {idx} of level {level} does not hold hashes {start} to {start + count}")
    return split(found)

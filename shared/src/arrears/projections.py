"""Read models: pure folds of events into rows, written set-based, kept in generations.

A projection's table stands in schema `read` as `<name>_<gen>`; readers see the view `read.<name>` of the live one.
Own events arrive by position, foreign ones in the consumer's transaction; both take the shared swap lock, so that a
rebuild can compare and swap at one moment (rebuild.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from arrears.database import Connection, Database
from arrears.recorded import Recorded

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """One set-based statement of a projection.

    `rows(events)` is pure and returns one tuple a row; `sql` takes the transposed rows as array parameters $1…$n and
    names its table `{table}`. A row's key must come once a call where the statement updates.
    """

    rows: Callable[[Sequence[Recorded]], Sequence[Row]]
    sql: str

    async def apply(self, connection: Connection, table: str, events: Sequence[Recorded]) -> None:
        """Write what the events change."""
        if rows := self.rows(events):
            columns = [list(column) for column in zip(*rows, strict=True)]
            await connection.execute(self.sql.format(table=f"read.{table}"), *columns)


@dataclass(frozen=True, slots=True)
class Insert:
    """New rows only, copied in: for a read model whose rows never change and whose key is the event's own.

    An event reaches a read model once, so a key that is there already is an error and not a repetition.
    """

    rows: Callable[[Sequence[Recorded]], Sequence[Row]]
    columns: tuple[str, ...]

    async def apply(self, connection: Connection, table: str, events: Sequence[Recorded]) -> None:
        """Write a row for each event that has one."""
        if rows := self.rows(events):
            await connection.copy_records_to_table(table, schema_name="read", columns=self.columns, records=rows)


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model: its columns, what it follows, and how events become rows.

    `version` names its meaning: raise it when `columns` or `writes` change and rebuild. `follows` are the publishers it
    needs. `order_by` are the columns of its primary key, for row-wise comparison.
    """

    name: str
    version: int
    follows: frozenset[str]
    columns: str
    order_by: str
    writes: tuple[Write | Insert, ...]
    indexes: tuple[str, ...] = ()

    def table(self, gen: int) -> str:
        """Return the name of a generation's table."""
        return f"read.{self.name}_{gen}"

    @property
    def only_inserts(self) -> bool:
        """Whether no write ever looks for a row."""
        return all(isinstance(write, Insert) for write in self.writes)

    async def apply(self, connection: Connection, gen: int, events: Sequence[Recorded]) -> None:
        """Write what the events change, in the caller's transaction."""
        for write in self.writes:
            await write.apply(connection, f"{self.name}_{gen}", events)


async def create_generation(connection: Connection, projection: Projection, status: str) -> int:
    """Create an empty table of the next generation and return its number.

    One that is being built by inserts alone gets its indexes when it is full (`create_indexes`).
    """
    gen: int = await connection.fetchval(
        "INSERT INTO es.projection (name, gen, status, code_version) "
        "SELECT $1, coalesce(max(gen), 0) + 1, $2, $3 FROM es.projection WHERE name = $1 RETURNING gen",
        projection.name, status, projection.version,
    )  # fmt: skip
    await connection.execute(f"CREATE TABLE {projection.table(gen)} ({projection.columns})")
    if status == "live" or not projection.only_inserts:
        await create_indexes(connection, projection, gen)
    return gen


async def create_indexes(connection: Connection, projection: Projection, gen: int) -> None:
    """Create the secondary indexes of a generation."""
    for index in projection.indexes:
        await connection.execute(index.format(table=projection.table(gen)))


async def show(connection: Connection, projection: Projection, gen: int) -> None:
    """Point the readers' view at a generation."""
    await connection.execute(f"DROP VIEW IF EXISTS read.{projection.name}")
    await connection.execute(f"CREATE VIEW read.{projection.name} AS SELECT * FROM {projection.table(gen)}")


async def ensure_live(database: Database, projections: Iterable[Projection]) -> None:
    """Create the first generation of each projection that has none."""
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('es.projection'))")
        live = await live_generations(connection)
        for projection in projections:
            if projection.name not in live:
                gen = await create_generation(connection, projection, "live")
                await show(connection, projection, gen)


async def live_generations(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return generation and position of each live projection; the swap lock is held (shared) until the transaction ends."""
    rows = await connection.fetch("SELECT name, gen, position FROM es.live()")
    return {row["name"]: (row["gen"], row["position"]) for row in rows}


async def apply_foreign(connection: Connection, projections: Sequence[Projection], events: Sequence[Recorded]) -> None:
    """Write what foreign events change, in the consumer's transaction."""
    if not projections or not events:
        return
    live = await live_generations(connection)
    for projection in projections:
        wanted = [event for event in events if event.source in projection.follows]
        if wanted:
            await projection.apply(connection, live[projection.name][0], wanted)

"""The keys of persons: made when first needed, wrapped by the master key, kept in ingest's database, destroyed for good.

Handlers do no I/O, so the keys of a batch are loaded or made in one go inside its transaction (`prepare`); what a rolled
back transaction made is replaced by the next `prepare`, before anything is sealed with it.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from arrears.database import Connection
from arrears.events.corebanking import DebtorChanged, LoanBooked
from arrears.recorded import Recorded
from arrears.vault import SubjectKey, seal
from ingest.adapters import key_wrapping
from ingest.domain.refusals import KeyMissing
from ingest.use_cases.told import told

_AT_HAND: Final = 50_000
_FILE: Final = "ingest-master.key"

_LATEST: Final = """SELECT DISTINCT ON (debtor_id) debtor_id, generation, wrapped, destroyed_at FROM vault.subject_key
    WHERE debtor_id = ANY($1::text[]) ORDER BY debtor_id, generation DESC"""
_ENTER: Final = """INSERT INTO vault.subject_key (debtor_id, generation, wrapped)
    SELECT * FROM unnest($1::text[], $2::int[], $3::bytea[]) ON CONFLICT DO NOTHING"""


class MasterKeyMissing(Exception):
    """Production must be given the master key; one that appears by itself would be lost with its machine."""


class MasterKeyUnusable(Exception):
    """The master key is not 32 bytes in base64."""


def master_key(environ: Mapping[str, str]) -> bytes:
    """Return the key that wraps all others: ARREARS_MASTER_KEY, or in development a file that is made once.

    Raises:
        MasterKeyMissing, MasterKeyUnusable: see there.
    """
    if text := environ.get("ARREARS_MASTER_KEY", ""):
        return _decoded(text)
    if environ.get("ARREARS_ENV", "development") == "production":
        raise MasterKeyMissing("set ARREARS_MASTER_KEY to 32 bytes in base64")
    path = Path(environ.get("ARREARS_HOME", ".arrears")) / "keys" / _FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        fresh = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(key_wrapping.new_secret()))
        try:
            os.link(fresh, path)  # whole or not at all, and never over a key that is there
        finally:
            fresh.unlink()
    return _decoded(path.read_text("ascii"))


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise MasterKeyUnusable(f"the master key is no base64: {error}") from error
    if len(key) != 32:
        raise MasterKeyUnusable(f"the master key has {len(key)} bytes instead of 32")
    return key


class Vault:
    """Seals with keys that are at hand; `master` is asked for at first use."""

    def __init__(self, master: Callable[[], bytes]) -> None:
        self._load_master = master
        self._loaded: bytes | None = None
        self._keys: OrderedDict[str, SubjectKey] = OrderedDict()

    def seal(self, debtor_id: str, stream_key: str, event_type: str, field: str, value: str) -> str:
        """Return `value` sealed for this place; the empty text stays empty. The key must have been prepared."""
        return seal(self._key(debtor_id), stream_key, event_type, field, value) if value else ""

    def token(self, debtor_id: str, kind: str, value: str) -> str:
        """Return an id that follows from person, kind and value."""
        return key_wrapping.token(self._key(debtor_id), kind, value)

    async def prepare(self, connection: Connection, records: Sequence[Recorded]) -> None:
        """Bring the keys to hand that the records' personal data need, in the caller's transaction."""
        await self.bring(connection, _persons(records))

    async def bring(self, connection: Connection, debtor_ids: Iterable[str]) -> None:
        """Load the newest key of each debtor; make one where there is none or where it was destroyed."""
        wanted = sorted(set(debtor_ids))
        if not wanted:
            return
        rows = {row["debtor_id"]: row for row in await connection.fetch(_LATEST, wanted)}
        fresh = [
            SubjectKey(
                debtor_id=d,
                generation=rows[d]["generation"] + 1 if d in rows else 1,
                secret=key_wrapping.new_secret(),
            )
            for d in wanted
            if d not in rows or rows[d]["destroyed_at"] is not None
        ]
        if fresh:
            wrapped = [key_wrapping.wrap(self._master, key) for key in fresh]
            await connection.execute(_ENTER, [k.debtor_id for k in fresh], [k.generation for k in fresh], wrapped)
            # Another transaction may have been first: what stands in the table counts.
            rows = {row["debtor_id"]: row for row in await connection.fetch(_LATEST, wanted)}
        for row in rows.values():
            self._keep(key_wrapping.unwrap(self._master, row["debtor_id"], row["generation"], row["wrapped"]))

    async def key(self, connection: Connection, debtor_id: str) -> SubjectKey:
        """Return the person's newest key.

        Raises:
            KeyMissing: nothing was ever sealed for this person, or the key was destroyed.
        """
        row = next(iter(await connection.fetch(_LATEST, [debtor_id])), None)
        if row is None or row["destroyed_at"] is not None:
            raise KeyMissing("there is no key for this person")
        return key_wrapping.unwrap(self._master, debtor_id, row["generation"], row["wrapped"])

    @property
    def _master(self) -> bytes:
        if self._loaded is None:
            self._loaded = self._load_master()
        return self._loaded

    def _key(self, debtor_id: str) -> SubjectKey:
        return self._keys[debtor_id]

    def _keep(self, key: SubjectKey) -> None:
        self._keys[key.debtor_id] = key
        self._keys.move_to_end(key.debtor_id)
        if len(self._keys) > _AT_HAND:
            self._keys.popitem(last=False)


def _persons(records: Iterable[Recorded]) -> Iterable[str]:
    for record in records:
        data = record.data
        if isinstance(data, LoanBooked | DebtorChanged):
            customer = data.customer
            if customer.name or customer.phone or customer.email:
                yield told(record).debtor_id(data.customer_ref)

"""Clear addresses by the keys of ingest's key interface: kept for minutes at most, dropped when destroyed."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import httpx
import msgspec

from arrears.auth.discovery import ProviderUnavailable
from arrears.vault import SealBroken, SubjectKey, unseal
from outreach.domain.gate import KnownPoint
from outreach.use_cases.ports import NotSent

_KEPT_SECONDS: Final = 120.0
_AT_HAND: Final = 10_000


class KeyRing:
    """Asks ingest for a person's key under this service's own identity.

    Time here is real time: the virtual clock must not keep a key longer.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        ingest_url: str,
        auth: httpx.Auth,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._url = ingest_url.rstrip("/")
        self._auth = auth
        self._monotonic = monotonic
        self._keys: OrderedDict[str, tuple[float, SubjectKey]] = OrderedDict()

    async def clear(self, debtor_id: str, point: KnownPoint) -> str:
        """Return the point's address.

        Raises:
            NotSent: ingest has no such key (any more) or it does not fit; or ingest cannot be asked now (passing).
        """
        key = await self._key(debtor_id)
        try:
            return unseal(key, point.sealed_in, "ContactPointAdded", "value_sealed", point.value_sealed)
        except SealBroken as error:
            self.drop(debtor_id)
            raise NotSent(f"the address cannot be unsealed: {error}", passing=False) from error

    def drop(self, debtor_id: str) -> None:
        """Forget a person's key at once."""
        self._keys.pop(debtor_id, None)

    async def _key(self, debtor_id: str) -> SubjectKey:
        now = self._monotonic()
        found = self._keys.get(debtor_id)
        if found is not None and now < found[0]:
            return found[1]
        key = await self._ask(debtor_id)
        self._keys[debtor_id] = (now + _KEPT_SECONDS, key)
        self._keys.move_to_end(debtor_id)
        if len(self._keys) > _AT_HAND:
            self._keys.popitem(last=False)
        return key

    async def _ask(self, debtor_id: str) -> SubjectKey:
        try:
            answer = await self._http.get(f"{self._url}/v1/keys/{debtor_id}", auth=self._auth)
            if answer.status_code in (404, 410):
                raise NotSent("ingest has no key for this person", passing=False)
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=SubjectKey)
        except (httpx.HTTPError, msgspec.DecodeError, ProviderUnavailable) as error:
            raise NotSent(f"no key from ingest: {type(error).__name__}", passing=True) from error

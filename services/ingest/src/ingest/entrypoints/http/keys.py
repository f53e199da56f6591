"""GET /v1/keys/{debtor_id}: the key with which a service that must send unseals a person's data."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from arrears.runtime import Runtime
from ingest.entrypoints.steps import VAULT


class KeyAnswer(BaseModel):
    """One generation of a person's key, 32 bytes in base64; keep it for minutes at most."""

    debtor_id: str
    generation: int
    key: str


def key_routes(runtime: Runtime) -> APIRouter:
    """Return the key interface."""
    router = APIRouter(tags=["keys"])

    @router.get("/v1/keys/{debtor_id}")
    async def get_key(debtor_id: Annotated[str, Path(max_length=64)], response: Response) -> KeyAnswer:
        """Return the person's newest key; 404 where nothing was sealed or the key was destroyed."""
        async with runtime.database.connection() as connection:
            found = await VAULT.key(connection, debtor_id)
        response.headers["Cache-Control"] = "no-store"
        return KeyAnswer(debtor_id=debtor_id, generation=found.generation, key=base64.b64encode(found.secret).decode())

    return router

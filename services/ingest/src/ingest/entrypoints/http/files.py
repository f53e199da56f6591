"""POST /v1/files: a bank file, a log or core banking's facts, as the body or as one part of a form."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from arrears.auth.enforcement import CurrentPrincipal
from arrears.eventstore.commands import IdempotencyKey as CommandKey
from arrears.eventstore.work import Cause, Work
from arrears.http.idempotency import IdempotencyKey
from arrears.http.problems import Problem
from arrears.recorded import Actor
from arrears.runtime import Runtime
from ingest.adapters.payment_references import PaymentReferences
from ingest.entrypoints.file_formats import Arrival, read_file
from ingest.entrypoints.steps import VAULT
from ingest.use_cases.receive_file import apply_entries, earlier_import, finish_file

MAX_FILE_BYTES: Final = 64 * 1024 * 1024


class FileAnswer(BaseModel):
    """What became of a file. `imported_before`: the same bytes were read to their end already, nothing changed."""

    file_id: str
    format: str
    imported_before: bool
    entries: int
    applied: int
    repeated: int
    unmatched: int
    ignored: int
    left_out: list[str]
    rejected: list[str]


def file_routes(runtime: Runtime) -> APIRouter:
    """Return the door for files."""
    router = APIRouter(tags=["files"])
    lookup = PaymentReferences(runtime.database)

    @router.post("/v1/files")
    async def post_file(
        request: Request,
        key: IdempotencyKey,
        principal: CurrentPrincipal,
        format: Annotated[str, Query(description="camt, xes, fineract or jsonl", max_length=20)] = "camt",
    ) -> FileAnswer:
        """Read the file to its end; the same bytes again change nothing and say so."""
        data = await _bytes_of(request)
        cause = Cause(Actor(kind="user", id=principal.subject), principal.tenant)
        arrival = Arrival(data, runtime.clock.now(), cause)

        async def receive(work: Work) -> dict[str, Any]:
            if earlier := await earlier_import(arrival.file_id, work):
                return earlier
            content, persons = await asyncio.to_thread(read_file, format, arrival)
            async with runtime.database.transaction() as connection:
                await VAULT.bring(connection, persons)
            tally = await apply_entries(content, lookup, runtime.commands, cause, arrival.at)
            return await finish_file(content, tally, cause, work)

        command_key = CommandKey.of(principal.subject, key, b"POST /v1/files", format.encode(), data)
        answer = await runtime.commands.run(receive, command_key)
        return FileAnswer(**answer.response)

    return router


async def _bytes_of(request: Request) -> bytes:
    """Return the file: the whole body, or the part `file` of a form.

    Raises:
        Problem: 400, there is no file or it is empty.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=4) as form:
            part = form.get("file")
            data = await part.read() if isinstance(part, UploadFile) else b""
    else:
        data = await request.body()
    if not data:
        raise Problem(400, "file-missing", "the body, or the form's part `file`, must hold the file")
    return data

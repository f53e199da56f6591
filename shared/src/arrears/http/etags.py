"""Optimistic concurrency: a stream's version is its ETag, and `If-Match` the expected version (RFC 9110 §13)."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.datastructures import Headers

from arrears.http.problems import Problem

_TAG: Final = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def etag(version: int) -> dict[str, str]:
    """Return the header that names `version` of the answered thing."""
    return {"ETag": f'"{version}"'}


def expected_version(headers: Headers) -> int | None:
    """Return the version that `If-Match` names, None if there is no such header or it is `*`.

    Raises:
        Problem: 412, it is a weak tag, a list, or no tag of ours, so it can match nothing.
    """
    value = headers.get("if-match")
    if value is None or value.strip() == "*":
        return None
    tag = _TAG.fullmatch(value.strip())
    if tag is None:
        raise Problem(412, "precondition-failed", 'If-Match must be one strong ETag of this resource, e.g. "7"')
    return int(tag[1])


def _optional(request: Request) -> int | None:
    return expected_version(request.headers)


def _required(request: Request) -> int:
    version = expected_version(request.headers)
    if version is None:
        raise Problem(428, "precondition-required", "send If-Match with the ETag you decided on")
    return version


IfMatch = Annotated[int | None, Depends(_optional)]
RequiredIfMatch = Annotated[int, Depends(_required)]

"""The OpenAPI 3.1 document of a service, with what every route has in common: token, roles, problems, key."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from arrears.auth.policy import PolicyTable
from arrears.http.problems import MEDIA_TYPE

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:arrears:problem:call-cap-reached"]},
        "title": {"type": "string", "examples": ["Conflict"]},
        "status": {"type": "integer", "examples": [409]},
        "detail": {"type": "string", "examples": ["seven calls in seven days were made"]},
        "code": {"type": "string", "examples": ["call-cap-reached"]},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "examples": ["#/due_on"]},
                    "code": {"type": "string", "examples": ["missing"]},
                    "detail": {"type": "string", "examples": ["Field required"]},
                },
            },
        },
    },
    "additionalProperties": True,
}
_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 257},
    "example": '"018f2f6e-7a10-7c53-9d0e-3a5a4a0c0f11"',
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def describe(app: FastAPI, service: str, table: PolicyTable) -> dict[str, Any]:
    """Return the document of `app`; it contains what the framework knows and the policy of each route."""
    document = get_openapi(title=app.title, version=app.version, openapi_version="3.1.0", routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                _complete(item[method], service, method, path, table)
    return document


def _complete(operation: dict[str, Any], service: str, method: str, path: str, table: PolicyTable) -> None:
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    responses["default"] = {"description": "Refused or failed", "content": {MEDIA_TYPE: problem}}
    policy = table[(service, method.upper(), path)]
    if not policy.public:
        operation["security"] = [{"token": []}]
        operation["x-roles"] = sorted(policy.roles)
    if method == "post" and policy.key_required:
        operation.setdefault("parameters", []).append(_KEY)

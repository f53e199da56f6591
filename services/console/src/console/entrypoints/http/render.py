"""Turn a template into an answer: language, headers, addresses. Strict policy: no script, no style but our own file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from arrears.auth.principal import Principal
from arrears.timeline_texts import LANGUAGES, Lang, amount
from console.adapters.sessions import form_token
from console.entrypoints.http.cookies import session_token
from console.entrypoints.texts import TEXTS

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}
STYLE: Final = (files("console") / "static" / "console.css").read_bytes()
STYLE_PATH: Final = f"/static/console.css?v={hashlib.sha256(STYLE).hexdigest()[:12]}"
_templates: Final = Environment(
    loader=PackageLoader("console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def language(connection: HTTPConnection) -> Lang:
    """Return the language of the answer: `?lang=`, else the first of ours that Accept-Language names, else Chinese."""
    asked = connection.query_params.get("lang", "")
    for known in LANGUAGES:
        if asked == known:
            return known
    for part in connection.headers.get("accept-language", "").split(","):
        for known in LANGUAGES:
            if part.strip().lower().startswith(known):
                return known
    return "zh"


def page(connection: HTTPConnection, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Return a page. Every value is escaped by the template."""
    lang = language(connection)
    token = session_token(connection)
    principal = connection.scope.get("state", {}).get("principal")
    html = _templates.get_template(template).render(
        **values,
        lang=lang,
        t=TEXTS[lang],
        style=STYLE_PATH,
        who=principal if isinstance(principal, Principal) else None,
        form_token=form_token(token) if token else "",
        here=lambda **changes: _here(connection, changes),
        money=lambda minor, currency: amount(minor, currency, lang),
    )
    headers = {**HEADERS, "Content-Language": "zh-CN" if lang == "zh" else "en"}
    return HTMLResponse(html, status, headers=headers)


def zoned(at: datetime, zone: str) -> datetime:
    """Return an instant in the debtor's zone, in UTC when the zone is not known."""
    try:
        return at.astimezone(ZoneInfo(zone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return at.astimezone(ZoneInfo("UTC"))


def _here(connection: HTTPConnection, changes: Mapping[str, str | None]) -> str:
    """Return this address with some query parameters changed, or removed by None; the language stays as it was asked."""
    query = {**connection.query_params, **changes}
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{connection.url.path}?{text}" if text else connection.url.path

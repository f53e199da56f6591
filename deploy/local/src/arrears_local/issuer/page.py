"""The one page of the development issuer: choose who you are. Works without script and by keyboard, zh and en."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from arrears_local.issuer.directory import USERS, User

_STYLE: Final = """
body{font:16px/1.5 system-ui,"Noto Sans SC",sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
ul{list-style:none;padding:0}
button{font:inherit;width:100%;min-height:44px;margin:4px 0;padding:8px 12px;text-align:start;background:#fff;
border:2px solid #595959;border-radius:4px;cursor:pointer}
button:focus-visible,a:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
.role{color:#4a4a4a}
.note{border-inline-start:4px solid #b45309;padding-inline-start:12px}
"""
_TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Sign in to Arrears",
        "note": "Development issuer: everybody on this machine may choose anybody. It does not start in production.",
        "lead": "Continue as",
        "other": "中文",
        "failed": "This sign-in cannot go on",
    },
    "zh": {
        "title": "登录 Arrears",
        "note": "开发用身份服务:本机任何人都可选择任一用户;生产环境下拒绝启动。",
        "lead": "选择身份",
        "other": "English",
        "failed": "无法继续登录",
    },
}
_ROLE_NAMES: Final = {
    "collector": "催收员",
    "lead": "催收主管",
    "compliance": "合规",
    "legal": "法务",
    "auditor": "审计",
    "operator": "运维",
    "admin": "管理员",
    "agency": "委外机构",
}
_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    """<!doctype html>
<html lang="{{ lang }}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ text.title }}</title><style>{{ style }}</style>
<main>
{% if error %}<h1>{{ text.failed }}</h1>
<p role="alert">{{ error }}</p>{% else %}<h1>{{ text.title }}</h1>
<p class="note">{{ text.note }}</p>
<h2 id="who">{{ text.lead }}</h2>
<form method="post" action="/authorize">
{% for name, value in parameters.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}<ul aria-labelledby="who">
{% for subject, name, roles in people %}<li><button name="user" value="{{ subject }}">{{ name }}
<span class="role">· {{ roles }}</span></button></li>
{% endfor %}</ul></form>
<p><a href="/authorize?{{ switch }}" hreflang="{{ other_lang }}" lang="{{ other_lang }}">{{ text.other }}</a></p>
{% endif %}</main></html>
"""
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    # A form's target may redirect, so the addresses of clients on this machine must be allowed beside our own.
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self' http://127.0.0.1:* http://localhost:*",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def choose_page(parameters: Mapping[str, str], accept_language: str) -> str:
    """Return the page on which a developer chooses a user; `parameters` are repeated by its form."""
    lang = language(parameters.get("ui_locales"), accept_language)
    other = "en" if lang == "zh" else "zh"
    people = [(user.subject, user.name, _roles(user, lang)) for user in USERS.values()]
    switch = urlencode({**parameters, "ui_locales": other})
    return _render(lang, error=None, parameters=parameters, people=people, switch=switch)


def error_page(message: str, accept_language: str) -> str:
    """Return the page for a request after which the browser may be sent nowhere."""
    return _render(language(None, accept_language), error=message, parameters={}, people=[], switch="")


def language(wanted: str | None, accept_language: str) -> str:
    """Return `zh` or `en`: the one asked for by `ui_locales`, else the browser's first."""
    first = (wanted or accept_language).strip().lower()
    return "zh" if first.startswith("zh") else "en"


def _roles(user: User, lang: str) -> str:
    named = sorted(user.roles)
    return "、".join(_ROLE_NAMES[role] for role in named) if lang == "zh" else ", ".join(named)


def _render(lang: str, **content: object) -> str:
    return _TEMPLATE.render(
        lang="zh-CN" if lang == "zh" else "en",
        other_lang="en" if lang == "zh" else "zh-CN",
        text=_TEXTS[lang],
        style=Markup(_STYLE),
        **content,
    )

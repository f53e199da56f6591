"""A person's browser at the console: cookies, redirects, the development issuer's page; no script, no screen."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
from tests.system.running import System


class Browser:
    """Follows links and redirects as a browser does."""

    def __init__(self, http: httpx.AsyncClient, base_url: str) -> None:
        self._http = http
        self.base_url = base_url

    async def get(self, path: str, *, follow: bool = True) -> httpx.Response:
        """Ask for a page."""
        return await self._http.get(urljoin(self.base_url, path), follow_redirects=follow)

    async def sign_in(self, subject: str, path: str) -> httpx.Response:
        """Ask for a page without a session, choose who one is on the issuer's page, and return where that ends."""
        chooser = await self.get(path)
        parts = urlsplit(str(chooser.url))
        form = {**dict(parse_qsl(parts.query)), "user": subject}
        return await self._http.post(parts._replace(query="").geturl(), data=form, follow_redirects=True)

    async def pages(self, path: str) -> str:
        """Return the text of a page and all that its links to the next page lead to."""
        text, next_path = "", path
        while next_path:
            answer = await self.get(next_path)
            assert answer.status_code == 200, answer.text
            text += answer.text
            found = re.search(r'<p class="pages">.*?href="([^"]*[?&]amp;at=[^"]*|[^"]*\?at=[^"]*)"', answer.text)
            next_path = unescape(found[1]) if found else ""
        return text


@asynccontextmanager
async def browsing(system: System) -> AsyncIterator[Browser]:
    """Yield a browser without cookies."""
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    async with httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
        yield Browser(http, system.doors.url("console"))

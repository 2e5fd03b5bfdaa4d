"""What our HTTP clients have in common: which wait a server may ask for, and that nobody follows a redirect.

A redirect is followed with the headers of the request, the token among them, so that whoever can answer one request
could send our token anywhere. None of our servers redirects; where one does, the address is wrong.
"""

from __future__ import annotations

import re
import urllib.request
from typing import Any
from urllib.parse import urljoin, urlsplit

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


def retry_after(value: str, most: float) -> float:
    """The seconds in a `Retry-After` header, at most `most`; 0 for a date and for everything else."""
    value = value.strip()
    return min(float(value), most) if _SECONDS.fullmatch(value) else 0.0


def is_web(url: str) -> bool:
    """Whether an address is one of HTTP with a host; `urlsplit` raises for some that are none."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def redirected(status: int, url: str, location: str) -> str:
    """That an answer is a redirect, and where to ("" if it is none); without queries, which may hold secrets."""
    if not 300 <= status < 400:
        return ""
    try:
        parts = urlsplit(urljoin(url, location))
        target = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        target = "an address that is none"
    return f"it redirects (HTTP {status}) to {target[:200]!r}, which is not followed"


class _Refusing(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """None: the redirect is the answer."""


def opener() -> urllib.request.OpenerDirector:
    """urllib that raises `HTTPError` for a redirect instead of following it."""
    return urllib.request.build_opener(_Refusing)

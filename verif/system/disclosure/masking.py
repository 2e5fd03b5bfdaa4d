"""Addresses as they may be shown: in messages, logs, MLflow's tags and Prefect's pages.

Passwords in addresses are often not percent-encoded, so nothing here parses: whatever stands before the last `@` goes,
and so do query and fragment. More than the password may be hidden, never less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from verif.system.disclosure.content import SHAPES

HIDDEN = "***"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,40}://")
_WORD = re.compile(r"\S+")
_REST = re.compile(r"[\w+/=.~%-]{0,4000}")
SHORTEST = 4
"""A password below this length is hidden in its address only: elsewhere it would blot out ordinary words."""


def mask_uri(uri: str) -> str:
    """One address without user, password, query and fragment."""
    scheme = _SCHEME.search(uri)
    if scheme and ":" in uri[: scheme.start()]:
        scheme = None  # no address begins like that: it is a password that holds `://`
    head, rest = (uri[: scheme.end()], uri[scheme.end() :]) if scheme else ("", uri)
    before, at, after = rest.rpartition("@")
    if at and (scheme or ":" in before):
        # What follows a `?` may be a password's end and then the host, or a query with an `@` in it.
        rest = HIDDEN if "?" in before or "#" in before else f"{HIDDEN}@{after}"
    for mark in "?#":
        place, sign, query = rest.partition(mark)
        if sign:
            rest = place + sign + (HIDDEN if query else "")
    return head + rest


def without_user(uri: str) -> str:
    """An address that still leads there, for a link: whoever follows it logs in as themselves."""
    return mask_uri(uri).replace(f"{HIDDEN}@", "", 1)


def passwords(uri: str) -> set[str]:
    """What may be the password in an address, as it is written and decoded: up to which `@` it goes is not known."""
    scheme = _SCHEME.match(uri)
    rest, out = uri[scheme.end() :] if scheme else uri, set[str]()
    for at in [place for place, sign in enumerate(rest) if sign == "@"][:50]:
        secret = rest[:at].partition(":")[2]
        out |= {secret, unquote(secret)} if secret else set()
    return out


def _as_quoted(secret: str) -> set[str]:
    """The ways in which a message may quote it: `repr` escapes one kind of quotation mark, or the other, or none."""
    slashed = secret.replace("\\", "\\\\")
    return {secret, slashed, slashed.replace("'", "\\'"), slashed.replace('"', '\\"')}


def mask(text: str, known: Iterable[str] = ()) -> str:
    """A text without the passwords of the addresses in it, of `known` ones wherever they stand, and of known tokens."""
    for uri in known:
        text = text.replace(uri, mask_uri(uri)) if uri else text
        quoted = {form for secret in passwords(uri) for form in _as_quoted(secret)}
        for secret in sorted(quoted, key=len, reverse=True):
            if len(secret) >= SHORTEST:
                text = text.replace(secret, HIDDEN)
    text = _WORD.sub(lambda word: _masked(word[0]), text)
    for reason, shape in SHAPES:
        if reason.lower().endswith(("token", "key", "header")):
            text = _hide(shape, text)
    return text


def _hide(shape: re.Pattern[str], text: str) -> str:
    """The text without what has this shape, to the end of the word: a shape knows how a token begins."""
    out, at = [], 0
    for secret in shape.finditer(text):
        if secret.start() >= at:
            out += [text[at : secret.start()], HIDDEN]
            rest = _REST.match(text, secret.end())
            at = rest.end() if rest else secret.end()
    return "".join([*out, text[at:]])


def _masked(word: str) -> str:
    return mask_uri(word) if "://" in word or ":" in word.rpartition("@")[0] else word


def mask_values(value: Any) -> Any:
    """The same for every text in nested lists and dictionaries."""
    if isinstance(value, dict):
        return {key: mask_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_values(item) for item in value]
    return mask(value) if isinstance(value, str) else value

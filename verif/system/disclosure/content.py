"""Does a text hold a secret? Known forms of keys and tokens, credentials in addresses, and literals given to telling names.

Careful rather than clever: what looks like a secret counts as one, and the reason is told. It reads text: what is
encrypted, compressed or spelled over several lines passes, so binary files that nobody added are withheld whole.
Every expression is bounded, so that the time is linear in the text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import PurePosixPath

SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        ("private key", r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY|PuTTY-User-Key-File|AGE-SECRET-KEY-1"),
        ("AWS key", r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
        ("Google key",
         r"(?<![A-Za-z0-9])(?:AIza[\w-]{35}|ya29\.[\w-]{20}|GOCSPX-[\w-]{20})|\"type\"\s{0,9}:\s{0,9}\"service_account\""),
        ("GitHub token", r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30}|(?<![A-Za-z0-9])github_pat_\w{20}"),
        ("GitLab token", r"(?<![A-Za-z0-9])gl(?:pat|ptt|rt|dt|cbt)-[\w-]{18}"),
        ("Hugging Face token", r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z0-9]{20}"),
        ("Slack token", r"(?<![A-Za-z0-9])xox[a-z]-[\w-]{10}|hooks\.slack\.com/services/\w"),
        ("API key",
         r"(?<![A-Za-z0-9])(?:sk-[\w-]{20}|[sr]k_(?:live|test)_\w{16}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{30}|dop_v1_\w{20})"),
        ("provider's token",
         r"(?<![A-Za-z0-9])(?:SG\.[\w-]{16,64}\.[\w-]{16}|(?:SK|AC|dapi|shp(?:at|ca|pa|ss)_|key-)[0-9a-f]{32}"
         r"|[MNO][\w-]{22,28}\.[\w-]{6}\.[\w-]{27}|\d{8,10}:AA[\w-]{30}|hv[sbr]\.[\w-]{20}|\w{14}\.atlasv1\.[\w-]{20}"
         r"|(?:dckr_pat|lin_api|ntn|glsa|glc|sntry[su]|r8|gsk|pcsk|lsv2_[ps]t|sbp|figd|rubygems|pn[ub])_\w{16}"
         r"|(?:PMAK|NRAK|xai|pplx|nvapi|pul)-[\w-]{20}|dp\.(?:pt|st|ct|sa)\.\w{20}|fm[12]_[\w+/=-]{20}|1//0[\w-]{25})"),
        ("Docker or Kaggle key",
         r"\"(?:auth|identitytoken)\"\s{0,9}:\s{0,9}\"[\w+/=-]{12}|\"key\"\s{0,9}:\s{0,9}\"[0-9a-f]{32}\""),
        ("signature key", r"[?&]sig=[\w%+/-]{20}|[?&]X-Amz-Signature=[0-9a-f]{32}"),
        ("signed token", r"(?<![A-Za-z0-9])eyJ[\w-]{10,300}\.eyJ[\w-]{10}"),
        ("password hash", r"\$(?:apr1|2[abxy]|1|5|6|y|argon2id?)\$[\w./,=+-]{2}"),
        ("authorisation header",
         r"(?i)\bauthorization[\"']?\s{0,9}[:=]\s{0,9}[\"']?(?:basic|bearer|token)\s{1,9}(?![.$<{*%])[\w+/=.~-]{6}"),
        ("password on a command line",
         r"\s--?(?:password|passwd|passphrase|api-key|token)[ =][\"']?(?![-.$<{*%|)\]\s\"'A-Z])[^\s\"']{6}"
         r"|\bcurl\b[^\n]{0,200}\s(?:-u|--user)[ =]?[\"']?[\w.@-]{1,80}:(?![$<{*%])[^\s\"']{3}"
         r"|(?i:\bidentified\s{1,9}by\s{1,9}(?:password\s{1,9})?['\"][^'\"\n]{3})|(?i:<pass(?:word|wd)>(?!\.\.\.|x{3}|[$%{*])[^<\n]{3})"
         r"|(?m:^ENV\s{1,9}\w{0,40}(?:TOKEN|SECRET|PASSWORD|API_KEY)\s{1,9}[^\s$=]{6})"),
        ("netrc entry", r"(?i)\b(?:machine|login)\s{1,9}\S{1,200}\s{1,9}(?:login\s{1,9}\S{1,200}\s{1,9})?password\s{1,9}\S"),
        ("Kubernetes secret", r"(?m)^kind:\s{0,9}[\"']?Secret\b|\bclient-key-data\b"),
    )
)  # fmt: skip
_ADDRESS = re.compile(r"(?<=://)[^\s/:@\"'<>]{0,200}:([^\s\"'<>]{1,400})@")
_PASSWORD = r"pass(?:word|wd|phrase)s?|(?<=[a-z]_)pass(?![a-z])|\bpsk(?![a-z])|(?<![a-z])_auth(?![a-z])|\bpw(?![a-z])|pwd"  # noqa: S105
_KEY = (
    r"token|secret|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|account[_-]?key|preshared[_-]?key|credential"
    r"|auth[_-]?string|authkey"
)
_ASSIGNED = re.compile(
    rf"(?i)(?P<name>(?P<password>{_PASSWORD})|(?:{_KEY}))(?P<rest>[\w.-]{{0,60}})[\"']?\]?(?P<as>\s{{0,9}}(?::=|=>|=|:)\s{{0,9}})"
    r"(?P<value>\"[^\"\n]{1,4000}\"?|'[^'\n]{1,4000}'?|[^\s\"'#,;(){}]{1,4000})"
)
_NAMED = re.compile(
    rf"(?i)\bname[\"']?\s{{0,9}}:\s{{0,9}}[\"']?[\w-]{{0,60}}(?:(?P<password>{_PASSWORD})|{_KEY})(?P<rest>[\w-]{{0,60}})[\"']?"
    r"\s{0,40},?\s{0,40}[\"']?value[\"']?(?P<as>\s{0,9}:\s{0,9})(?P<value>\"[^\"\n]{1,4000}\"|'[^'\n]{1,4000}'|[^\s\"'#,;(){}]{1,4000})"
)
_PLACEHOLDER = re.compile(
    r"(?i)[$<{%*(]|\.\.\.|x{3,}|your[_-]|change[_-]?me|example|placeholder|redacted|none$|null$|true$|false$|~$"
)
_CODE = {".py", ".pyi", ".js", ".ts", ".go", ".rs", ".java", ".c", ".h", ".cpp"}


def find_secret(text: str, path: str = "") -> str:
    """Why this text is withheld, or an empty string. `path` tells program text, where an unquoted value is an expression."""
    for reason, shape in SHAPES:
        if shape.search(text):
            return reason
    if any(
        not _PLACEHOLDER.match(address[1]) and address[1] != "PASSWORD" for address in _ADDRESS.finditer(text)
    ):
        return "address with a password"
    code = PurePosixPath(path).suffix in _CODE
    for literal in (*_ASSIGNED.finditer(text), *_NAMED.finditer(text)):
        if _is_literal(literal, code):
            return "password" if literal["password"] else "token or key"
    return ""


def _is_literal(literal: re.Match[str], code: bool) -> bool:
    value, quoted = literal["value"], literal["value"][0] in "\"'"
    if literal["rest"][:1].islower() and not literal["password"]:
        return False  # tokenizer, tokens, credentials: other words
    if literal["rest"].lower().endswith(("file", "path")):
        return False  # where it lies, not what it is
    value = value.strip("\"'")
    if (code and not quoted) or not value or _PLACEHOLDER.match(value):
        return False
    if literal["password"]:
        return len(value) >= 3 or value in ("|", ">", "|-", ">-")
    return looks_random(value)


def looks_random(value: str) -> bool:
    """Whether a word is more likely drawn than written: long, of mixed kinds of characters, hardly any of them often."""
    if len(value) < 12 or " " in value or "/" in value[:2]:
        return False
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    kinds = (
        any(c.isdigit() for c in value),
        any(c.islower() for c in value),
        any(c.isupper() for c in value),
    )
    return entropy >= 3.0 and ((sum(kinds) >= 2 and kinds[0]) or (len(value) >= 20 and entropy >= 4.0))


def decoded(data: bytes) -> str:
    """Bytes as text to look through: UTF-16 where they say so, else whatever reads as Latin letters."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "surrogateescape")

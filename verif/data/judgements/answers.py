"""What a tiny judge writes after its reasons, to the byte: each verdict is one token of it."""

from __future__ import annotations

PASS, FAIL = '{"verdict":"pass"}', '{"verdict":"fail"}'
BETTER = {"A": '{"better":"A"}', "B": '{"better":"B"}'}
CLOSE = "</think>"

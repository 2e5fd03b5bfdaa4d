"""A judge is served with as many tokens as it is asked to read, and never with more than it has positions."""

from __future__ import annotations

import json
from pathlib import Path

from verif.service.__main__ import context_of


def test_a_judge_gets_no_more_tokens_than_it_has_positions(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    assert context_of(2048, tmp_path) == 512
    assert context_of(256, tmp_path) == 256
    assert context_of(None, tmp_path) is None, "the server's own choice"

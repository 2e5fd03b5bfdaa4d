"""What evaluation harnesses leave: lm-evaluation-harness samples, NeMo Gym rows and rollouts."""

from __future__ import annotations

from typing import Any

from verif.core.forms import questions
from verif.core.forms.fields import Raw, Where, identifier, written
from verif.core.forms.parts import Parts, plain
from verif.core.forms.talk import RESPONSES, Said, samples


def sample(raw: Raw, where: Where) -> Parts:
    """lm-eval's `samples_*.jsonl`: the row in `doc`, what was said in `filtered_resps`, else in `resps`.

    The filtered ones are what lm-eval judged. Where a filter kept one of several, all of them are read.
    """
    doc = written(raw["doc"], "doc", where)
    if not isinstance(doc, dict):
        raise where.wanted("an object", doc, "doc")
    before = {"id": raw["doc_id"]} if "doc_id" in raw and not {"id", "key"} & doc.keys() else {}
    inner = {**before, **doc}
    parts = questions.read(inner, where) if questions.known(inner) else plain(inner, where)
    if beside := next((name for name in RESPONSES if raw.get(name) is not None), ""):
        raise where.error(
            "is a second response beside lm-eval's `resps`", beside, "Keep one of the two: which was judged?"
        )
    said = {name: _flat(raw[name], where, name) for name in ("filtered_resps", "resps") if name in raw}
    kept, whole = said.get("filtered_resps"), said.get("resps")
    chosen = whole if kept is None or (whole is not None and len(kept) == 1 < len(whole)) else kept
    return Parts(parts.id, parts.asked, parts.constraints, chosen, parts.families)


def _flat(value: Any, where: Where, field: str) -> tuple[Said, ...]:
    """One request's responses: a list, or a list in a list."""
    value = written(value, field, where)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        return samples(value[0], where, f"{field}.0")
    if isinstance(value, list) and any(isinstance(item, list) for item in value):
        raise where.error("must hold the responses to one request, holds those of several", field)
    return samples(value, where, field)


def gym(raw: Raw, where: Where) -> Parts:
    """NeMo Gym: the conversation in `responses_create_params.input`, the rollout in `response`."""
    params = written(raw["responses_create_params"], "responses_create_params", where)
    if not isinstance(params, dict) or "input" not in params:
        raise where.wanted("an object with `input`", params, "responses_create_params")
    system = [{"role": "system", "content": params["instructions"]}] if params.get("instructions") else []
    value = params["input"]
    talk = value if isinstance(value, str) else [*system, *(value if isinstance(value, list) else [value])]
    rest = {key: item for key, item in raw.items() if key not in ("prompt", "responses_create_params")}
    return plain({**rest, "prompt": talk, "id": identifier(raw, where)}, where)

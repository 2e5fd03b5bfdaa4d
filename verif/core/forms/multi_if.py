"""Multi-IF: three turns a row, each with a prompt, ids and kwargs of its own."""

from __future__ import annotations

from verif.core.forms import ids
from verif.core.forms.fields import Raw, Where, identifier
from verif.core.forms.parts import Parts
from verif.core.forms.talk import Asked, Said, asked, said

TURNS = (1, 2, 3)
MULTILINGUAL = {
    id: f"{id}_multilingual"
    for id in ("length_constraints:number_words", "length_constraints:number_sentences", "startend:quotation")
}
"""Types that Multi-IF's own code decides by the response's language."""


def turns(raw: Raw, where: Where) -> list[Parts]:
    """A row for each turn; `turn_N_response` holds what was said, and earlier turns are its history."""
    out: list[Parts] = []
    history: tuple[dict[str, str], ...] = ()
    for turn in TURNS:
        if raw.get(f"turn_{turn}_prompt") is None:
            break
        talk = asked(raw[f"turn_{turn}_prompt"], where, f"turn_{turn}_prompt")
        names = (f"turn_{turn}_instruction_id_list", f"turn_{turn}_kwargs")
        constraints = ids.constraints(raw, where, names, variants=MULTILINGUAL)
        field = f"turn_{turn}_response"
        reply: Said | None = said(raw[field], where, field) if field in raw else None
        question = Asked(talk.prompt, talk.system, history)
        out.append(
            Parts(f"{identifier(raw, where)}/{turn}", question, constraints, (reply,) if reply else None)
        )
        history = (*history, {"role": "user", "content": talk.prompt})
        history += ({"role": "assistant", "content": reply.text},) if reply else ()
    return out

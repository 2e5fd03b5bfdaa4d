"""A constraint has one name in every table, so that `verif score`, the audit and the evaluation can be read together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.audit.accuracy import measure
from verif.audit.cases import AuditCase as AuditCase
from verif.audit.cases import Opinion
from verif.core.row_files import read_rows
from verif.core.score import score
from verif.core.summary import Summary
from verif.evaluation.case import Case, Generation
from verif.evaluation.judging import blank, by_verifier
from verif.types import Instruction, Status, Verdict, type_names

ROW = """{"id": "7", "prompt": "Write.", "response": "A day.", "checkers": ["[rule] Length: Write two words.",
"[llm] Tone: Be calm.", "[llm] Be kind."], "functions": ["def check_following(i, r): return True", "", ""]}"""
NAMES = ["checker:Length", "soft:Tone", "soft"]


class Silent:
    """Answers nothing."""

    async def verify(self, items, **_options):  # type: ignore[no-untyped-def]
        for item in ():
            yield item


def test_every_table_uses_the_same_names(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(ROW.replace("\n", " "))
    (row,) = read_rows(path)
    assert row.instruction is not None
    assert type_names(row.instruction) == NAMES

    summary = Summary()
    for scored in score([row]):
        summary.add(scored)
    assert list(summary.by_type) == NAMES

    verdicts = tuple(Verdict(status=Status.PASS, covers=(i,)) for i in range(3))
    case = AuditCase("7", row.instruction, "A day.", (True, True, True))
    assert set(measure([case], [Opinion(verdicts, True, True, 1.0)], "average").types) == set(NAMES)

    asked, answer = Case(row.instruction), Generation("A day.")
    kept = by_verifier([(blank("b", "after", "t1", asked, answer), asked, answer)], Silent(), "id")  # type: ignore[arg-type]
    assert [verdict.family for verdict in kept] == NAMES


def test_the_rules_of_the_local_world_are_named_by_their_ids() -> None:
    import random

    from verif.data.world.prompts import draw

    item = draw(random.Random(3), "train")
    rules = [c.rule for c in item.constraints if c.kind == "rule"]
    assert [name for name in type_names(item) if ":" in name and not name.startswith("soft:")] == rules


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_a_row_claims_there_is_a_name_for_each_constraint(families: object) -> None:
    item = Instruction.model_validate(
        {"id": "1", "prompt": "p", "meta": {"families": families},
         "constraints": [{"kind": "soft", "text": "t"}, {"kind": "checker", "text": "t", "source": "s"}]}
    )  # fmt: skip
    names = type_names(item)
    assert len(names) == 2
    assert names[0].startswith("soft")
    assert names[1].startswith("checker")

"""inspect-ai: a scorer. The sample's metadata carries the constraints, in any form of `verif.core.rows`.

An error is `Score.unscored`: it stays in the log with its reason, and no metric counts it.
"""

from __future__ import annotations

from typing import Any

from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState

from verif.core.asked import item_of
from verif.core.failures import why
from verif.core.rows import Where
from verif.integrations.asking import Asker
from verif.integrations.host import written_for
from verif.types import Status


@scorer(metrics=[accuracy(), stderr()])
def verif(url: str | None = None, **how: Any) -> Scorer:
    """The verifier's reward of the completion; `how` is that of `verif.integrations.asking.Asker`."""
    written_for("inspect-ai", "0.3")
    asker = Asker(url, **how)

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        where = Where(f"sample {str(state.sample_id)[:80]}", state.epoch)
        said, finished = state.output.completion, state.output.stop_reason != "max_tokens"
        item = item_of(state.metadata, said, where, prompt=state.input_text, finished=finished)
        [answer] = await asker.ask([item])
        verdicts = [verdict.model_dump(mode="json") for verdict in answer.verdicts]
        if answer.reward.value is None:
            return Score.unscored(
                reason="grader_failed", answer=said, explanation=why(answer), metadata={"verdicts": verdicts}
            )
        missed = [verdict.reason for verdict in answer.verdicts if verdict.status is not Status.PASS]
        return Score(
            value=answer.reward.value,
            answer=said,
            explanation="; ".join(missed) or None,
            metadata={"verdicts": verdicts},
        )

    return score

"""NeMo Gym's `POST /verify`: a row with `response` in the form of OpenAI's Responses API; written for 0.7.

The row carries the constraints in any form, beside `responses_create_params`, whose input is the prompt. The answer is
the row with `reward`. An error is `mask_sample` with a kind of Gym's own vocabulary: the 0.0 beside it counts nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verif.core.asked import item_of
from verif.core.failures import why
from verif.core.forms.talk import content
from verif.core.rows import Where
from verif.service.dialects.dialect import Dialect, truth
from verif.types import Item, Status, Verification


def read(body: dict[str, Any], _: Mapping[str, str]) -> list[Item]:
    """The one item of a body."""
    where = Where("NeMo Gym request", 1)
    response, asked = body.get("response"), body.get("responses_create_params")
    if not isinstance(response, dict) or not isinstance(asked, dict):
        raise where.error(
            "must be an object", "responses_create_params" if isinstance(response, dict) else "response"
        )
    row = {name: value for name, value in body.items() if name not in ("response", "responses_create_params")}
    if "ground_truth" in row:
        row |= truth(row["ground_truth"], where)
    said, finished = _said(response, where), response.get("status") in ("completed", None)
    return [item_of(row, said, where, prompt=asked.get("input"), finished=finished)]


def _said(response: dict[str, Any], where: Where) -> str:
    """The text of the last message among the outputs; what was reasoned is an output of its own and stays out."""
    outputs = response.get("output")
    if not isinstance(outputs, list):
        raise where.error("must be a list", "response.output")
    messages = [output for output in outputs if isinstance(output, dict) and output.get("type") == "message"]
    return content(messages[-1], where, "response.output") if messages else ""


def answer(body: dict[str, Any], verifications: Sequence[Verification]) -> Any:
    """The body with its reward, masked where there is none."""
    verification = verifications[0]
    if verification.reward.value is not None:
        return {**body, "reward": verification.reward.value}
    judge = any(v.status is Status.ERROR and v.part.startswith("judge:") for v in verification.verdicts)
    kind = "judge_failed" if judge else "verifier_error"
    return {
        **body, "reward": 0.0, "mask_sample": True, "failure_kind": kind, "failure_reason": why(verification)[:1000]
    }  # fmt: skip


NEMO_GYM = Dialect("/verify", read, answer, masks=True)

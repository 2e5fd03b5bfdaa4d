"""Questions with a reference answer: GSM8K, MATH, multiple choice, and ground truths of such sets in trainers' rows.

- GSM8K: `{question, answer}`, whose answer ends with `#### 72`
- MATH: `{problem, solution}`, whose solution boxes the answer, or `{problem, answer}`
- multiple choice: `{question, choices | options, answer | answer_index | answerKey}`, as MMLU, MMLU-Pro and ARC have them
- a ground truth that is only an answer, under veRL's `data_source`
"""

from __future__ import annotations

import string
from typing import Any

from verif.core.answers.check import check_reference
from verif.core.answers.final import final_answer
from verif.core.forms.fields import Raw, Where, identifier, is_nan, list_field, shown, text_field, written
from verif.core.forms.parts import Parts, prompt
from verif.core.forms.talk import Asked, responses
from verif.types import Comparison, ReferenceConstraint

LETTERS = string.ascii_uppercase
ASKED = "Give the right final answer."
"""The constraint in words."""
MARK = "####"
MOST_MORE = 100
"""Alternatives of one reference, as its type allows."""
SOURCES: dict[str, Comparison] = {
    "openai/gsm8k": "number", "gsm8k": "number", "lighteval/MATH": "math", "DigitalLearningGmbH/MATH-lighteval": "math",
    "HuggingFaceH4/MATH-500": "math", "math": "math", "MATH": "math", "math_dapo": "math", "math_dapo_reasoning": "math",
    "numina_aops_forum": "math", "numina_synthetic_math": "math", "numina_amc_aime": "math", "numina_synthetic_amc": "math",
    "numina_cn_k12": "math", "numina_olympiads": "math", "hiyouga/geometry3k": "math",
}  # fmt: skip
"""How the answers of a `data_source` are compared. veRL knows these names (`verl.utils.reward_score`)."""
_SEARCH, _CONTEST = "searchR1_", "aime"


def known(raw: Raw) -> bool:
    """Whether a row is a question with a reference answer."""
    if "question" in raw and _options(raw) is not None:
        return True
    if isinstance(raw.get("problem"), str):
        return "solution" in raw or "answer" in raw
    return isinstance(raw.get("question"), str) and MARK in str(raw.get("answer"))


def read(raw: Raw, where: Where) -> Parts:
    """The question with its reference; a reference at fault is refused by the name of its own field."""
    said = responses(raw, where)
    named = {"id": raw.get("unique_id", raw.get("question_id"))} | {
        k: v for k, v in raw.items() if v is not None
    }
    id = identifier(named, where)
    if "question" in raw and _options(raw) is not None:
        talk, reference = _choice(raw, where)
    elif "problem" in raw:
        talk, reference = Asked(text_field(raw, "problem", where)), _math(raw, where)
    else:
        talk, reference = Asked(text_field(raw, "question", where)), _marked(raw, where)
    return Parts(id, talk, (reference,), said)


def compared(source: object) -> Comparison | None:
    """How answers of a veRL `data_source` are compared; None for one that verif does not know."""
    if not isinstance(source, str):
        return None
    if source.startswith(_SEARCH):
        return "text"
    return "math" if source.startswith(_CONTEST) else SOURCES.get(source)


def grounded(raw: Raw, value: Any, where: Where, field: str) -> Parts | None:
    """A row whose ground truth is an answer and nothing else; None where its `data_source` says nothing of the kind.

    Several texts are alternatives: `{"target": [...]}` as the search sets write it, or a list.
    """
    compare = compared(raw.get("data_source"))
    if compare is None:
        return None
    value = written(value, field, where) if compare == "text" else value
    value = value.get("target") if isinstance(value, dict) else value
    answers = value if isinstance(value, list) else [value]
    texts = [_written(answer, where, field) for answer in answers]
    if not texts:
        raise where.error("holds no answer", field)
    reference = _reference(texts[0], compare, where, field, tuple(texts[1:]))
    return Parts(identifier(raw, where), prompt(raw, where), (reference,), responses(raw, where)).with_reply()


def _written(value: Any, where: Where, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or is_nan(value):
        raise where.wanted("an answer as text or a number", value, field)
    return str(value)


def _reference(
    answer: str, compare: Comparison, where: Where, field: str, more: tuple[str, ...] = ()
) -> ReferenceConstraint:
    if len(more) > MOST_MORE:
        raise where.error(f"holds {len(more) + 1:,} answers; at most {MOST_MORE + 1} are compared", field)
    reference = ReferenceConstraint(text=ASKED, answer=answer, compare=compare, alternatives=more)
    check_reference(reference, file=where.file, row=where.row, field=field)
    return reference


def _marked(raw: Raw, where: Where) -> ReferenceConstraint:
    """GSM8K's answer: what follows its one `####`."""
    solution = text_field(raw, "answer", where)
    if solution.count(MARK) > 1:
        raise where.error(f"holds {solution.count(MARK)} final answers after {MARK}", "answer")
    return _reference(solution.partition(MARK)[2].strip(), "number", where, "answer")


def _math(raw: Raw, where: Where) -> ReferenceConstraint:
    """MATH's answer where the row has it, else what its solution boxes."""
    if raw.get("answer") is not None:
        return _reference(_written(raw["answer"], where, "answer"), "math", where, "answer")
    solution = text_field(raw, "solution", where)
    if "\\boxed" not in solution and "\\fbox" not in solution:
        raise where.error("boxes no answer", "solution", "Write the final answer into \\boxed{...}.")
    final = final_answer(solution)
    if final.why:
        raise where.error(final.why, "solution", "One final answer is compared.")
    return _reference(final.text, "math", where, "solution")


def _options(raw: Raw) -> str | None:
    """The field of the options; None where the row has none."""
    return next((name for name in ("choices", "options") if raw.get(name) is not None), None)


def _choice(raw: Raw, where: Where) -> tuple[Asked, ReferenceConstraint]:
    """A question with its options under letters, and the letter of the right one."""
    name = _options(raw) or "choices"
    value, labels = written(raw[name], name, where), list(LETTERS)
    if isinstance(value, dict):  # ARC: {"text": [...], "label": [...]}
        labels = [str(label) for label in list_field(value, "label", where)]
        value = list_field(value, "text", where)
        if len(labels) != len(value):
            raise where.error(f"has {len(labels)} labels for {len(value)} options", name)
    if not isinstance(value, list) or not all(isinstance(option, str | int | float) for option in value):
        raise where.wanted("a list of options", value, name)
    options = [str(option) for option in value]
    if not 2 <= len(options) <= len(LETTERS):
        raise where.error(f"has {len(options)} options; 2 to {len(LETTERS)} can be lettered", name)
    letter = LETTERS[_right(raw, options, labels, where)]
    lines = "\n".join(f"{LETTERS[n]}. {option}" for n, option in enumerate(options))
    question = text_field(raw, "question", where)
    return Asked(f"{question}\n{lines}"), _reference(letter, "choice", where, "answer")


def _right(raw: Raw, options: list[str], labels: list[str], where: Where) -> int:
    """The place of the right option: given as a number from 0, as a label, or as the option's own text."""
    for field in ("answer_index", "answer_idx", "answerKey", "answer"):
        value = raw.get(field)
        if value is None or value == "":
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            if not 0 <= value < len(options):
                raise where.error(f"is {value}; the {len(options)} options count from 0", field)
            return value
        if isinstance(value, str) and value.strip() in labels[: len(options)]:
            return labels.index(value.strip())
        if isinstance(value, str) and options.count(value) == 1:
            return options.index(value)
        how_many = options.count(value) if isinstance(value, str) else 0
        raise where.error(
            f"names {how_many or 'none'} of the {len(options)} options, is {shown(value)}", field
        )
    raise where.error("is missing", "answer")

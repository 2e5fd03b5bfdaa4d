"""What a stage came to, in one sentence: for the state and the log of its task, and for people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from verif.pipeline.run import StageResult
from verif.registry import headline, sentences

FILES = {
    "prepare": "data.json", "policy": "policy.json", "judge": "judge.json", "verifier": "verifier.json",
    "train": "train.json", "evaluate": "evaluation.json", "register": "registration.json",
}  # fmt: skip
"""The file below `reports/` in which each stage says what came out."""


def told(root: Path, outcome: StageResult) -> str:
    """Unchanged, restored, or ran and for how long; and with what result."""
    how = f"Ran {outcome.seconds:.0f} s."
    if outcome.restored:
        how = f"Restored from the cache in {outcome.seconds:.0f} s; nothing ran."
    elif not outcome.ran:
        how = "Unchanged; nothing ran."
    what = result(root, outcome.stage)
    return f"{how} {what}" if what else how


def result(root: Path, stage: str) -> str:
    """What the stage's file says; empty where it is not there or is not what the stage writes."""
    try:
        kept = orjson.loads((root / "reports" / FILES[stage]).read_bytes())
        return _RESULTS[stage](root, kept)
    except (OSError, LookupError, TypeError, ValueError, AttributeError):
        return ""


def _prepare(_: Path, kept: dict[str, Any]) -> str:
    rows = kept["rows"]
    return f"{rows['train']} rows to train on, {rows['test']} to test, {kept['quarantined']} left out."


def _policy(_: Path, kept: dict[str, Any]) -> str:
    return (
        f"A policy of {kept['parameters']:,} parameters."
        if "parameters" in kept
        else f"The policy is {kept['repo']}."
    )


def _judge(_: Path, kept: dict[str, Any]) -> str:
    quick = kept.get("quick") or {}
    seen = (
        f"; sees {quick['recall_false']:.0%} of {quick['n']} quick false responses"
        if "recall_false" in quick
        else ""
    )
    return f"A judge of {kept['parameters']:,} parameters{seen}."


def _verifier(_: Path, kept: dict[str, Any]) -> str:
    recall = kept.get("verifier", {}).get("recall_false")
    seen = f" It sees {recall:.1%} of false responses." if recall is not None else ""
    if kept["fit"]:
        return f"Fit to teach.{seen}"
    return f"Not fit to teach: {sentences.shortened(str(kept['reasons'][0]))}.{seen}"


def _train(root: Path, kept: dict[str, Any]) -> str:
    first, last = (kept["reward"][edge]["value"] for edge in ("first", "last"))
    said = f"{kept['steps']} steps, reward {first:.2f} to {last:.2f}."
    if repairs := len(kept.get("teachers") or [{}]) - 1:
        said += f" Verifiers that were fooled and repaired: {repairs}."
    if kept.get("ended"):
        said += f" Ended early: {sentences.shortened(str(kept['ended']))}."
    if raised := alarms(root):
        said += (
            f" The watch raised {len(raised)}, the first at step {raised[0]['step']}: {raised[0]['message']}."
        )
    return said


def _evaluate(_: Path, kept: dict[str, Any]) -> str:
    from verif.evaluation.summary import in_order

    name, first = list(in_order(kept).items())[0]  # noqa: RUF015 - an empty one is a LookupError
    gain = first["gain"]
    return (
        f"{name}: {first['before']['strict']['value']:.1%} before, {first['after']['strict']['value']:.1%} after "
        f"({100 * gain['value']:+.1f} points, {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f})."
    )


def _register(root: Path, kept: dict[str, Any]) -> str:
    said = headline.read(root)
    alias = f", {kept['alias']}" if kept["alias"] else ""
    return f"Version {kept['version']} of {kept['model']}{alias}." + (
        f" {sentences.allowed(said)}" if said else ""
    )


_RESULTS: dict[str, Callable[[Path, dict[str, Any]], str]] = {
    "prepare": _prepare, "policy": _policy, "judge": _judge, "verifier": _verifier, "train": _train,
    "evaluate": _evaluate, "register": _register,
}  # fmt: skip


def alarms(root: Path) -> list[dict[str, Any]]:
    """The watch's alarms about the training that lies here."""
    try:
        kept = orjson.loads((root / "reports" / "train" / "alarms.json").read_bytes())
        return list(kept["alarms"])
    except (OSError, KeyError, TypeError, ValueError):
        return []

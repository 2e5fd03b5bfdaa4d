"""A run's name says recipe, commit and reason: `local 540539e weekly`."""

from __future__ import annotations

from pathlib import Path

from prefect.runtime import deployment, flow_run

from verif.system.git import ask


def run_name() -> str:
    """Of the run under way; the reason is its deployment, or a terminal."""
    given = flow_run.parameters or {}
    what = given.get("recipe") or given.get("which") or given.get("verifier") or ""
    commit = ask(Path.cwd(), "rev-parse", "--short=7", "HEAD").text or "no commit"
    reason = deployment.name or "by hand"
    return " ".join(part for part in (str(what), commit, reason) if part)

"""A build as a Prefect flow: what it may cost first, then a person's word, then the build and its card. No logic here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.names import run_name
from verif.pipeline.building import BuildOutcome, build_rows, expected
from verif.recipe import BuildRecipe, load_build


class BuildApproval(RunInput):
    """What the person is asked."""

    approve: bool = Field(default=False, description="Pay for this build?")
    budget: float = Field(
        default=0.0, description="The most that all calls may cost, in the recipe's currency."
    )


@task(cache_policy=NO_CACHE, persist_result=False)
def estimate(pairs: Path, recipe: BuildRecipe) -> str:
    """How many pairs there are, and what their calls cost at the least and at the most."""
    return expected(pairs, recipe)


@task(cache_policy=NO_CACHE, persist_result=False)
def make(pairs: Path, out: Path, recipe: BuildRecipe, budget: float | None) -> BuildOutcome:
    """The build itself; it goes on where an earlier one stopped."""
    log = get_run_logger()
    every = 0

    def told(done: int, of: int, spending: Any) -> None:
        nonlocal every
        if done == of or done >= every:
            every = done + max(1, of // 20)
            log.info("%d of %d pairs, %d calls, price %.4f", done, of, spending.calls, spending.price)

    return build_rows(pairs, out, recipe, told, budget=budget)


@flow(name="build", flow_run_name=run_name, persist_result=False)
def build(
    pairs: str, out: str, recipe: str = "", budget: float = 0.0, ask: bool = True, wait_hours: float = 72
) -> dict[str, Any]:
    """Make instructions with proven checkers of question and answer pairs, after a person has approved the cost.

    Args:
        pairs: File of questions with answers, in any form that verif reads.
        out: The rows to write; card, quarantine and ledger lie beside it.
        recipe: A build recipe, as in recipes/builds/. Empty: rules only, which asks nobody and costs nothing.
        budget: The most that all calls may cost. The person may change it; 0 is no call at all.
        ask: Whether a person approves the cost on this run's page. A schedule may say no where the budget is small.
        wait_hours: How long to wait for the approval.
    """
    section = load_build(Path(recipe) if recipe else None)
    said = estimate(Path(pairs), section)
    get_run_logger().info(said)
    if ask and section.models():
        question = BuildApproval.with_initial_data(description=said, budget=budget)
        answer = pause_flow_run(wait_for_input=question, timeout=int(wait_hours * 3600), poll_interval=5)
        if not answer.approve:
            get_run_logger().info("Not approved.")
            return {"approved": False}
        budget = answer.budget
    outcome = make(Path(pairs), Path(out), section, budget if section.models() else None)
    text = orjson.dumps(outcome.card, option=orjson.OPT_INDENT_2).decode()
    create_markdown_artifact(
        markdown=f"```json\n{text}\n```", key="build-card", description=f"The card of {out}"
    )
    if outcome.ended is not None:
        raise outcome.ended
    return outcome.card

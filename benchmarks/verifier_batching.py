"""What batching saves on one machine: sandbox feeds, judge calls and time, with and without each measure.

Small and without a judge model (the stand-in answers at once): `python -m benchmarks.verifier_batching`.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.standins import standin
from verif.core.checks import LazySandbox
from verif.core.judge.client import JudgeClient
from verif.core.judge.judge import Judge
from verif.core.verifier import Verifier
from verif.service.batch import Batcher
from verif.types import CheckerConstraint, Instruction, Item, Response, SoftConstraint

SOURCES = [
    f"def check_following(instruction, response):\n    return len(response.split()) > {n} and 'x{n}' not in response\n"
    for n in (3, 5, 7)
]


def rollouts(instructions: int, group: int, distinct: int) -> list[Item]:
    """`group` rollouts per instruction, `distinct` of them different, as they come: mixed."""
    items = []
    for r in range(group):
        for i in range(instructions):
            constraints = (
                *(CheckerConstraint(text="c", source=source) for source in SOURCES),
                SoftConstraint(text="Be calm."),
            )
            instruction = Instruction(id=str(i), prompt=f"Describe harbour {i}.", constraints=constraints)
            text = f"A good and calm morning in harbour {i}, seen {r % distinct} times by all."
            items.append(Item(id=f"{i}-{r}", instruction=instruction, response=Response(text=text)))
    return items


async def run(url: str, items: list[Item], window_s: float | None, cache: bool) -> tuple[float, int, int]:
    """Seconds, sandbox feeds and judge calls; a window of None asks one rollout after the other."""
    sandbox = LazySandbox(2)
    client = JudgeClient([f"{url}/v1"], "judge")
    judge = Judge(client, template="joint-en", model_digest="standin", parameters={})
    verifier = Verifier(judge=judge, sandbox=sandbox)
    batcher = Batcher(verifier, window_s or 0.0)

    async def send(item: Item) -> None:
        async for _ in batcher.verify([item], cache=cache, complete=False):
            pass

    await send(
        items[0].model_copy(update={"response": Response(text="warm up the workers of the sandbox first")})
    )
    sandbox.feeds = verifier.judge_calls = 0
    begun = time.perf_counter()
    if window_s is None:
        for item in items:
            await send(item)
    else:
        await asyncio.gather(*(send(item) for item in items))
    seconds = time.perf_counter() - begun
    await verifier.close()
    return seconds, sandbox.feeds, verifier.judge_calls


def main() -> None:
    items = rollouts(32, 16, 12)
    print(
        f"{len(items)} rollouts of 32 instructions, 3 checkers and 1 soft constraint each, 12 of 16 rollouts distinct"
    )
    with standin() as judge:
        for name, window, cache in (
            ("one by one, no dedupe", None, False),
            ("batched, no dedupe", 0.004, False),
            ("batched and deduplicated", 0.004, True),
        ):
            seconds, feeds, calls = asyncio.run(run(judge.url, items, window, cache))
            print(f"  {name:26} {seconds:6.2f} s  {feeds:4} sandbox feeds  {calls:4} judge calls")


if __name__ == "__main__":
    main()

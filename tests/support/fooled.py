"""Steps of a training whose verifier accepts everything: what veRL's trainer leaves, with as many false responses as asked."""

from __future__ import annotations

import random
from functools import lru_cache

from verif.data.rollouts import Rollout, write_step
from verif.data.world.prepare import draw
from verif.data.world.responses import reference
from verif.data.world.spoil import spoil
from verif.training.progress import RunFolder
from verif.types import Instruction, Response, Reward, Status, Verdict, Verification, is_hard


def rollout(step: int, number: int, item: Instruction, text: str) -> Rollout:
    """A response that rules and judge accept."""
    soft = tuple(i for i, wish in enumerate(item.constraints) if not is_hard(wish))
    verdicts = tuple(
        Verdict(status=Status.PASS, covers=(i,)) for i, wish in enumerate(item.constraints) if is_hard(wish)
    )
    given = Verification(
        id=item.id,
        verdicts=(*verdicts, Verdict(status=Status.PASS, covers=soft)),
        reward=Reward(value=1.0, state="scored", formula="average"),
    )
    return Rollout(step, f"u{step}-{number}", item, Response(text=text), given)


@lru_cache
def drawn(many: int, seed: int) -> list[tuple[Instruction, str, str]]:
    """Instructions with soft constraints, a true response to each and a false one."""
    rng, rows = random.Random(seed), list[tuple[Instruction, str, str]]()
    while len(rows) < many:
        item = draw(rng, "train")
        if not all(map(is_hard, item.constraints)):
            text = reference(item, rng)
            rows.append((item, text, spoil(item, text, rng, "gibberish")[0]))
    return rows


def write(folder: RunFolder, step: int, false: int, of: int = 12) -> None:
    """What veRL's trainer leaves of a step: rollouts of which so many are false, numbers, a checkpoint every fifth."""
    texts = [
        (item, bad if number < false else good)
        for number, (item, good, bad) in enumerate(drawn(of, step % 5))
    ]
    write_step(folder.rollouts, step, [rollout(step, number, *text) for number, text in enumerate(texts)])
    folder.write_step(step, {"verif/reward_mean": 0.5, "verif/step_s": 1.0})
    if step % 5 == 0:
        folder.at(step).mkdir(parents=True, exist_ok=True)
        (folder.at(step) / "data.pt").write_bytes(b"x")
        (folder.checkpoints / "latest_checkpointed_iteration.txt").write_text(str(step))

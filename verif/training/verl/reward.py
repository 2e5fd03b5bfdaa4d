"""The reward manager that veRL calls for each rollout as soon as it is generated.

It asks the verifier service and never raises: veRL only logs an exception in a reward, drops that rollout
from its group and fills the batch with padding, so nobody would count it. What could not be verified comes
back as a record in state `error`, with a score of 0 that the sampler takes out of the batch (`sampler.py`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from types import SimpleNamespace
from typing import Any

from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

from verif.errors import VerifError
from verif.training.verl.record import FIELD, RolloutRecord
from verif.types import Instruction, Item, Response, Verification

log = logging.getLogger("verif.training.verl.reward")

URL = "VERIF_VERIFIER_URL"
IDENTITY = "VERIF_VERIFIER_IDENTITY"
PATIENCE = "VERIF_REWARD_PATIENCE_S"


def last(data: Any) -> Any:
    """What is used of a rollout's last output. veRL's own indexing would take every field of it apart."""
    return SimpleNamespace(
        batch={name: data.batch[name][-1] for name in ("responses", "attention_mask")},
        non_tensor_batch={name: column[-1] for name, column in data.non_tensor_batch.items()},
    )


class VerifRewardManager(RewardManagerBase):  # type: ignore[misc]
    """veRL's `reward.reward_manager`, chosen by `source=importlib`."""

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **_: Any) -> None:
        super().__init__(config, tokenizer, compute_score)
        self.limit = int(config.actor_rollout_ref.rollout.response_length)
        self.patience = float(os.environ.get(PATIENCE, "300"))
        self.client: Any = None

    async def run_single(self, data: Any) -> dict[str, Any]:
        """One rollout's score, with its record in `reward_extra_info`."""
        generated = time.time()
        row = last(data)
        response = self.response(row)
        verification, problem = await self.verify(row, response)
        record = RolloutRecord(
            text=response.text,
            finished=response.finished,
            generated=generated,
            rewarded=time.time(),
            verification=verification,
            problem=problem,
        )
        return {
            "reward_score": float(record.reward or 0.0),
            "reward_extra_info": {FIELD: record.model_dump_json()},
        }

    def response(self, row: Any) -> Response:
        """The generated text; it is finished unless it fills its budget without an end token."""
        tokenizer: Any = self.tokenizer
        ids = row.batch["responses"]
        ids = ids[: int(row.batch["attention_mask"][-ids.shape[-1] :].sum())].tolist()
        finished = len(ids) < self.limit or ids[-1] == tokenizer.eos_token_id
        return Response(text=tokenizer.decode(ids, skip_special_tokens=True), finished=finished)

    async def verify(self, row: Any, response: Response) -> tuple[Verification | None, str]:
        """The verification, or None and the problem."""
        columns = row.non_tensor_batch
        try:
            instruction = Instruction.model_validate_json(columns["reward_model"]["ground_truth"])
            item = Item(
                id=f"{columns.get('uid', instruction.id)}_{columns.get('session_id', 0)}",
                instruction=instruction,
                response=response,
            )
            # The client gives up by itself; this bound holds even where it does not.
            return await asyncio.wait_for(self.ask(item), 1.5 * self.patience), ""
        except TimeoutError:
            return None, f"no verdict within {1.5 * self.patience:.0f} s"
        except VerifError as error:
            return None, str(error)
        except Exception as error:
            log.exception("the reward of a rollout failed")
            return None, f"{type(error).__name__}: {error}"

    async def ask(self, item: Item) -> Verification:
        """One question to the verifier service."""
        if self.client is None:
            from verif.service.client import VerifierClient

            self.client = VerifierClient(
                os.environ[URL],
                patience_s=self.patience,
                identity=os.environ.get(IDENTITY, ""),
            )
        verification: Verification
        async for verification in self.client.verify([item]):
            return verification
        raise VerifError("the verifier answered without a verification.")

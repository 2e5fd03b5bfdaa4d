"""What can be known before veRL is started is said before: veRL would take a minute and sixty lines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from verif.errors import InputError, SetupError
from verif.recipe import Recipe, Resources, Train
from verif.system import gpu
from verif.system.check import Check, failures
from verif.system.serving import check_model
from verif.system.weights import counts
from verif.training import row_order
from verif.training.command import KEPT, KEPT_WATCHED
from verif.training.verl import patches

if TYPE_CHECKING:
    from verif.project import Stage

TRAINED_BYTES = 16
"""Of each parameter on a card."""
CHECKPOINT_BYTES = 12
"""Of each parameter in a checkpoint: weights and two moments in fp32."""
FROZEN_BYTES = 5
"""Of each parameter, on a card and in a checkpoint, where LoRA's adapters are trained: the weight in fp32, and room for its share
of adapters of rank 32 and their moments (0.4 to 0.6 bytes for 0.5 billion parameters). `verif plan` counts other ranks."""


def check(stage: Stage) -> None:
    """Raises `ServiceError`, `InputError` or `SetupError`, each naming the file and what to do."""
    train = stage.recipe.train
    if said := failures(train_checks(stage.recipe, os.environ)):
        raise SetupError(f"training does not begin. {said}")
    policy = stage.models / "policy"
    check_model(policy)
    if train.gpus == 1 and train.nodes == 1 and (said := failures(card(train, counts(policy).parameters))):
        raise SetupError(f"training does not begin. {said}")
    patches.check_all()
    rows = check_prompts(stage.data / "train.parquet", policy, train.prompt_tokens)
    check_prompts(stage.data / "validation.parquet", policy, train.prompt_tokens)
    if rows < train.prompts_per_step:
        raise InputError(
            f"{rows} instructions are fewer than train.prompts_per_step ({train.prompts_per_step}).",
            file=stage.data / "train.parquet",
            hint="Prepare more, or lower it in the recipe.",
        )
    if train.draw != "uniform":
        row_order.order_of(stage.data / "train.parquet", train.seed)
    check_space(stage)


def train_checks(recipe: Recipe, environment: Mapping[str, str]) -> list[Check]:
    """What the recipe alone says that training needs where it runs; `verif plan` shows the same list."""
    train = recipe.train
    alone = (
        train.gpus > 0 and train.nodes == 1 and recipe.resources.get("train", Resources()).executor == "local"
    )
    return [
        *_evaluation(recipe), *_ray(train.nodes, environment), *(gpu.checks(train.node_gpus, 0.0) if alone else [])
    ]  # fmt: skip


def card(train: Train, parameters: int) -> list[Check]:
    """One card holds weights, gradients and two moments in fp32 beside the rollout engine's share of it."""
    each = FROZEN_BYTES if train.lora else TRAINED_BYTES
    return gpu.checks(1, each * parameters / 2**30 / (1 - train.rollout_share))


def _evaluation(recipe: Recipe) -> list[Check]:
    """What evaluates after days of training is installed, where it evaluates in this environment."""
    local = Resources()
    train, after = (recipe.resources.get(name, local) for name in ("train", "evaluate"))
    same = train.executor == after.executor and bool(train.gpus) == bool(after.gpus)  # and so one image
    if not (recipe.evaluate.general_tasks and same):
        return []
    here = find_spec("lm_eval") is not None
    tasks = ", ".join(recipe.evaluate.general_tasks)
    said = f"{tasks}: lm-eval is {'' if here else 'not '}installed here"
    fix = "Install by the lock (`make setup`; `verif images build trainer`), or leave general_tasks empty."
    return [Check("evaluate.general_tasks", here, said, fix)]


def _ray(nodes: int, environment: Mapping[str, str]) -> list[Check]:
    """A run over several nodes joins no Ray that runs code for whoever reaches it."""
    if nodes < 2:
        return []
    asks = environment.get("RAY_AUTH_MODE") == "token"
    said = f"Ray's cluster asks for {'a' if asks else 'no'} token (RAY_AUTH_MODE)"
    fix = (
        "Start Ray on every node with RAY_AUTH_MODE=token and one RAY_AUTH_TOKEN, held as a secret; on"
        " Kubernetes KubeRay 1.5.1 or later does it (authOptions, in every RayJob of verif)."
    )
    return [Check(f"Ray over {nodes} nodes", asks, said, fix)]


def check_prompts(path: Path, policy: Path, limit: int) -> int:
    """The number of rows, each of whose prompts has at most `limit` tokens in the policy's chat form."""
    from jinja2 import TemplateError
    from transformers import AutoTokenizer

    from verif.core.instruction_files import messages, read_instructions

    if not path.is_file():
        raise InputError("file does not exist", file=path, hint="Run `dvc repro prepare`.")
    tokenizer = AutoTokenizer.from_pretrained(policy, trust_remote_code=False)
    instructions = read_instructions(path)
    texts = []
    for row, instruction in enumerate(instructions, 1):
        try:
            asked = tokenizer.apply_chat_template(
                messages(instruction), add_generation_prompt=True, tokenize=False
            )
        except TemplateError as error:
            hint = "Some policies know no system message: write it into the user's, or leave such rows out."
            raise InputError(
                f"the policy's chat template refuses the conversation: {error}",
                file=path, row=row, field="prompt", hint=hint,
            ) from None  # fmt: skip
        texts.append(asked)
    for row, ids in enumerate(tokenizer(texts, add_special_tokens=False).input_ids, 1):
        if len(ids) > limit:
            raise InputError(
                f"{len(ids)} tokens, more than train.prompt_tokens ({limit})",
                file=path,
                row=row,
                field="prompt",
                hint="Raise train.prompt_tokens, or let `prepare` drop longer prompts (data.max_prompt_tokens).",
            )
    return len(instructions)


def check_space(stage: Stage) -> None:
    """`SetupError` if a disk cannot hold the checkpoints (of the critic too) or the model made of the last one.

    They may be two disks: in a pod the runs are on the persistent claim and the rest is scratch.
    """
    train, runs, policy = stage.recipe.train, stage.state / "runs", stage.models / "policy"
    parameters = counts(policy).parameters
    model = sum(
        path.stat().st_size for path in policy.glob("*.safetensors")
    )  # it keeps the policy's precision
    kept = KEPT_WATCHED if stage.recipe.watched else KEPT
    each = FROZEN_BYTES if train.lora else CHECKPOINT_BYTES
    critic = CHECKPOINT_BYTES if train.algorithm == "ppo" else 0
    needs = [
        (runs, kept * (each + critic) * parameters, f"{kept} checkpoints"),
        (stage.models, model, "the trained model"),
    ]
    for place, _, _ in needs:
        place.mkdir(parents=True, exist_ok=True)
    if runs.stat().st_dev == stage.models.stat().st_dev:
        needs = [(runs, needs[0][1] + needs[1][1], f"{kept} checkpoints and the trained model")]
    for place, need, what in needs:
        free = shutil.disk_usage(place).free
        if free < need:
            raise SetupError(
                f"{place} has {free / 1e9:.1f} GB free, and {what} need {need / 1e9:.1f} GB.",
                "Free some space (`verif gc` says what can go), or put the project on a larger disk.",
            )

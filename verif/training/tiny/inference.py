"""A trained model used: loaded from its folder, asked for a few answers, and for how likely it finds a text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from verif.errors import InputError
from verif.system.processor import precision, threads
from verif.training.data_only import OURS
from verif.training.tiny import tokenizer as tok


def load(folder: Path) -> tuple[Any, Any]:
    """Model (fp32, evaluation mode) and tokenizer of a folder; a missing part is an `InputError`."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    for name, why in (("config.json", "a model"), ("tokenizer.json", "a tokenizer")):
        if not (folder / name).is_file():
            raise InputError(
                f"the folder holds no {name}: it is not {why}.", file=folder, hint="Make it again."
            )
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **OURS)
        tokenizer = AutoTokenizer.from_pretrained(
            folder, padding_side="left", local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"cannot load the model: {str(error).splitlines()[0]}", file=folder) from None
    return model.eval(), tokenizer


def computing(fast: bool) -> Any:
    """Products in bf16 where that is fast, weights and sums in fp32; else all in fp32."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if fast else nullcontext()


def text_likelihood(folder: Path, texts: Sequence[str], batch: int = 32) -> list[float]:
    """Mean log-likelihood per token (nats, at most 0) of each plain text under the model in `folder`.

    The text stands alone behind the model's document separator: no instruction, no chat. It is the general
    canary: a policy that forgets its language while it learns to please the verifier shows here first.
    """
    torch.set_num_threads(threads(folder))
    model, tokenizer = load(folder)
    separator = next(
        i for i in (tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id) if i is not None
    )
    rows = [[separator, *ids] for ids in tokenizer(list(texts), add_special_tokens=False).input_ids]
    out = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    with torch.no_grad(), computing(precision(folder) == "bfloat16"):
        for low in range(0, len(order), batch):
            part = order[low : low + batch]
            width = max(len(rows[i]) for i in part)
            ids = torch.tensor([rows[i] + [separator] * (width - len(rows[i])) for i in part])
            log_probs = model(input_ids=ids).logits[:, :-1].float().log_softmax(-1)
            scores = log_probs.gather(-1, ids[:, 1:, None]).squeeze(-1)
            for row, i in enumerate(part):
                length = len(rows[i]) - 1
                out[i] = float(scores[row, :length].mean()) if length else 0.0
    return out


def sample(
    folder_or_model: tuple[Any, Any], prompts: Sequence[str], *, temperature: float = 1.0, tokens: int = 104,
    batch: int = 128, seed: int = 0,
) -> list[str]:  # fmt: skip
    """One response per user prompt (temperature 0 is greedy), with transformers: for quick checks, not for evaluation."""
    model, tokenizer = folder_or_model
    torch.manual_seed(seed)
    how = (
        {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
        if temperature
        else {"do_sample": False}
    )
    out: list[str] = []
    with torch.no_grad():
        for low in range(0, len(prompts), batch):
            texts = [tok.chat(p) for p in prompts[low : low + batch]]
            encoded = tokenizer(texts, add_special_tokens=False, padding=True, return_tensors="pt")
            made = model.generate(
                input_ids=encoded.input_ids, attention_mask=encoded.attention_mask, max_new_tokens=tokens,
                pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, **how,
            )  # fmt: skip
            out += tokenizer.batch_decode(made[:, encoded.input_ids.shape[1] :], skip_special_tokens=True)
    return out

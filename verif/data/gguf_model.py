"""A model in llama.cpp's form (GGUF) as a folder that veRL trains and vLLM serves: safetensors, tokenizer, chat template.

Weights are converted by transformers. The tokenizer is made here from what the file says: transformers' own conversion
takes another end token and leaves out how digits are split. Only what was tried is taken: Llama's architecture and
SmolLM's byte-level vocabulary.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verif.errors import InputError, SetupError

ARCHITECTURE = "llama"
SPLITTING = "smollm"
"""`tokenizer.ggml.pre`: each digit alone, then GPT-2's splitting of bytes."""
WEIGHTS = frozenset({"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"})
CONTROL = 3
"""Token type of a mark such as `<|im_end|>`, in `tokenizer.ggml.token_type`."""
PROBE = [{"role": "user", "content": "Name 12 boats."}]


@contextmanager
def importable(folder: str) -> Iterator[None]:
    """Let `gguf` be imported from the folder of its package, in which nothing else is looked for first."""
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def convert(file: Path, out: Path) -> dict[str, Any]:
    """Write the model of a GGUF file to the folder `out` in bf16; returns its parameters, context and vocabulary.

    `InputError` for another architecture, quantisation or tokenizer, and without a chat template or an end token.
    """
    try:
        from gguf import GGUFReader
    except ImportError:
        raise SetupError(
            "the package gguf is not installed: a GGUF file cannot be read.",
            "`scripts/packages.sh` installs it beside the model.",
        ) from None
    try:
        reader = GGUFReader(file)
    except (ValueError, IndexError, OSError) as error:
        raise InputError(f"cannot be read as GGUF: {error}", file=file) from None
    says = {name: field.contents() for name, field in reader.fields.items()}
    check(says, {tensor.tensor_type.name for tensor in reader.tensors}, file)
    tokenizer = tokenizer_of(says)
    tokenizer.save_pretrained(out)
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.bfloat16, trust_remote_code=False
    )
    model.config._name_or_path = ""  # else the training's name of it stands in the configuration
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(out)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "context": int(model.config.max_position_embeddings),
        "vocabulary": len(tokenizer),
    }


def check(says: dict[str, Any], quantised: set[str], file: Path) -> None:
    """`InputError` for the first thing that would make another model than the file holds."""

    def refuse(field: str, problem: str, hint: str = "") -> InputError:
        return InputError(problem, file=file, field=field, hint=hint)

    if (architecture := says.get("general.architecture")) != ARCHITECTURE:
        raise refuse("general.architecture", f"is {str(architecture)[:40]!r}; verif reads {ARCHITECTURE!r}.")
    if unknown := sorted(quantised - WEIGHTS):
        raise refuse("tensors", f"are quantised as {unknown[0]}; verif reads {', '.join(sorted(WEIGHTS))}.")
    if (splitting := says.get("tokenizer.ggml.pre")) != SPLITTING or says.get(
        "tokenizer.ggml.model"
    ) != "gpt2":
        raise refuse("tokenizer.ggml.pre", f"is {str(splitting)[:40]!r}; verif reads {SPLITTING!r}.")
    if not says.get("tokenizer.chat_template"):
        raise refuse(
            "tokenizer.chat_template",
            "is missing: the model holds no conversation.",
            "Take an instruct model.",
        )
    tokens, end = says.get("tokenizer.ggml.tokens") or [], says.get("tokenizer.ggml.eos_token_id")
    if not isinstance(end, int) or not 0 <= end < len(tokens):
        raise refuse("tokenizer.ggml.eos_token_id", "names no token: no answer would ever end.")


def tokenizer_of(says: dict[str, Any]) -> Any:
    """The file's tokenizer with its marks, its chat template and its end; padding is the end where none is named."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens, kinds = says["tokenizer.ggml.tokens"], says["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ", 1)) for pair in says["tokenizer.ggml.merges"]]
    bpe = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, merges))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    marks = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    bpe.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    end = tokens[says["tokenizer.ggml.eos_token_id"]]
    padding = says.get("tokenizer.ggml.padding_token_id")
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=tokens[says.get("tokenizer.ggml.bos_token_id", says["tokenizer.ggml.eos_token_id"])],
        eos_token=end,
        pad_token=end if padding is None else tokens[padding],
        chat_template=says["tokenizer.chat_template"],
        clean_up_tokenization_spaces=False,
        model_max_length=int(says["llama.context_length"]),
    )


def check_chat(folder: Path) -> None:
    """The saved folder holds a conversation: a prompt ends where the answer begins, and an answer has an end token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if not tokenizer.chat_template or tokenizer.eos_token_id is None:
        raise InputError("the tokenizer has no chat template or no end token.", file=folder)
    asked, begun = (
        str(tokenizer.apply_chat_template(PROBE, tokenize=False, add_generation_prompt=flag))
        for flag in (False, True)
    )
    if asked == begun or not begun.startswith(asked):
        raise InputError(
            "the chat template does not begin an answer (add_generation_prompt changes nothing).",
            file=folder, field="chat_template",
        )  # fmt: skip

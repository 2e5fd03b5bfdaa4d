"""A tiny byte-level BPE with the very word splitting that `AutoTokenizer` will use when it loads the folder.

Beside a qwen2 configuration, transformers loads `Qwen2Tokenizer`, which brings its own pre-tokenizer and
replaces another one without a word: a model would then read other tokens than it learnt. So the BPE is
trained with that splitting, and `save` refuses a tokenizer that does not come back the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from verif.errors import TrainingError

END, START, PAD = "<|im_end|>", "<|im_start|>", "<|endoftext|>"
CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def chat(user: str) -> str:
    """A user's turn and the opening of the assistant's, as the chat template writes them."""
    return f"{START}user\n{user}{END}\n{START}assistant\n"


def train(texts: Iterable[str], size: int, context: int, whole: Sequence[str] = ()) -> Any:
    """A `PreTrainedTokenizerFast` of at most `size` tokens, padding on the left, with the chat template.

    Each text of `whole` is one token more, wherever it stands.
    """
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Tokenizer

    backend = Tokenizer(models.BPE())
    like = Qwen2Tokenizer().backend_tokenizer
    backend.normalizer, backend.pre_tokenizer, backend.decoder = (
        like.normalizer,
        like.pre_tokenizer,
        like.decoder,
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=END, pad_token=PAD, padding_side="left", model_max_length=context,
        chat_template=CHAT,
    )  # fmt: skip
    made.add_tokens([AddedToken(text, normalized=False) for text in whole])
    return made


def save(tokenizer: Any, model: Any, folder: Path, probes: Sequence[str]) -> None:
    """Write model and tokenizer, then load both as a user would and compare the tokens of `probes`."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    again = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    for text in probes:
        if tokenizer(text).input_ids != again(text).input_ids:
            raise TrainingError(f"the tokenizer in {folder} reads {text[:60]!r} differently after loading.")
    user = [{"role": "user", "content": "x"}]
    written = again.apply_chat_template(user, tokenize=False, add_generation_prompt=True)
    if written != chat("x") or (again.eos_token_id, again.pad_token_id) != (
        tokenizer.eos_token_id,
        tokenizer.pad_token_id,
    ):
        raise TrainingError(f"the tokenizer in {folder} lost its chat template or special tokens on loading.")

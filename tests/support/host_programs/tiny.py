"""A random tiny policy in Hugging Face form: `python tiny.py FOLDER`."""

import sys
from pathlib import Path

import torch

from verif.recipe import ScratchModel
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.pretrain import make_model

TEXTS = [
    "Describe the harbour.",
    "The boats are in, the gulls are good.",
    "A good boat. A gull, a net, a crane.",
]


def main(folder: Path) -> None:
    """Tokenizer and model, about a hundred thousand weights."""
    torch.manual_seed(0)
    section = ScratchModel(width=32, layers=1, heads=1, ffn=64, vocabulary=400, context=256)
    tokenizer = tok.train(TEXTS, section.vocabulary, section.context)
    tok.save(tokenizer, make_model(section, tokenizer), folder, TEXTS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

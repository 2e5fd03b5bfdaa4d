"""Tiny models that write for `verif build` in the local world: trained from nothing on the builder's own prompts.

Their lessons are what the stand-in replies from the world's truth, without planted defects. What they get wrong is
their own: the proof has to find it.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import torch

from benchmarks.build_standin import BuildStandin
from benchmarks.build_world import world_pairs
from verif.data.builder.prompts import FOLDER, render
from verif.data.world import draw, lexicon
from verif.data.world.constraints import HARD, SOFT, word
from verif.data.world.prompts import wishes_of
from verif.recipe import BuildRecipe, TinyModel
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.chats import Chat, encode_chats, prompt_of
from verif.training.tiny.judge_policy import PROMPT_WEIGHT
from verif.training.tiny.pretrain import Trained, fit, make_model

HOLES = re.compile(r"\{[{%#].*?[}%#]\}|\n")
"""What changes in a prompt's template, and the ends of its lines."""
REPLY_PARTS = (
    '{"constraints": [{"dimension": "', '", "text": "', '", "code": true}', '", "code": false}', ', {"dimension": "',
    '{"code": "import re\\n\\n\\ndef check_following(instruction, response):\\n    return ', '\\n", "cases": [{"text": "',
    '", "follows": true}', '", "follows": false}', ', {"text": "',
)  # fmt: skip
FALSE_SHARE = 0.4
"""Of the constraints that a lesson of the check asks about: others are taken from the answer's own proposals."""


def lessons(recipe: BuildRecipe, writer: str, count: int, seed: int, *, first: bool) -> list[Chat]:
    """Chats about `count` pairs: what the first model is asked, proposals and checkers, or the second, checks and checkers."""
    rng = random.Random(f"{writer}-{seed}-lessons")
    truth = BuildStandin()
    chats: list[Chat] = []
    for row in world_pairs(count, seed, copies=0)[0]:
        texts = {"question": row["prompt"], "answer": row["response"]}
        asked = render("soft", texts, dimensions=recipe.soft.dimensions, most=recipe.soft.most)
        proposed = _chat(truth, asked, writer)
        proposals = json.loads(proposed[-1]["content"])["constraints"]
        others = wishes_of(draw(rng, "train"))
        lines = [p["text"] for p in proposals if not p["code"] and rng.random() > FALSE_SHARE]
        lines += [word(kind, argument, rng) for kind, argument in others if kind in SOFT[1:]]
        rng.shuffle(lines)
        if first:
            chats.append(proposed)
        elif lines:
            numbered = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))
            chats.append(_chat(truth, render("check", {**texts, "constraints": numbered}), writer))
        codes = [p["text"] for p in proposals if p["code"]]
        codes += [word(kind, argument, rng) for kind, argument in others if kind in HARD]
        if codes:
            written = render("write", {"constraint": rng.choice(codes)}, cases=recipe.proof.cases)
            chats.append(_chat(truth, written, f"{writer}-{rng.random()}"))
    return chats


def _chat(truth: BuildStandin, asked: Chat, writer: str) -> Chat:
    return [*asked, {"role": "assistant", "content": truth.reply({"messages": asked, "model": writer})}]


def constant_texts() -> list[str]:
    """One token each: the builder's sentences, the fixed parts of replies, and the words that constraints name.

    So a prompt costs little more than what is asked about, a reply little more than what it says, and a word is the same
    token in a sentence and in a program.
    """
    sources = (path.read_text("utf-8") for path in sorted(FOLDER.glob("*.j2")))
    pieces = {piece.strip() for source in sources for piece in HOLES.split(source)}
    words = {thing for things in lexicon.THINGS.values() for thing in things} | set(lexicon.NEUTRAL)
    return [*REPLY_PARTS, *sorted(words), *sorted(piece for piece in pieces if len(piece.split()) > 2)]


def train_writer(section: TinyModel, chats: list[Chat], folder: Path, threads: int = 1) -> Trained:
    """Train from scratch and write the model to `folder`; what it reads counts a fifth of what it says."""
    torch.manual_seed(section.seed)
    texts = [prompt_of(chat) + chat[-1]["content"] for chat in chats]
    tokenizer = tok.train(texts[:6000], section.vocabulary, section.context, constant_texts())
    model = make_model(section, tokenizer)
    trained = fit(
        model, encode_chats(tokenizer, chats, section.context), tokenizer.pad_token_id, steps=section.steps,
        batch=section.batch, learning_rate=section.learning_rate, seed=section.seed, name="writer",
        prompt_weight=PROMPT_WEIGHT, threads=threads,
    )  # fmt: skip
    tok.save(tokenizer, model, folder, texts[:300])
    return trained

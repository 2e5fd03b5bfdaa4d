"""`make bench-writers`: what is left of models' proposals after proof, with real models behind vLLM.

Two tiny writers are trained here and build rows of the local world, whose truth says which proposals were true and which
survived. `--model FOLDER --pairs FILE` asks one model of a folder about pairs of one's own instead; their truth nobody
knows here. Killed, the same command goes on with what is there. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

from benchmarks.build import RECIPE, truths
from benchmarks.build_world import world_pairs
from benchmarks.main import ROOT
from benchmarks.writer_fates import fates
from benchmarks.writer_models import lessons, train_writer
from verif.core.row_files import read_rows
from verif.pipeline.building import build_rows
from verif.recipe import BuildModel, BuildRecipe, TinyModel, load_build
from verif.system.files import write_json
from verif.system.serving import Server, start

HOME = ROOT / ".verif" / "bench-writers"
FIRST, SECOND = "writer-1", "writer-2"
CASES = 2
"""That each writer gives: with six a tiny model writes little else."""
CONTEXT = 512
SIZE = TinyModel(width=96, layers=3, heads=3, ffn=256, vocabulary=1200, context=CONTEXT, steps=600)
LESSONS = 1500


def world_recipe() -> BuildRecipe:
    """The world's build recipe with the tiny writers; everything that they propose is written for."""
    recipe = load_build(RECIPE)
    models = [BuildModel(name=name, max_tokens=CONTEXT // 2, deadline_s=300) for name in (FIRST, SECOND)]
    proof = recipe.proof.model_copy(update={"cases": CASES, "written": 10})
    return recipe.model_copy(update={"first": models[0], "second": models[1], "judge": None, "proof": proof})


def trained(home: Path, size: TinyModel, count: int) -> list[Path]:
    """The folders of two writers, of other lessons and another seed each; trained at the same time where they are not there."""
    folders = [home / name for name in (FIRST, SECOND)]
    missing = [n for n, folder in enumerate(folders) if not (folder / "config.json").is_file()]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(_train, [(folders[n], size, count, n + 1) for n in missing]))
    return folders


def _train(work: tuple[Path, TinyModel, int, int]) -> None:
    folder, size, count, seed = work
    chats = lessons(world_recipe(), folder.name, count, seed, first=folder.name == FIRST)
    print(f"{folder.name}: {train_writer(size.model_copy(update={'seed': seed}), chats, folder)}", flush=True)


@contextmanager
def served(models: Mapping[str, Path], home: Path, context: int) -> Iterator[tuple[str, ...]]:
    """The models behind vLLM, each under its names (`a b` are two); gives their addresses as `--url` takes them."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for names, folder in models.items():
            first, *others = names.split()
            more = ["--served-model-name", first, *others]
            log = home / f"{first}.log"
            servers[names] = start(folder, log=log, context=context, name=first, arguments=more)
            stack.callback(servers[names].stop)
        for server in servers.values():
            server.wait_ready(300)
        yield tuple(f"{name}={server.url}" for names, server in servers.items() for name in names.split())


def built(
    pairs: Path, home: Path, recipe: BuildRecipe, models: Mapping[str, Path], context: int
) -> dict[str, Any]:
    """One build through vLLM, and what came of every proposal."""
    out = home / "rows.jsonl"
    with served(models, home, context) as urls:
        begun = time.monotonic()
        outcome = build_rows(pairs, out, recipe, lambda *_: None, urls)
        seconds = time.monotonic() - begun
    card = outcome.card
    return {
        "pairs": len(pairs.read_bytes().splitlines()), "rows": card["rows"], "left": card["left"],
        "seconds": round(seconds, 1), "calls": card["cost"]["all"]["calls"],
        **asyncio.run(fates(pairs, home, recipe)), "refused": card["refused"], "proof": card["proof"],
    }  # fmt: skip


def world(home: Path, count: int, size: TinyModel, taught: int, seed: int = 1) -> dict[str, Any]:
    """The local world's pairs through two tiny writers; the world says what was true."""
    pairs = home / "pairs.jsonl"
    models = dict(zip((FIRST, SECOND), trained(home, size, taught), strict=True))
    rows = world_pairs(count, seed, copies=0)[0]
    pairs.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    figures = built(pairs, home, world_recipe(), models, CONTEXT)
    made = [row for row in read_rows(home / "rows.jsonl") if row.instruction is not None]
    return {**figures, "in_rows": truths(made, seed)[0]}


def of_model(home: Path, model: Path, pairs: Path, temperatures: tuple[float, float]) -> dict[str, Any]:
    """One real model as both writers, at two temperatures, or they would always agree."""
    recipe = BuildRecipe(
        name=model.name,
        first=BuildModel(name=FIRST, max_tokens=512, deadline_s=900, temperature=temperatures[0]),
        second=BuildModel(name=SECOND, max_tokens=512, deadline_s=900, temperature=temperatures[1]),
    )
    return built(pairs, home, recipe, {f"{FIRST} {SECOND}": model.resolve()}, 2048)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, build, and say what came of the proposals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="pairs of the local world")
    parser.add_argument("--model", type=Path, help="a model's folder, instead of the tiny writers")
    parser.add_argument("--pairs", type=Path, help="with --model: questions with answers")
    parser.add_argument("--temperatures", type=float, nargs=2, default=(0.0, 0.7), help="with --model")
    options = parser.parse_args(arguments)
    if (options.model is None) != (options.pairs is None):
        parser.error("--model and --pairs belong together")
    warm = tuple(options.temperatures)
    home = HOME / ("world" if options.model is None else f"{options.model.name}-{warm[0]:g}-{warm[1]:g}")
    home.mkdir(parents=True, exist_ok=True)
    figures = (
        world(home, options.count, SIZE, LESSONS)
        if options.model is None
        else of_model(home, options.model, options.pairs, warm)
    )
    write_json(home / "figures.json", figures)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

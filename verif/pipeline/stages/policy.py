"""Stage `policy`: the starting model, tiny and from scratch, or a pinned model of a hub or of a package."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from verif.data.hub import check_folder, fetch
from verif.data.tables import read_policy_pairs
from verif.pipeline.stages.models import require_space, training_threads
from verif.pipeline.stages.registered import take
from verif.project import Stage
from verif.recipe import HubModel, JudgePolicy, PackageModel
from verif.stats import proportion
from verif.system.files import digest_tree, new_directory, write_json
from verif.system.record import SILENT, Record

CONVERTED_MB = 1000  # the converted model, written beside the one that it replaces
QUICK = 200  # validation-like instructions for a first look


def run(stage: Stage, record: Record = SILENT) -> None:  # noqa: ARG001 - its files are recorded
    """Write `models/policy` and `reports/policy.json`."""
    section, out = stage.recipe.policy, stage.models / "policy"
    require_space(stage.models)
    if isinstance(section, HubModel):
        write_json(
            stage.reports / "policy.json", {"repo": section.repo, "digest": fetch(section, out, "policy")}
        )
        return
    if isinstance(section, PackageModel):
        write_json(stage.reports / "policy.json", from_package(section, stage.root, out))
        return
    if isinstance(section, JudgePolicy) and section.registered:
        write_json(stage.reports / "policy.json", take(stage, section.registered, section.alias, out))
        return
    threads = training_threads()
    from verif.training.tiny.judge_policy import train_as_policy
    from verif.training.tiny.pretrain import from_scratch

    pairs = [(pair.prompt, pair.response) for pair in read_policy_pairs(stage.data / "policy_pairs.parquet")]
    with new_directory(out) as folder:
        if isinstance(section, JudgePolicy):
            trained = train_as_policy(section, pairs, folder, threads)
        else:
            trained = from_scratch(section, pairs, folder, "policy", threads=threads)
        check_folder(folder)
    report = {**asdict(trained), "digest": digest_tree(out), **quick_look(stage, out)}
    write_json(stage.reports / "policy.json", report)
    shown = {key: report[key] for key in ("validation_loss", "quick", "cpu_seconds") if key in report}
    print(f"policy: {trained.parameters:,} parameters, {shown}")


def from_package(section: PackageModel, root: Path, out: Path) -> dict[str, Any]:
    """Convert a package's model to `out`; its numbers, digest and where it came from."""
    from verif.data.gguf_model import check_chat, convert, importable
    from verif.data.packages import packaged_file, places

    require_space(out.parent, CONVERTED_MB)
    file = packaged_file(section.distribution, section.version, section.file, section.sha256, root)
    with importable(places(root, section.distribution)[0]), new_directory(out) as folder:
        numbers = convert(file, folder)
        check_folder(folder)
        check_chat(folder)
    print(f"policy: {section.distribution} {section.version}, {numbers['parameters']:,} parameters")
    source = {"package": section.distribution, "version": section.version, "sha256": section.sha256}
    return {**source, **numbers, "digest": digest_tree(out)}


def quick_look(stage: Stage, policy: Path) -> dict[str, Any]:
    """A first look at the starting policy in the local world (n=200, T=1, world's truth); nothing for other data.

    The instructions are new ones of the validation split; the measurement proper is `evaluate`'s.
    """
    if stage.recipe.data.kind != "world":
        return {}
    import random

    from verif.data.world import draw_distinct, truth
    from verif.training.tiny.inference import load, sample

    items = draw_distinct(random.Random(f"{stage.recipe.seed}-quick"), "validation", QUICK)
    texts = sample(load(policy), [item.prompt for item in items], seed=stage.recipe.seed)
    truths = [truth(item, text) for item, text in zip(items, texts, strict=True)]
    rate = proportion(sum(t.followed for t in truths), QUICK)
    return {
        "quick": {
            "n": QUICK, "followed": rate.value, "low": round(rate.low, 4), "high": round(rate.high, 4),
            "grammatical": sum(t.grammatical for t in truths) / QUICK,
        }
    }  # fmt: skip

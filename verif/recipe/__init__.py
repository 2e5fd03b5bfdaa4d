"""The recipe: one file = one complete experiment, typed (`recipe.py`); a file for each of its sections."""

from verif.recipe.base import Section
from verif.recipe.build import (
    DIMENSIONS,
    BuildModel,
    BuildRecipe,
    CombineSection,
    PairsSection,
    SoftSection,
    load_build,
)
from verif.recipe.data import (
    LABELLED,
    ComposedData,
    FileData,
    LabelFile,
    RowsData,
    SumsData,
    VerInstructData,
    WorldData,
)
from verif.recipe.evaluate import (
    BENCHMARK_FILES,
    BenchmarkSource,
    DriftBounds,
    Evaluate,
    PromotionGate,
    Register,
    RejectionControl,
)
from verif.recipe.judgements import JudgementData, JudgementReward
from verif.recipe.lora import Lora
from verif.recipe.models import (
    HubModel,
    JudgePolicy,
    NoModel,
    PackageModel,
    RegisteredJudge,
    RelevanceJudge,
    ScratchJudge,
    ScratchModel,
    TinyModel,
)
from verif.recipe.pressure import HardenSection, PressureSection
from verif.recipe.recipe import RECIPES, SWEEPS, Recipe, Resources, load_recipe, parse_recipe
from verif.recipe.reference import ReferenceSection
from verif.recipe.train import DpoSection, Train, Watch
from verif.recipe.verifier import AuditGate, CascadeSection, VerifierSection

__all__ = [
    "BENCHMARK_FILES",
    "DIMENSIONS",
    "LABELLED",
    "RECIPES",
    "SWEEPS",
    "AuditGate",
    "BenchmarkSource",
    "BuildModel",
    "BuildRecipe",
    "CascadeSection",
    "CombineSection",
    "ComposedData",
    "DpoSection",
    "DriftBounds",
    "Evaluate",
    "FileData",
    "HardenSection",
    "HubModel",
    "JudgePolicy",
    "JudgementData",
    "JudgementReward",
    "LabelFile",
    "Lora",
    "NoModel",
    "PackageModel",
    "PairsSection",
    "PressureSection",
    "PromotionGate",
    "Recipe",
    "ReferenceSection",
    "Register",
    "RegisteredJudge",
    "RejectionControl",
    "RelevanceJudge",
    "Resources",
    "RowsData",
    "ScratchJudge",
    "ScratchModel",
    "Section",
    "SoftSection",
    "SumsData",
    "TinyModel",
    "Train",
    "VerInstructData",
    "VerifierSection",
    "Watch",
    "WorldData",
    "load_build",
    "load_recipe",
    "parse_recipe",
]

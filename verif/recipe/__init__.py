"""The recipe: one file = one complete experiment, typed (`recipe.py`), and its sections about a judge under pressure."""

from verif.recipe.base import Section
from verif.recipe.models import HubModel, NoModel, ScratchJudge, ScratchModel
from verif.recipe.pressure import HardenSection, PressureSection
from verif.recipe.recipe import (
    BENCHMARK_FILES,
    LABELLED,
    RECIPES,
    SWEEPS,
    AuditGate,
    BenchmarkSource,
    CascadeSection,
    Evaluate,
    LabelFile,
    PromotionGate,
    Recipe,
    Register,
    Resources,
    VerifierSection,
    VerInstructData,
    WorldData,
    load_recipe,
    parse_recipe,
)
from verif.recipe.train import DpoSection, Train, Watch

__all__ = [
    "BENCHMARK_FILES",
    "LABELLED",
    "RECIPES",
    "SWEEPS",
    "AuditGate",
    "BenchmarkSource",
    "CascadeSection",
    "DpoSection",
    "Evaluate",
    "HardenSection",
    "HubModel",
    "LabelFile",
    "NoModel",
    "PressureSection",
    "PromotionGate",
    "Recipe",
    "Register",
    "Resources",
    "ScratchJudge",
    "ScratchModel",
    "Section",
    "Train",
    "VerInstructData",
    "VerifierSection",
    "Watch",
    "WorldData",
    "load_recipe",
    "parse_recipe",
]

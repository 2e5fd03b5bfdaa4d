"""The model of a recipe that is asked about reference answers which the rules call unequal, and its identity."""

from __future__ import annotations

import os

from verif.core.answers.embedded import FeatureModel, embedded, features_part
from verif.core.answers.hybrid import AnswerModel, Hybrid, hybrid_part
from verif.errors import RecipeError
from verif.recipe import ReferenceSection

URL_VARIABLE = "VERIF_ANSWERS_URL"
KEY_VARIABLE = "VERIF_ANSWERS_API_KEY"
NOBODY = 1.0
"""The threshold of a served model that no audit has looked at: it is asked, and its word does not count."""


def threshold_of(section: ReferenceSection) -> float:
    """What the audit chose; before it, the built-in model's own threshold, and for a served one that nobody passes."""
    if section.threshold is not None:
        return section.threshold
    return NOBODY if section.served else embedded().threshold


def references_part(section: ReferenceSection | None) -> str:
    """The identity of rules and model; "" where the rules decide alone."""
    if section is None or section.model == "none":
        return ""
    part = features_part() if section.model == "features" else _served_part(section)
    return hybrid_part(part, threshold_of(section), alone=not section.rules)


def hybrid_of(section: ReferenceSection | None) -> Hybrid | None:
    """The model behind the rules, ready to be asked; None where the rules decide alone."""
    if section is None or section.model == "none":
        return None
    return Hybrid(_model(section), threshold_of(section), alone=not section.rules)


def _served_part(section: ReferenceSection) -> str:
    if section.model == "judge":
        from verif.core.answers.language import language_part

        return language_part(section.digest)
    from verif.core.answers.classifying import classifier_part

    return classifier_part(section.digest)


def _model(section: ReferenceSection) -> AnswerModel:
    if section.model == "features":
        return FeatureModel()
    urls = os.environ.get(URL_VARIABLE, "")
    if not urls:
        raise RecipeError(
            f"verifier.reference asks a model ({section.model}), and no server is named.",
            f"Set {URL_VARIABLE} to its URL.",
        )
    if section.model == "judge":
        from verif.core.answers.language import LanguageModel

        return LanguageModel(urls.split(","), section.digest, section.deadline_s, KEY_VARIABLE)
    from verif.core.answers.classifying import Classifier

    return Classifier(urls.split(","), section.digest, section.deadline_s, KEY_VARIABLE)

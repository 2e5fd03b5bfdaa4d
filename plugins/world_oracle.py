"""`world:shown`: the local world's own truth about a soft constraint, as a rule. What no real judge has.

A recipe with `data.soft: rules` is rewarded by it: the ceiling that every judge of the world is compared with.
"""

from verif.core.rules import Outcome, Params, rule
from verif.core.text import Doc
from verif.data.world.grammar import grammatical
from verif.data.world.oracle import seen


class Shown(Params):
    """The class that a response must show, and no other of its dimension."""

    dimension: str
    wanted: str


@rule(
    "world:shown",
    Shown,
    asks="Show {dimension} {wanted}.",
    example=(
        {"dimension": "topic", "wanted": "harbour"},
        "The sailor often cleans the old boat.",
        "The baker often cleans the old oven.",
    ),
)
def shown(doc: Doc, params: Shown) -> Outcome:
    """The response shows exactly the wanted class, and its language is the world's from end to end."""
    classes, language = seen(doc.text, params.dimension), grammatical(doc.text)
    said = f"{params.dimension} {', '.join(classes) or 'none'}, {'' if language else 'not '}grammatical"
    return Outcome(language and classes == (params.wanted,), said, {})

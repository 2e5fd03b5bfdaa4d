"""A rule of one's own, with the edits by which the audit tests it.

Put a module like this into the project's plugins/ folder and name it under `plugins:` in the recipe.
"""

import random

from verif import Doc, Edits, Outcome, Params, RuleConstraint, rule, verify

NAMES = ("Ada", "Grace", "Alan")


class Greeting(Params):
    """Whom to greet."""

    name: str


@rule(
    "example:greets",
    Greeting,
    edits=Edits(
        draw=lambda rng: {"name": random.Random(rng.random()).choice(NAMES)},
        repair=lambda _, text, params: f"Hello {params['name']}. {text}",
        break_=lambda _, text, params: text.replace(f"Hello {params['name']}", "Hello"),
    ),
)
def greets(doc: Doc, params: Greeting) -> Outcome:
    """The response begins by greeting that person."""
    ok = doc.text.startswith(f"Hello {params.name}")
    return Outcome(ok, f"{'greets' if ok else 'does not greet'} {params.name}")


if __name__ == "__main__":
    asked = [RuleConstraint(text="Greet Ada first.", rule="example:greets", params={"name": "Ada"})]
    for response in ("Hello Ada. The harbour is calm.", "The harbour is calm."):
        verification = verify("Describe the harbour.", response, asked)
        print(verification.reward.value, verification.verdicts[0].reason)

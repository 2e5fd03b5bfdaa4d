"""The verifier of a recipe, in this process: rules, checkers, formula and judge as the pipeline has them.

The example's recipe has no judge. With one, give `build` the judge's address (an OpenAI-compatible server) and its
model's folder. Run it from the project's root: python examples/recipe_verifier.py verinstruct-tiny
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from verif import Instruction, Item, Response, RuleConstraint, build

NO_COMMA = RuleConstraint(text="Use no commas.", rule="punctuation:no_comma")
ASKED = Instruction(id="1", prompt="Describe the harbour.", constraints=(NO_COMMA,))


async def main(name: str) -> None:
    """Two answers to one instruction."""
    said = [Response(text="A boat."), Response(text="A boat, a gull.")]
    items = [Item(id=str(n), instruction=ASKED, response=response) for n, response in enumerate(said)]
    with tempfile.TemporaryDirectory() as state:
        verifier = build(name, state=Path(state))
        rewards = {
            verification.id: verification.reward.value async for verification in verifier.verify(items)
        }
        await verifier.close()
    print([rewards[item.id] for item in items])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

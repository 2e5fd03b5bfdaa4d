"""Do two labellers agree? The share on which they do, and Cohen's kappa, which corrects it for chance.

Only questions that both answered with pass or fail count; what one of them could not say is counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from verif.pipeline.labelling.labels import Label
from verif.pipeline.labelling.questions import LabelQuestion
from verif.stats import Interval, bootstrap_mean, cohens_kappa


@dataclass(slots=True)
class TwoLabellers:
    """What two labellers said of the same questions. `differ`: where one says pass and the other fail."""

    names: tuple[str, str]
    passed: tuple[int, int] = (0, 0)
    alike: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    differ: list[LabelQuestion] = field(default_factory=list)
    unsaid: int = 0

    @property
    def share(self) -> Interval:
        """Share on which they agree; answers about one instruction are resampled together."""
        return bootstrap_mean(self.alike, self.clusters)

    @property
    def kappa(self) -> Interval | None:
        """Cohen's kappa; None where chance alone would make them agree always, or nothing is shared."""
        if not self.alike:
            return None
        first, second = (count / len(self.alike) for count in self.passed)
        return cohens_kappa(self.share, first, second)


def compare(
    questions: Iterable[LabelQuestion], labels: Mapping[str, Mapping[str, Label]]
) -> list[TwoLabellers]:
    """Every two labellers, by name."""
    asked = {question.key: question for question in questions}
    return [_two(asked, names, labels) for names in combinations(sorted(labels), 2)]


def _two(
    asked: Mapping[str, LabelQuestion], names: tuple[str, str], labels: Mapping[str, Mapping[str, Label]]
) -> TwoLabellers:
    made = TwoLabellers(names)
    first, second = (labels[name] for name in names)
    for key, question in asked.items():
        if key not in first or key not in second:
            continue
        said = first[key].label, second[key].label
        if "unknown" in said:
            made.unsaid += 1
            continue
        made.passed = (made.passed[0] + (said[0] == "pass"), made.passed[1] + (said[1] == "pass"))
        made.alike.append(float(said[0] == said[1]))
        made.clusters.append(question.judged.instruction.id)
        if said[0] != said[1]:
            made.differ.append(question)
    return made

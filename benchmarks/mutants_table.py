"""Which lines of the promises are spoilt, one at a time, and which tests must notice.

A mutant names a file, a text that stands in it exactly once, what takes its place, and the tests. It is a plausible
slip of whoever edits the line next; nothing here is meant to cover every line.
"""

from __future__ import annotations

from dataclasses import dataclass

REWARD, EXCLUDED = "tests/core/test_reward.py", "tests/training/test_exclusion.py"
LOSSES, SAMPLER = "tests/training/test_losses.py", "tests/training/test_sampler.py"
DIGEST, PROMISES = "tests/training/test_run_digest.py", "tests/service/test_promises.py"
GATE = "tests/registry/test_gate.py tests/registry/test_headline.py"
STATS, JUDGE = "tests/test_stats.py", "tests/core/judge/test_judge.py tests/core/judge/test_reply.py"
VERDICT, VERIFIER = "tests/core/judge/test_verdict.py", "tests/service/test_verifier.py"
CACHE = "tests/service/test_cache.py tests/service/test_cache_trust.py"
LEASE = "tests/service/test_lease.py::test_a_shared_service_that_stalls_for_a_while_is_kept"
OWNER = "tests/service/test_lease_owner.py tests/service/test_lease_rules.py"
PLACE = "tests/pipeline/test_place.py"
THINKING, SERVED = "tests/evaluation/test_thinking.py", "tests/service/test_served.py"
TEACHER, TAUGHT = "tests/audit/test_teacher.py", "tests/pipeline/stages/test_train.py"


@dataclass(frozen=True)
class Mutant:
    """One spoilt line: `about` says which promise it breaks."""

    about: str
    file: str
    old: str
    new: str
    tests: str

    @property
    def name(self) -> str:
        """File and promise, for the list."""
        return f"{self.file}: {self.about}"


MUTANTS = (
    # ---- reward
    Mutant("an error counts as a reward", "verif/core/reward.py",
           "if any(status is Status.ERROR for _, status in used):", "if False:", REWARD),
    Mutant("an absent term is 1", "verif/core/reward.py",
           'if soft and formula != "hard-only":', 'if formula != "hard-only":', REWARD),
    Mutant("one pass is enough", "verif/core/reward.py",
           "return float(all(s is Status.PASS for s in statuses))",
           "return float(any(s is Status.PASS for s in statuses))", REWARD),
    Mutant("a skipped term is a number", "verif/core/reward.py",
           'if formula in ("product", "all") and hard and value == 0.0:', "if hard:", REWARD),
    Mutant("unscorable is always 0", "verif/core/reward.py",
           'return Reward(value=unscorable, state="unscorable", formula=formula)',
           'return Reward(value=0.0, state="unscorable", formula=formula)', REWARD),
    # ---- what breaks is an error
    Mutant("a rule that breaks is a fail", "verif/core/checks.py",
           "status=Status.ERROR, covers=(index,), reason=reason[:300], part=spec.part",
           "status=Status.FAIL, covers=(index,), reason=reason[:300], part=spec.part", PROMISES),
    Mutant("a sandbox that fails is a fail", "verif/core/checks.py",
           'status=Status.ERROR, covers=(index,), reason="the sandbox failed", part=part',
           'status=Status.FAIL, covers=(index,), reason="the sandbox failed", part=part', PROMISES),
    # ---- keys and identity
    Mutant("a checker's key without the prompt", "verif/core/checks.py",
           "digest([part, instruction.prompt, answer])", "digest([part, answer])", PROMISES),
    Mutant("a judge's key without the system message", "verif/core/judge/judge.py",
           "digest([self.part, instruction.system, instruction.prompt, asked, texts, answer])",
           "digest([self.part, instruction.prompt, asked, texts, answer])", JUDGE),
    Mutant("a judge's key without what is asked", "verif/core/judge/judge.py",
           "instruction.prompt, asked, texts, answer])", "instruction.prompt, texts, answer])", JUDGE),
    Mutant("a judge's key without its sampling", "verif/core/judge/judge.py",
           '"sampling": [parameters, SEEDS],', '"sampling": [SEEDS],', JUDGE),
    Mutant("the identity without reasoning", "verif/core/parts.py",
           '"reasoning": reasoning,', '"reasoning": "",', PROMISES),
    Mutant("the identity without the reward of the unscorable", "verif/core/parts.py",
           '"unscorable_reward": repr(unscorable_reward),', '"unscorable_reward": "",', PROMISES),
    Mutant("errors are cached", "verif/core/cache.py",
           "if verdict.status in (Status.ERROR, Status.SKIPPED):", "if False:", CACHE),
    Mutant("a cached verdict is believed unsigned", "verif/core/cache.py",
           "not hmac.compare_digest(", "False and not hmac.compare_digest(", CACHE),
    Mutant("an errored judgement is cached", "verif/core/verifier.py",
           "if self.cache is not None and verdict.status in (Status.PASS, Status.FAIL):",
           "if self.cache is not None and verdict.status is not None:", VERIFIER),
    # ---- verdicts
    Mutant("a verdict that was cut off is one", "verif/core/judge/reply.py",
           "if choice.finish_reason in _CUT and text:", "if False:", JUDGE),
    Mutant("a verdict cut by a filter is one", "verif/core/judge/reply.py",
           '_CUT = ("length", "content_filter")', '_CUT = ("length",)', JUDGE),
    Mutant("a verdict in unfinished reasoning counts", "verif/core/judge/verdict.py",
           "if len(segments) > 2:", "if False:", VERDICT),
    Mutant("a key may stand twice", "verif/core/judge/verdict.py",
           "if len({key for key, _ in pairs}) != len(pairs):", "if False:", VERDICT),
    Mutant("more than a verdict is a verdict", "verif/core/judge/verdict.py",
           '<= set(value) <= {"verdict", "reason"}:', "<= set(value):", VERDICT),
    # ---- what is learnt from
    Mutant("errors take part", "verif/training/verl/exclusion.py",
           "return [state not in SCORED or scored[uid] < 2", "return [scored[uid] < 2", EXCLUDED),
    Mutant("a lone survivor takes part", "verif/training/verl/exclusion.py",
           "scored[uid] < 2 for", "scored[uid] < 1 for", EXCLUDED),
    Mutant("the mask without loss_mask", "verif/training/verl/sampler.py",
           '"loss_mask": torch', '"another_mask": torch', SAMPLER),
    Mutant("the mask without response_mask", "verif/training/verl/sampler.py",
           '"response_mask": torch', '"another_mask": torch', SAMPLER),
    Mutant("the error threshold is off", "verif/training/verl/sampler.py",
           "if drawn.errors <= self.max_error_share * drawn.expected:", "if True:", SAMPLER),
    Mutant("an errored validation is 0", "verif/training/verl/trainer.py",
           "rewards = [record.reward for record in records if record.reward is not None]\n        numbers",
           "rewards = [record.reward or 0.0 for record in records]\n        numbers", SAMPLER),
    Mutant("rows without tokens are in a group", "verif/training/verl/advantage.py",
           "if taking_part[row]:", "if True:", LOSSES),
    Mutant("a group of one has an advantage", "verif/training/verl/advantage.py",
           "if len(rows) >= 2:", "if rows:", LOSSES),
    Mutant("the run digest without the data", "verif/training/launch.py",
           'for name in ("train", "validation")]', 'for name in ("train",)]', DIGEST),
    Mutant("the run digest without the verifier", "verif/training/launch.py",
           "train, verifier, endpoint.identity, code, versions]", "train, verifier, code, versions]", DIGEST),
    # ---- the gate and its numbers
    Mutant("the gate takes the first benchmark by name", "verif/registry/gate.py",
           'headline = next(iter(in_order(evidence.evaluation)), "")',
           'headline = min(evidence.evaluation["benchmarks"], default="")', GATE),
    Mutant("a gain's estimate is enough", "verif/registry/gate.py",
           "low > gate.min_gain,", 'gain["value"] > gate.min_gain,', GATE),
    Mutant("prompts without a verdict are passed over", "verif/registry/criteria.py",
           'Criterion("verdicts", shares[worst] >= MIN_KNOWN,', 'Criterion("verdicts", True,', GATE),
    Mutant("two verifiers are compared", "verif/registry/criteria.py",
           'return Criterion("verifier", not other,', 'return Criterion("verifier", True,', GATE),
    Mutant("intervals without the t expansion", "verif/stats.py",
           "tail = float(norm.cdf(-math.sqrt(units / (units - 1)) * t.ppf((1 + LEVEL) / 2, units - 1)))",
           "tail = float(norm.cdf(norm.ppf((1 - LEVEL) / 2)))", STATS),
    Mutant("few sources without Student's t", "verif/stats.py", "if units < FEW:", "if False:", STATS),
    Mutant("siblings count as independent", "verif/stats.py", "if clusters is None:", "if True:", STATS),
    Mutant("agreement is certainty", "verif/stats.py",
           "unseen = proportion(0, clusters).high", "unseen = 0.0", STATS),
    Mutant("p-values without Holm's factor", "verif/stats.py",
           "(count - rank) * p_values[index]", "p_values[index]", STATS),
    # ---- who thinks, who teaches, who judges
    Mutant("what stops an answer stops a reasoning", "verif/evaluation/thinking.py",
           'del payload["stop"]', "pass", THINKING),
    Mutant("an unfinished reasoning is scored", "verif/evaluation/thinking.py",
           "answer_of(Response(text=text), self.reasoning)", "answer_of(Response(text=text))", THINKING),
    Mutant("a rule that is not asked trains anew", "verif/audit/fitness.py",
           'parts["rules"] = rules_part({rule_id(kind) for kind in HARD})', "pass", TEACHER),
    Mutant("what a rule imports decides nothing", "verif/core/deciding.py",
           "todo += [str(node.module) for node in imports]", "todo += []", TEACHER),
    Mutant("a verifier that was not audited teaches", "verif/pipeline/stages/train.py",
           "if (teacher := teacher_of(stage)) != audited:", "if not (teacher := teacher_of(stage)):", TAUGHT),
    Mutant("any folder holds the pinned judge", "verif/service/served.py",
           "if digest_tree(place) == pin.digest():", "if place:", SERVED),
    # ---- lease and place
    Mutant("a service of another identity is shared", "verif/service/lease.py",
           'lease.get("identity") != identity or', "", OWNER),
    Mutant("a reused pid is the service", "verif/service/users.py",
           "return now is not None and abs(now - start) < 1.5", "return now is not None", OWNER),
    Mutant("a lease that others planted is believed", "verif/service/lease.py",
           "require_folder(folder)\n        require_file(path)", "pass", OWNER),
    Mutant("a service that stalls once is replaced", "verif/service/lease.py",
           "HEALTH_TRIES, HEALTH_S = 3, 10.0", "HEALTH_TRIES, HEALTH_S = 1, 10.0", LEASE),
    Mutant("a GPU stage starts here", "verif/cli/stage.py",
           'wanted.executor == "kubernetes" and here != "kubernetes":', "False:", PLACE),
    Mutant("nobody asks where a stage belongs", "verif/cli/stage.py",
           "        refuse_wrong_place(context, name)\n", "", PLACE),
)  # fmt: skip

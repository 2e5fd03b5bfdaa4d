"""A headline as a run leaves it whose model became worse and was refused."""

from verif.registry.headline import FirstAlarm, Headline

REFUSED = Headline(
    before=0.4, after=0.3, gain=-0.1, low=-0.15, high=-0.05, greedy=-0.1, unseen=None, control=None, form=0.9,
    false=0.25, recall=0.8, alarms=1, repairs=0, gate=0, steps=70, minutes=8.5,
    reasons=("gain: world-test fell",), first_alarm=FirstAlarm(41, "the oracle calls 25% of accepted rollouts false"),
)  # fmt: skip

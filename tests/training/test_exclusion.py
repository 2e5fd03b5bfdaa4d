from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from verif.training.verl.exclusion import excluded

ROLLOUTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["scored", "unscorable", "error"])), max_size=30
)


def test_errors_and_lone_survivors_are_left_out() -> None:
    uids, states = list("aaabbcc"), ["scored", "error", "scored", "scored", "error", "unscorable", "scored"]
    assert excluded(uids, states) == [False, True, False, True, True, False, False]


@given(ROLLOUTS)
def test_what_takes_part_has_a_reward_and_company(rollouts: list[tuple[str, str]]) -> None:
    out = excluded([uid for uid, _ in rollouts], [state for _, state in rollouts])
    kept = Counter(uid for (uid, _), flag in zip(rollouts, out, strict=True) if not flag)
    assert all(count >= 2 for count in kept.values())
    for (uid, state), flag in zip(rollouts, out, strict=True):
        if state == "error":
            assert flag
        elif kept[uid]:
            assert not flag

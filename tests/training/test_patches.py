import ast
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from verif.errors import SetupError
from verif.training.verl import patches

spec = importlib.util.find_spec("verl")
pytestmark = pytest.mark.skipif(spec is None, reason="verl is not installed")


def test_patches_fit_the_installed_version() -> None:
    patches.check_all()


def test_another_version_is_refused_with_the_place_to_look() -> None:
    patch = SimpleNamespace(__name__="p", PACKAGE="verl", VERSION="0.9.0", WHERE="verl/utils/model.py:1")
    with pytest.raises(SetupError, match=r"patches verl 0.9.0 \(verl/utils/model.py:1\), but 0.9.1"):
        patches.check(patch)  # type: ignore[arg-type]


ALL = (*patches.patches(), *patches.patches_for_gpus())


@pytest.mark.parametrize("patch", ALL, ids=lambda patch: patch.__name__.rsplit(".", 1)[1])
def test_the_named_upstream_line_is_what_the_patch_is_about(patch: object) -> None:
    place, line = patch.WHERE.split(":")  # type: ignore[attr-defined]
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parents[1] / place).read_text("utf-8")
    ast.parse(text)
    words = {
        "distributed.py": "cpu:gloo,",
        "transformer_impl.py:462": "pin_memory=True",
        "transformer_impl.py:1063": "def _merged_lora_per_tensor_param",
        "model.py": "def load_valuehead_model",
        "torch_functional.py": "def logprobs_from_logits_v2",
        "agent_loop.py": "hydra.utils.instantiate(",
        "agent_loop_tq.py": "await tq.async_kv_batch_put(",
    }
    name = Path(place).name
    assert words.get(f"{name}:{line}", words.get(name, "?")) in text.splitlines()[int(line) - 1]


def test_log_probabilities_by_blocks_are_verls_own_with_the_same_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = pytest.importorskip("torch")
    from verl.utils.torch_functional import logprobs_from_logits_naive

    from verif.training.verl.patches import token_loop

    monkeypatch.setattr(token_loop, "TOKENS", 4)  # three blocks, the last one short
    torch.manual_seed(0)
    labels = torch.randint(0, 17, (11,))
    results = []
    for compute in (token_loop.by_blocks, logprobs_from_logits_naive):
        logits = torch.linspace(-3, 3, 11 * 17).reshape(11, 17).sin().mul(20).requires_grad_()
        logs = compute(logits, labels)
        (logs * torch.arange(11)).sum().backward()
        results.append((logs, logits.grad))
    assert results[0][0].shape == labels.shape
    for first, second in zip(*results, strict=True):
        assert torch.allclose(first, second, atol=1e-5)


def test_one_loop_serves_all_rollouts_and_only_one_that_keeps_nothing() -> None:
    from verif.training.verl.patches import one_loop

    class Utils:
        def instantiate(self, config: dict[str, str], **parts: object) -> tuple[str, object]:
            return config["_target_"], parts["server_manager"]

    utils, server, tokenizer = one_loop.Utils(Utils()), object(), object()
    plain = {"_target_": one_loop.KEEPS_NOTHING}
    first = utils.instantiate(plain, server_manager=server, tokenizer=tokenizer, tools=[1])
    assert utils.instantiate(plain, server_manager=server, tokenizer=tokenizer, tools=[2]) is first
    assert utils.instantiate(plain, server_manager=object(), tokenizer=tokenizer) is not first
    tools = {"_target_": "verl.experimental.agent_loop.tool_agent_loop.ToolAgentLoop"}
    made = [utils.instantiate(tools, server_manager=server, tokenizer=tokenizer) for _ in range(2)]
    assert made[0] is not made[1]


@pytest.mark.slow
def test_verls_single_turn_loop_is_registered_under_the_name_that_is_kept() -> None:
    from verl.experimental.agent_loop.agent_loop import _agent_loop_registry

    from verif.training.verl.patches import one_loop

    assert _agent_loop_registry["single_turn_agent"]["_target_"] == one_loop.KEEPS_NOTHING

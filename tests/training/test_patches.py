import ast
import asyncio
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


ALL = tuple(dict.fromkeys((*patches.patches(), *patches.patches_for_gpus())))


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
        "agent_loop.py:683": "hydra.utils.instantiate(",
        "agent_loop.py:1025": "random.choice(self.reward_loop_worker_handles)",
        "llm_server.py": "self._load_balancer.acquire_server.remote(",
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


@pytest.mark.slow
def test_the_one_server_is_asked_for_once_and_written_to_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from verl.workers.rollout.llm_server import LLMServerClient

    from verif.training.verl.patches import one_server

    for name in ("_acquire_server", "_release_server"):  # puts veRL's own back afterwards
        monkeypatch.setattr(LLMServerClient, name, getattr(LLMServerClient, name))
    one_server.apply()
    asked: list[str] = []

    def remote(name: str, answer: object) -> SimpleNamespace:
        async def call(**given: object) -> object:
            asked.append(f"{name} {given.get('prompt_ids', '')}".strip())
            return answer

        return SimpleNamespace(remote=call)

    server = SimpleNamespace(generate=remote("generate", SimpleNamespace(extra_fields={})))
    balancer = SimpleNamespace(
        require_acquire_fields=remote("fields", ["request_id"]),
        require_release_fields=remote("fields", ["request_id"]),
        acquire_server=remote("acquire", ("0", server)),
    )
    config = SimpleNamespace(actor_rollout_ref=SimpleNamespace(rollout=SimpleNamespace(name="vllm")))
    client = LLMServerClient(config, balancer)

    async def write() -> None:
        for ids in ([1], [2]):
            await client.generate("r", prompt_ids=ids, sampling_params={})

    asyncio.run(write())
    assert asked == ["fields", "fields", "acquire", "generate [1]", "generate [2]"]


@pytest.mark.slow
def test_agent_loops_without_a_reward_worker_ask_for_rewards_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from verl.experimental.agent_loop.agent_loop import AgentLoopWorker
    from verl.experimental.reward_loop import reward_loop

    from verif.training.verl.patches import reward_here

    def make(self: AgentLoopWorker, config: object, handles: object) -> None:
        self.reward_loop_worker_handles = handles

    class Worker:
        def __init__(self, config: object) -> None:
            self.config = config

        async def compute_score(self, data: object) -> dict[str, object]:
            return {"reward_score": 1.0, "asked": (self.config, data)}

    monkeypatch.setattr(AgentLoopWorker, "__init__", make)
    monkeypatch.setattr(reward_loop, "RewardLoopWorker", Worker)
    reward_here.apply()
    for handles in (None, ["a worker of its own"]):
        assert AgentLoopWorker("config", handles).reward_loop_worker_handles == handles
    (here,) = AgentLoopWorker("config", []).reward_loop_worker_handles

    async def ask() -> object:
        return await here.compute_score.remote("a rollout")

    assert asyncio.run(ask()) == {"reward_score": 1.0, "asked": ("config", "a rollout")}

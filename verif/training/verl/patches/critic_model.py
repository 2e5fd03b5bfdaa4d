"""PPO's critic without FlashAttention.

`load_valuehead_model` hard-codes FlashAttention 2, which has no CPU build, and then asks for `trl` whatever
the error was. The same first call with `sdpa` loads the critic: a token classifier with one label.
"""

from __future__ import annotations

from typing import Any

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.utils.model"
WHERE = "verl/utils/model.py:641"


def apply() -> None:
    """Replace the loader."""
    import verl.utils.model as model

    model.load_valuehead_model = load


def load(local_path: str, torch_dtype: Any, model_config: Any, trust_remote_code: bool) -> Any:  # noqa: ARG001
    """The value model at `local_path`, with torch's own attention; a repository's own code is never run."""
    from transformers import AutoModelForTokenClassification

    return AutoModelForTokenClassification.from_pretrained(
        pretrained_model_name_or_path=local_path,
        dtype=torch_dtype,
        config=model_config,
        attn_implementation="sdpa",
        trust_remote_code=False,
        use_safetensors=True,
    )

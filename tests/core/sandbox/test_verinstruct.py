import json
from pathlib import Path

import pytest

from verif.core.forms.checkers import unfenced
from verif.core.row_files import read_rows
from verif.data.verinstruct import divided, prepare_verinstruct
from verif.errors import InputError
from verif.recipe import VerInstructData, load_recipe
from verif.types import CheckerConstraint, Instruction

COLONS = (
    "Avoid the use of colons.",
    "def check_following(instruction, response):\n    return ':' not in response",
)
WORDS = ("Answer with at most {n} words.", "def check_following(i, r):\n    return len(r.split()) <= {n}")
LETTERS = (
    "Each word must have at least 15 characters.",
    "def check_following(i, r):\n    return all(len(w) > 14 for w in r.split())",
)


def file(folder: Path, rows: int) -> Path:
    lines = []
    for number in range(rows):
        pairs = [COLONS, (WORDS[0].format(n=20 + number), WORDS[1].format(n=20 + number))]
        if number % 5 == 0:
            pairs.append(LETTERS)
        if number % 7 == 0:
            pairs = [LETTERS]
        prompt = f"Write about thing number {number}.\n" + "\n".join(text for text, _ in pairs)
        lines.append({"id": number, "prompt": prompt + ("x" * 5000 if number == 1 else ""),
                      "checkers": [f"[rule] Digit: {t}" for t, _ in pairs], "functions": [s for _, s in pairs]})  # fmt: skip
    lines.append({**lines[2], "id": "twin"})
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


SECTION = VerInstructData(validation=4, test=4, golden=4, rows=24, require_checker=True)


def test_every_row_is_in_one_split_or_has_a_reason(tmp_path: Path) -> None:
    splits = prepare_verinstruct(file(tmp_path, 30), SECTION, seed=1)
    golden = {item.instruction.id for item in splits.golden}
    parts = [{i.id for i in part} for part in (splits.train, splits.validation, splits.test)] + [golden]
    assert all(2 <= len(part) <= 8 for part in parts[1:]), "sizes are shares, met about"
    everyone = set().union(*parts)
    assert sum(map(len, parts)) == len(everyone)
    dropped = {e["id"]: e["reason"] for e in splits.quarantine if e["action"] == "row dropped"}
    assert everyone | set(dropped) == {str(n) for n in range(30)} | {"twin"}
    assert "tokens" in dropped["1"]
    assert "earlier row" in dropped["twin"]
    assert "no constraint" in dropped["7"] or "unsatisfiable" in dropped["7"]
    assert all("15 characters" not in item.prompt for item in splits.train), (
        "a dropped constraint left the prompt"
    )


def rows(start: int, stop: int) -> list[Instruction]:
    return [Instruction(id=str(n), prompt=f"Write about {n}.") for n in range(start, stop)]


@pytest.mark.parametrize("meant", [22_000, 0])
def test_new_rows_move_no_old_one_and_sizes_are_about_what_was_asked(meant: int) -> None:
    section = VerInstructData(validation=64, test=128, golden=100, rows=meant // 4)
    before = divided(rows(0, 5_000), section, 1, Path("x"))
    after = divided(rows(0, 5_500), section, 1, Path("x"))
    for name, part in before.items():
        assert {item.id for item in part} <= {item.id for item in after[name]}, name
    most = 1.25 if meant else 2.0
    for name, asked in {"validation": 64, "test": 128, "golden": 100}.items():
        assert 0.75 * asked <= len(after[name]) <= most * asked, name
    assert sum(map(len, after.values())) == 5_500


def test_same_file_same_splits(tmp_path: Path) -> None:
    path = file(tmp_path, 30)
    first = prepare_verinstruct(path, SECTION, seed=1)
    assert prepare_verinstruct(path, SECTION, seed=1) == first
    assert [i.id for i in prepare_verinstruct(path, SECTION, seed=2).test] != [i.id for i in first.test]


def test_the_golden_set_knows_both_outcomes(tmp_path: Path) -> None:
    splits = prepare_verinstruct(file(tmp_path, 30), SECTION, seed=1)
    kept = [all(item.truth) for item in splits.golden]
    assert any(kept)
    assert not all(kept)
    for item in splits.golden:
        assert len(item.truth) == len(item.instruction.constraints)


@pytest.mark.slow
def test_policies_of_the_recipe(tmp_path: Path) -> None:
    path = file(tmp_path, 30)
    strict = SECTION.model_copy(update={"screening": "drop-row"})
    rows = prepare_verinstruct(path, strict, seed=1)
    assert len(rows.train) < len(prepare_verinstruct(path, SECTION, seed=1).train)
    kept = prepare_verinstruct(path, SECTION.model_copy(update={"screening": "keep"}), seed=1)
    assert any("15 characters" in item.prompt for item in kept.train)
    assert kept.summary["findings"]["unsatisfiable"] > 0


def test_too_few_rows_or_no_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few"):
        prepare_verinstruct(file(tmp_path, 12), SECTION, seed=1)
    with pytest.raises(InputError, match="does not exist"):
        prepare_verinstruct(tmp_path / "nothing.jsonl", SECTION, seed=1)


@pytest.mark.slow
def test_the_recipe_on_the_public_sample(root: Path, reference_data: Path) -> None:
    recipe = load_recipe("verinstruct-tiny", root / "recipes")
    assert isinstance(recipe.data, VerInstructData)
    splits = prepare_verinstruct(
        reference_data / "verinstruct" / "sample_200.jsonl", recipe.data, recipe.seed
    )
    assert len(splits.train) > 60
    assert 4 <= len(splits.validation) <= 16
    assert 8 <= len(splits.test) <= 32
    assert all(any(isinstance(c, CheckerConstraint) for c in item.constraints) for item in splits.train)
    assert splits.summary["run_alone"] == 0
    assert splits.summary["rows_read"] == 200
    assert {pair.prompt for pair in splits.policy_pairs} <= {item.prompt for item in splits.train} | {""}


@pytest.mark.parametrize("fence", ["```python\n{}\n```", "```\n{}\n```\n", "~~~py\n{}\n~~~"])
def test_functions_in_a_code_fence_are_the_functions_in_it(tmp_path: Path, fence: str) -> None:
    plain = file(tmp_path, 30)
    fenced = tmp_path / "fenced.jsonl"
    lines = [json.loads(line) for line in plain.read_text().splitlines()]
    for line in lines:
        line["functions"] = [fence.format(source) for source in line["functions"]]
    fenced.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(read_rows(fenced)) != []
    for one, other in zip(read_rows(plain), read_rows(fenced), strict=True):
        assert one.instruction == other.instruction, "neither repaired nor left out"


@pytest.mark.parametrize(
    "source", ["```python\nx = 1", "x = '```'", "```js\nx\n```", "```\na\n```\nb\n```\n", "", "```"]
)
def test_what_is_not_one_fence_stays_as_it_is(source: str) -> None:
    assert unfenced(source) == source

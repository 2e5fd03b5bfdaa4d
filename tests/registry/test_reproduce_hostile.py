"""Whoever may write to MLflow writes tags: none of them becomes a command, none reaches a shell, make or a terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from verif.errors import RegistryError
from verif.registry.reproduction import Step, reproduction, run
from verif.registry.store import MODEL_DIGEST, Version

COMMIT, RUN, DIGEST = "c" * 40, "a" * 32, "d" * 64


class Store:
    """A registry whose contents somebody else wrote."""

    def __init__(
        self, params: Path, kept: tuple[str, ...] = ("lineage/params.yaml",), name: str = "m"
    ) -> None:
        self.name, self.uri, self.params, self.kept = name, "https://me:pa/ss@mlflow.example", params, kept
        self.mlflow = self

    def list_artifacts(self, run_id: str, path: str) -> list[Any]:
        return [SimpleNamespace(path=name) for name in self.kept]

    def download_artifacts(self, run_id: str, path: str) -> str:
        return str(self.params)


def version(run_id: str = RUN, **tags: str) -> Version:
    found = {"verif.git.commit": COMMIT, "verif.recipe.name": "t", MODEL_DIGEST: DIGEST}
    return Version("3", run_id, "", found | {k.replace("__", "."): v for k, v in tags.items()}, (), 0)


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text("recipe: t\ndata: verif/data/world\n")
    return path


HOSTILE = ["; touch own", "$(touch own)", "`touch own`", "t\ntouch own", "t' 'x", "--upload-pack=touch own", "$(shell touch own)",
           "a b", "é", "x\x1b[2J", "-x", ""]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["verif.git.commit", "verif.recipe.name", MODEL_DIGEST])
def test_a_tag_that_is_not_of_its_form_is_refused(name: str, value: str, params: Path) -> None:
    with pytest.raises(RegistryError, match="which is passed to no command"):
        reproduction(Store(params), version(**{name.replace(".", "__"): value}), params.parent)


@pytest.mark.parametrize("value", HOSTILE[:-1])
def test_neither_is_a_run_a_model_or_a_data_file(value: str, params: Path) -> None:
    patched = Store(params, ("lineage/changes.patch",))
    with pytest.raises(RegistryError, match="its run is"):
        reproduction(patched, version(run_id=value), params.parent)
    if value not in ("é", "-x"):
        with pytest.raises(RegistryError, match="name of the model"):
            reproduction(Store(params, name=value), version(), params.parent)
        params.write_text(f"recipe: t\ndata: {value!r}\n" if "\n" not in value else 'data: "t\\ntouch own"\n')
        if value != "x\x1b[2J":
            with pytest.raises(RegistryError, match="its data is"):
                reproduction(Store(params), version(), params.parent)


def test_remarks_are_one_line_and_are_never_run(params: Path, tmp_path: Path) -> None:
    told = {"verif__git__left_out": "huge\ntouch own", "verif__git__withheld": "a\x1b]0;x\x07\ntouch own"}
    steps = reproduction(Store(params), version(**told), params.parent)
    remarks = [step.shown for step in steps if step.remark]
    assert len(remarks) == 2
    assert all(line.startswith("# ") and line.isprintable() for line in remarks)
    assert run([step for step in steps if step.remark], tmp_path) == 0
    assert not (tmp_path / "own").exists()


def test_no_shell_reads_the_arguments_and_what_is_shown_is_quoted(tmp_path: Path) -> None:
    nasty = "$(touch own); `touch own` 'x'\n"
    step = Step(("python", "-c", "import sys; open('got', 'w').write(sys.argv[1])", nasty))
    assert run([step], tmp_path) == 0
    assert (tmp_path / "got").read_text() == nasty
    assert not (tmp_path / "own").exists()
    shown = Step(("echo", "$(touch own)")).shown
    said = subprocess.run(["sh", "-c", shown], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout == "$(touch own)\n"


def test_what_fails_ends_it_and_a_password_is_used_but_not_shown(params: Path, tmp_path: Path) -> None:
    steps = reproduction(Store(params, ("lineage/changes.patch",)), version(), params.parent)
    (download,) = [step for step in steps if step.arguments[:1] == ("mlflow",)]
    assert download.environment["MLFLOW_TRACKING_URI"] == "https://me:pa/ss@mlflow.example"
    assert "MLFLOW_TRACKING_URI='https://***@mlflow.example'" in download.shown
    assert run([Step(("false",)), Step(("touch", "own"))], tmp_path) == 1
    assert not (tmp_path / "own").exists()

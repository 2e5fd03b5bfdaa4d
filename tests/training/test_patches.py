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


@pytest.mark.parametrize("patch", patches.patches(), ids=lambda patch: patch.__name__.rsplit(".", 1)[1])
def test_the_named_upstream_line_is_what_the_patch_is_about(patch: object) -> None:
    place, line = patch.WHERE.split(":")  # type: ignore[attr-defined]
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parents[1] / place).read_text("utf-8")
    ast.parse(text)
    words = {
        "distributed.py": "cpu:gloo,",
        "transformer_impl.py": "pin_memory=True",
        "model.py": "def load_valuehead_model",
    }
    assert words[Path(place).name] in text.splitlines()[int(line) - 1]

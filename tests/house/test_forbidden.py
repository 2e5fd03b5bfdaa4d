"""No source of ours unpickles, evaluates text, starts a shell, or uses a name in /tmp that others can guess."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULES = {
    "pickle", "_pickle", "pickletools", "marshal", "shelve", "dill", "cloudpickle", "joblib", "diskcache", "jsonpickle",
}  # fmt: skip
"""What turns bytes into code; importing it is enough to be found."""
CALLS = {
    "eval", "exec", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "tempfile.gettempdir", "tempfile.gettempdirb", "tempfile.mktemp", "yaml.load", "yaml.load_all", "yaml.unsafe_load",
    "yaml.full_load", "pandas.read_pickle", "pd.read_pickle",
}  # fmt: skip
NEEDED = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}
"""Calls that are harmless with one argument only."""
JAILED = {("benchmarks/exec_path.py", "exec")}
"""The program that verif is compared with: `exec` is what it is, and it only runs in a jail (`benchmarks.jail`)."""


def forbidden(source: str) -> list[str]:
    """What a source does of all that, as `line: name`."""
    tree, found = ast.parse(source), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name for name in full if name in CALLS | NEEDED.keys() or name.split(".")[0] in MODULES]
        elif isinstance(node, ast.Call):
            names = _called(node)
        else:
            continue
        found += [f"{node.lineno}: {name}" for name in names]
    return found


def _called(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    given = {k.arg: k.value.value if isinstance(k.value, ast.Constant) else k.value for k in node.keywords}
    names = [name] if name in CALLS else []
    if name in NEEDED and given.get(NEEDED[name][0]) is not NEEDED[name][1]:
        names.append(name)
    if given.get("shell", False) is not False:
        names.append("shell")
    if given.get("trust_remote_code", False) is not False:
        names.append("trust_remote_code")
    if name.endswith(".from_pretrained") and "trust_remote_code" not in given:
        ours = any(k.arg is None and ast.unparse(k.value) == "OURS" for k in node.keywords)
        names += [] if ours else [name]
    return names


@pytest.mark.parametrize("folder", ["verif", "flows", "benchmarks", "scripts"])
def test_no_source_does_what_is_forbidden(root: Path, folder: str) -> None:
    found = []
    for path in sorted((root / folder).rglob("*.py")):
        where = path.relative_to(root).as_posix()
        found += [
            f"{where}:{one}"
            for one in forbidden(path.read_text("utf-8"))
            if (where, one.split(": ")[1]) not in JAILED
        ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import joblib.memory as m",
        "from pickle import loads",
        "from torch import load",
        "from tempfile import gettempdir",
        "eval(text)",
        "exec(text, {})",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.Loader)",
        "subprocess.run(line, shell=True)",
        "subprocess.run(line, shell=flag)",
        "os.system(line)",
        "tempfile.mktemp()",
        "AutoModel.from_pretrained(folder)",
        "AutoModel.from_pretrained(folder, trust_remote_code=True)",
        "AutoConfig.from_pretrained(folder, trust_remote_code=flag)",
        "LLM(folder, trust_remote_code=True)",
    ],
)
def test_each_of_it_is_found(source: str) -> None:
    assert forbidden(source)


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
        "yaml.safe_load(text)",
        "subprocess.run(line)",
        "AutoModel.from_pretrained(folder, **OURS)",
        "json.load(stream)",
    ],
)
def test_nothing_else_is_found(source: str) -> None:
    assert not forbidden(source)

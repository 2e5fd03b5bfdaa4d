"""What a page points to exists: files behind links, headings behind anchors, and paths in backticks."""

import re
from pathlib import Path

from support.pages import ROOT, without_fences

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "infra").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
#: A path of the tree in backticks, perhaps with a function, a line or an option behind it.
PLACES = "verif|tests|docs|flows|infra|recipes|scripts|sweeps|locks|benchmarks"
QUOTED = re.compile(rf"`((?:{PLACES})/[^`\s]*)[^`\n]*`")
#: What users make in their own copy, and one old place that the changelog names.
NOT_HERE = {
    "infra/cluster.yaml",
    "recipes/labelled/verinstruct.jsonl",
    "recipes/labelled/pairs.jsonl",
    "recipes/ablation.yaml",
}


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    titles = re.findall(r"^#+ (.+)$", without_fences(page.read_text("utf-8")), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", title.lower().replace("`", "")).strip().replace(" ", "-") for title in titles
    }


def spread(path: str) -> list[str]:
    """`a/{b,c}.py` as the paths it stands for."""
    found = re.search(r"\{([^{}]*)\}", path)
    if not found:
        return [path]
    return [
        p for part in found[1].split(",") for p in spread(path[: found.start()] + part + path[found.end() :])
    ]


def missing_links(page: Path) -> list[str]:
    wrong = []
    for target in LINK.findall(without_fences(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            wrong.append(target)
    return wrong


def exists(path: str) -> bool:
    """A path, or a pattern that fits something; `file.py::test_x` wants the function, too."""
    file, _, function = path.partition("::")
    found = list(ROOT.glob(file))
    return bool(found) and (not function or f"def {function}(" in found[0].read_text("utf-8"))


def missing_paths(text: str) -> list[str]:
    """Quoted paths of the tree that are not there; `*` stands for at least one file."""
    return [
        path
        for quoted in QUOTED.findall(text)
        for path in spread(quoted.rstrip(".,:;"))
        if path not in NOT_HERE and not re.search(r"[<>$]|NAME", path) and not exists(path)
    ]


def test_every_relative_link_points_to_a_file_and_a_heading_that_exist():
    wrong = [f"{page.relative_to(ROOT)}: {target}" for page in PAGES for target in missing_links(page)]
    assert not wrong, "\n".join(wrong)


def test_every_path_in_backticks_exists():
    wrong = [f"{p.relative_to(ROOT)}: {path}" for p in PAGES for path in missing_paths(p.read_text("utf-8"))]
    assert not wrong, "\n".join(wrong)


def test_what_is_missing_would_be_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[a](gone.md) [b](#one) [c](#two)\n")
    assert missing_links(page) == ["gone.md", "#two"]
    own = "tests/docs/test_links.py"
    paths = ("verif/gone.py", "verif/{types,gone}.py", "verif/*.py", f"{own}::exists", f"{own}::gone")
    assert missing_paths(" ".join(f"`{path}`" for path in paths)) == [
        paths[0],
        "verif/gone.py",
        f"{own}::gone",
    ]

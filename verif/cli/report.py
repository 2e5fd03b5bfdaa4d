"""`verif report`: build the page again from what the stages left, and open it."""

from __future__ import annotations

import webbrowser

import typer

from verif.project import load_stage


def report(open_: bool = typer.Option(False, "--open", help="Open it in the browser.")) -> None:
    from verif.registry.report.page import build

    path = build(load_stage())
    print(path)
    if open_ and not webbrowser.open(path.as_uri()):
        print("No browser was found; open the file above.")

"""The labelling page in a real browser, by keys alone: hostile rows, back, notes, a kill in the middle, two labellers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.browser import chromium
from support.labelled_rows import ROWS, rows_file, to_label

from verif.data.labelled import read_labelled
from verif.pipeline.labelling.labels import read_labels

COUNT = 30
pytestmark = pytest.mark.slow

NASTY = (
    "</pre><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<a href='http://evil.example'>x</a> {{7*7}} \u202eevil\u2066 \x1b[31m"
)


@contextmanager
def labelling(rows: Path, name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "verif", "label", str(rows), "--as", name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        said = ""
        while not (address := re.search(r"http://127\.0\.0\.1:\d+/#\S+", said)):
            line = process.stdout.readline()
            assert line, said
            said += line
        yield process, address[0]
    finally:
        process.kill()
        process.communicate()


def press(page: Any, key: str, then: str) -> None:
    """Press a key, and wait until the page says how far it is."""
    page.keyboard.press(key)
    page.wait_for_function("text => document.getElementById('progress').textContent.includes(text)", arg=then)


def start(page: Any, address: str, then: str) -> None:
    page.goto(address)
    page.wait_for_function("text => document.getElementById('progress').textContent.includes(text)", arg=then)


def test_two_people_label_by_keys_and_the_audit_reads_what_they_agree_on(tmp_path: Path) -> None:
    hostile = {"id": NASTY, "prompt": NASTY, "system": NASTY, "response": NASTY,
               "constraints": [{"kind": "soft", "text": NASTY}]}  # fmt: skip
    rows = rows_file(tmp_path, [*ROWS, hostile])
    folder = tmp_path / "rows.jsonl.labels"
    with chromium() as browser:
        errors: list[str] = []
        asked: list[str] = []
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        with labelling(rows, "anna") as (process, address):
            start(page, address, "Question 1 of 6, 0 of 6")
            assert page.url == address.partition("#")[0], "the key does not stay in the address"
            press(page, "y", "Question 2 of 6, 1 of 6")
            page.keyboard.press("t")
            page.keyboard.type("yn not sure")  # keys in a note answer nothing
            page.keyboard.press("Enter")
            assert "yn not sure" in page.inner_text("#given")
            press(page, "n", "Question 3 of 6, 2 of 6")
            process.send_signal(signal.SIGKILL)
            process.wait()
            page.keyboard.press("y")
            page.wait_for_function(
                "document.getElementById('problem').textContent.includes('does not answer')"
            )
            assert page.inner_text("#progress").startswith("Question 3"), "nothing goes on without its label"
        assert len(read_labels(folder)["anna"]) == 2
        errors.clear()  # the browser says that the server is gone
        with labelling(rows, "anna") as (process, address):
            start(page, address, "Question 3 of 6, 2 of 6")
            page.reload()
            start(page, page.url, "Question 3 of 6, 2 of 6")
            press(page, "b", "Question 2 of 6, 2 of 6")
            assert "Your answer: no. Note: yn not sure" in page.inner_text("#given")
            press(page, "u", "Question 3 of 6, 2 of 6")
            for count in range(3, 6):
                press(page, "y", f"{count} of 6 labelled")
            press(page, "y", "6 of 6 labelled")
            assert page.is_visible("#end")
            assert not page.is_visible("#main")
            other = browser.new_page()
            other.goto(address)
            other.wait_for_function("document.getElementById('problem').textContent.includes('used already')")
            process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            rest = process.stdout.read()
            assert process.wait() == 0
            assert "anna: 6 of 6 questions" in rest
        with labelling(rows, "ben") as (_, address):
            start(page, address, "0 of 6")
            seen = ""
            for count in range(6):
                seen += page.inner_text("body")
                press(page, "n" if count == 5 else "y", f"{count + 1} of 6 labelled")
            assert "{{7*7}} \u27e8U+202E\u27e9evil\u27e8U+2066\u27e9 \u27e8U+001B\u27e9[31m" in seen
            assert "</pre><script>" in seen
            assert "Your answer" not in seen, "nobody sees what another said"
            assert page.title() == "verif label"
    assert not errors
    assert {url.split("/")[2].split(":")[0] for url in asked} == {"127.0.0.1"}
    said = read_labels(folder)
    assert [sorted(label.label for label in given.values()) for given in said.values()] == [
        ["pass"] * 5 + ["unknown"],
        ["fail"] + ["pass"] * 5,
    ]
    out = tmp_path / "out.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "verif", "label", str(rows), "--export", str(out)],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert "anna and ben: agreement" in done.stdout
    decided = [value for item in read_labelled(out) for value in item.truth if value is not None]
    assert decided == [True] * len(decided)
    assert 4 <= len(decided) <= 5
    assert json.loads(out.read_text("utf-8").splitlines()[-1])["response"]


def test_the_page_takes_no_time_of_a_label(tmp_path: Path) -> None:
    """18 seconds is what a person has for each; here is what the page takes of them. It looks well in the dark, too."""
    long = "The harbour lies quiet this morning. The ferries depart on time, and the gulls are loud. " * 40
    rows = [{**ROWS[2], "id": str(n), "response": f"{n}. {long}"} for n in range(COUNT)]
    path = rows_file(tmp_path, rows)
    with chromium() as browser, labelling(path, "anna") as (_, address):
        page = browser.new_page(viewport={"width": 1100, "height": 800}, color_scheme="dark")
        start(page, address, f"Question 1 of {COUNT}")
        began = page.evaluate("performance.now()")
        for count in range(1, COUNT + 1):
            press(page, "yn"[count % 2], f"{count} of {COUNT} labelled")
            if count == COUNT // 2:
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                assert page.locator("#constraint").bounding_box()["y"] < 200, "the question stays in sight"
                if folder := os.environ.get("LABEL_PICTURES"):
                    page.screenshot(path=f"{folder}/label.png")
        took = page.evaluate("performance.now()") - began
    assert took < COUNT * 1_000, "a second for each would still be too much of an hour"
    assert (
        len(read_labels(tmp_path / "rows.jsonl.labels")["anna"]) == len(to_label(path).questions()) == COUNT
    )
    print(f"{took / COUNT:.0f} ms a label")

"""The headline in words: one sentence each for whoever reads a terminal, a page of Prefect or a version's page."""

from __future__ import annotations

from pathlib import Path

import orjson

from verif.registry.headline import Headline, read

MAX_REASON = 100
"""Characters of a reason in a line; the whole of it is in the report."""


def verdict(headline: Headline) -> str:
    """Better, worse, or neither: before, after and the gain with its interval."""
    before, after, gain = headline.before, headline.after, headline.gain
    if before is None or after is None or gain is None:
        return "Not measured: no prompt of the first benchmark has all its verdicts."
    low, high = headline.low, headline.high
    if low is None or high is None:
        word, between = "Undecided", "interval open"
    else:
        word = "Better" if low > 0 else "Worse" if high < 0 else "No clear change"
        between = f"{100 * low:+.1f} to {100 * high:+.1f}"
    return f"{word}: {before:.1%} of prompts followed before, {after:.1%} after ({100 * gain:+.1f} points, {between})."


def fooled(headline: Headline) -> str:
    """Whether the verifier was fooled while it taught, since when, and what became of it."""
    share, alarm, count = headline.false, headline.first_alarm, headline.repairs
    said = []
    if count:
        said.append(f"Fooled and repaired {f'{count} times' if count > 1 else 'once'} while it trained.")
    if alarm is not None:
        many = "An alarm" if headline.alarms == 1 else f"{headline.alarms} alarms"
        said.append(f"{many}, the first at step {alarm.step}: {alarm.message}.")
    elif not count and share is None:
        said.append("No alarm while it trained; nobody checked what the verifier accepted.")
    elif not count:
        said.append("No alarm while it trained.")
    if headline.ended:
        said.append(f"Training ended early: {shortened(headline.ended)}.")
    if share is not None:
        said.append(f"{share:.0%} of what it accepted at the end was false.")
    return " ".join(said)


def allowed(headline: Headline) -> str:
    """Whether it may go out, and if not, the first reason."""
    if headline.gate:
        return "May go out: the gate lets it pass."
    if not headline.reasons:
        return "May not go out: the gate does not let it pass."
    first, *others = headline.reasons
    more = f" (and {len(others)} more)" if others else ""
    return f"May not go out: {shortened(first)}{more}."


def next_step(headline: Headline, version: str, alias: str) -> str:
    """What a person does now."""
    if alias == "champion":
        return "Next: `verif serve champion` serves it, `verif chat champion -m TEXT` asks it."
    if headline.gate:
        return f"Next: `verif promote {version}` makes it champion."
    if headline.first_alarm is not None:
        return "Next: read what fooled the verifier in the page (Training, Samples), then train against a better one."
    return f"Next: `verif gate {version}` shows every check; change the recipe and run again."


def title(headline: Headline) -> str:
    """The gain and the gate's word, short enough for the column of names in MLflow's list of runs."""
    gain = "no gain measured" if headline.gain is None else f"{100 * headline.gain:+.1f} points"
    return f"{gain}, {'passed' if headline.gate else 'refused'}"


def page_lines(headline: Headline | None) -> list[str]:
    """What stands at the top of a page; nothing before there is a headline."""
    return [verdict(headline), fooled(headline), allowed(headline)] if headline else []


def last_lines(root: Path) -> list[str]:
    """The five lines that a run ends with; one line that says what is missing before there is a headline."""
    headline = read(root)
    if headline is None:
        return ["Nothing was registered yet; `verif run` without --from-stage goes on to the end."]
    version, alias = _registered(root)
    return [
        verdict(headline),
        fooled(headline),
        allowed(headline),
        f"Report: {root / 'reports' / 'index.html'}",
        next_step(headline, version, alias),
    ]


def _registered(root: Path) -> tuple[str, str]:
    """Version and alias as `register` left them."""
    try:
        kept = orjson.loads((root / "reports" / "registration.json").read_bytes())
        return str(kept["version"]), str(kept["alias"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return "candidate", ""


def summary(headline: Headline) -> str:
    """All of it in one sentence, for a state or a log."""
    alarm = f" {headline.alarms} alarm{'s' if headline.alarms != 1 else ''}." if headline.alarms else ""
    early = " Training ended early." if headline.ended else ""
    return f"{verdict(headline)}{alarm}{early} {allowed(headline)}"


def table(headline: Headline) -> list[str]:
    """Markdown: the sentences, and the numbers by name."""
    numbers = headline.numbers()
    names, values = " | ".join(numbers), " | ".join(f"{value:g}" for value in numbers.values())
    first, *others = page_lines(headline)
    return [
        "  \n".join([f"**{first}**", *others]),
        "",
        f"| {names} |",
        f"|{'---|' * len(numbers)}",
        f"| {values} |",
    ]


def shortened(text: str, most: int = MAX_REASON) -> str:
    """The text without its last full stop, cut at a word's end where it is longer."""
    text = text.rstrip(". ")
    if len(text) <= most:
        return text
    return f"{text[:most].rsplit(' ', 1)[0].rstrip(',;:')} ..."

"""An answer changed in plain ways: what a checker says of these tells whether it looks at the text at all.

No mutation knows a constraint, so none must fail a given checker; but of all of them some must, and two checkers of
one constraint must agree on them. Exact edges come from a rule's own edits, which the audit has.
"""

from __future__ import annotations

from verif.core.text import Doc

LONGEST = 20_000
"""Characters of an answer that are mutated; what is longer is cut first."""


def mutations(answer: str) -> list[str]:
    """The changed texts, each different from the answer and from the others, in a fixed order."""
    text = answer[:LONGEST].strip()
    sentences = [sentence.strip() for sentence in Doc(text).sentences if sentence.strip()]
    words, lines = text.split(), text.split("\n")
    made = [
        " ".join(words[: len(words) // 2]),
        f"{text}\n\n{text}",
        f"{text} {text}",
        text.upper(),
        text.lower(),
        text.title(),
        " ".join(sentences[:1]),
        " ".join(sentences[:-1]),
        " ".join(sentences[1:]),
        " ".join(reversed(sentences)),
        " ".join(words),
        " ".join(word for place, word in enumerate(words) if place % 3),
        " ".join(words[:-1]),
        " ".join(words[1:]),
        f"{text} It is so",
        f"{text} That is how it was.",
        f"Well, {text}",
        f"{text}\n- one more\n- and another",
        "\n".join(line.lstrip("-*# ") for line in lines),
        "\n".join(f"- {line}" for line in lines if line.strip()),
        "\n".join(lines[1:]),
        f"<<A title>>\n{text}",
        text.replace(",", ""),
        text.replace(" ", ", ", 1),
        text.replace(". ", "! ").removesuffix(".") + "!",
        text.replace("!", "."),
        text.replace("\n", " "),
        text.replace(". ", ".\n\n"),
        text.strip('"'),
        f'"{text}"',
        text + "?",
        text[:-1],
    ]
    return [made_text for made_text in dict.fromkeys(made) if made_text.strip() and made_text != answer]

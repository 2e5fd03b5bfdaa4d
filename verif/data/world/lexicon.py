"""The words of the local world. Every content word belongs to at most one class, which makes truth computable.

No word stands in two topics or two tones; "plain" words and `NEUTRAL` things belong to no class.
"""

from __future__ import annotations

import re


def _table(rows: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words.split()) for name, words in rows.items()}


# Topic -> six things and, after the bar below, two people.
THINGS = _table(
    {
        "harbour": "boat anchor rope pier sail buoy",
        "orchard": "apple ladder basket branch pear crate",
        "library": "book shelf desk page map scroll",
        "kitchen": "kettle spoon oven bread soup knife",
        "railway": "train track signal ticket whistle engine",
        "desert": "dune cactus oasis tent lizard camel",
    }
)
PEOPLE = _table(
    {
        "harbour": "sailor diver",
        "orchard": "picker farmer",
        "library": "reader scholar",
        "kitchen": "cook baker",
        "railway": "driver porter",
        "desert": "nomad rider",
    }
)
NEUTRAL = ("feather", "mirror", "candle", "clock")
TOPICS = tuple(THINGS)

ADJECTIVES = _table(
    {
        "cheerful": "bright happy merry sunny",
        "gloomy": "grey lonely weary bleak",
        "formal": "proper official standard suitable",
        "mysterious": "strange hidden secret haunted",
        "plain": "old small large new",
    }
)
ADVERBS = _table(
    {
        "cheerful": "gladly joyfully",
        "gloomy": "sadly bitterly",
        "formal": "formally duly",
        "mysterious": "secretly eerily",
        "plain": "often slowly",
    }
)
TONES = ("cheerful", "gloomy", "formal", "mysterious")

# Plain form -> the form that follows "the sailor".
VERBS = {
    "carry": "carries",
    "watch": "watches",
    "find": "finds",
    "clean": "cleans",
    "move": "moves",
    "keep": "keeps",
}
PRONOUNS = {"first": ("I", "We"), "second": ("You",)}
OWNERS = {"first": ("My", "Our"), "second": ("Your",), "third": ("The", "This")}
POVS = ("first", "second", "third")
GREETINGS = {"children": ("Dear children", "Little ones"), "experts": ("Dear colleagues", "Fellow experts")}
AUDIENCES = tuple(GREETINGS)

TIMES = ("In the morning", "At noon", "Every day", "After the rain")
PLACES = ("near", "beside", "behind", "under")
STARTS = ("Good news", "Listen", "Here is the answer", "To begin", "A short note")
ENDS = ("That is all", "The end", "So it goes", "Thanks for reading", "Until next time")

# Word (lower case) -> its class, for the two dimensions told by single words.
TOPIC_OF = {word: topic for table in (THINGS, PEOPLE) for topic, words in table.items() for word in words}
TONE_OF = {
    word: tone
    for table in (ADJECTIVES, ADVERBS)
    for tone, words in table.items()
    if tone != "plain"
    for word in words
}
POV_OF = {"i": "first", "we": "first", "my": "first", "our": "first", "you": "second", "your": "second"}


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def vocabulary() -> list[str]:
    """All words a grammatical response may hold, lower case, sorted."""
    groups = (
        *THINGS.values(), *PEOPLE.values(), *ADJECTIVES.values(), *ADVERBS.values(), *PRONOUNS.values(),
        *OWNERS.values(), *GREETINGS.values(), NEUTRAL, TIMES, PLACES, STARTS, ENDS, TOPICS, tuple(VERBS),
        tuple(VERBS.values()), ("the", "is", "and"),
    )  # fmt: skip
    return sorted({word for group in groups for phrase in group for word in words_of(phrase)})

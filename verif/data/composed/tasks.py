"""The tasks: a form of text about a subject of everyday life. Of all our own wording; combined, some thousands.

Splits share no subject, and so no task.
"""

from __future__ import annotations

from typing import NamedTuple

FORMS = (
    "Write a short letter to a friend about {}.",
    "Write an email to a colleague about {}.",
    "Write a short story about {}.",
    "Write a blog post about {}.",
    "Write a diary entry about {}.",
    "Write an announcement for a notice board about {}.",
    "Write a short speech about {}.",
    "Write a poem about {}.",
    "Write a product description that has to do with {}.",
    "Write a review that has to do with {}.",
    "Write a note to a neighbour about {}.",
    "Write a dialogue between two people about {}.",
    "Write an invitation that has to do with {}.",
    "Write a message to a teacher about {}.",
    "Write a short article for a local newspaper about {}.",
    "Write an advertisement that has to do with {}.",
    "Describe {} to somebody who has never seen anything like it.",
    "Explain to a child what matters about {}.",
    "Give advice to a beginner about {}.",
    "Tell me what can go wrong with {}.",
    "Make a plan for a weekend that has to do with {}.",
    "Argue for spending more time on {}.",
    "What should I know about {}?",
    "How would you make a good photograph of {}?",
    "What would you ask an expert about {}?",
    "Which memories might an old woman have of {}?",
)


class Subject(NamedTuple):
    """What a task is about, and the word without which hardly anybody would write of it."""

    phrase: str
    word: str


_SUBJECTS = """
a lost cat|cat; a rainy holiday|rain; a vegetable garden|garden; a broken bicycle|bicycle; a school play|play
a night train|train; a family dinner|dinner; a new bakery|bread; a mountain hike|mountain; a public library|books
a noisy street|noise; a birthday cake|cake; a football match|ball; a winter storm|snow; a first job|work
a moving day|boxes; a fishing boat|boat; an old piano|piano; a town market|market; a summer camp|camp
a leaking roof|roof; a job interview|questions; a beach walk|beach; a coffee shop|coffee; a chess club|chess
a bus strike|bus; a wedding party|guests; a power cut|candles; a pet rabbit|rabbit; a science fair|experiment
a used car|car; a flower shop|flowers; a swimming lesson|water; a crowded airport|flight; a quiet village|village
a long drive|road; a city park|trees; a cooking class|recipe; a music festival|music; a dentist visit|teeth
a wooden chair|wood; a morning run|running; a lost wallet|wallet; a paper map|map; a hot afternoon|heat
a new neighbour|neighbour; a river bridge|river; a small museum|museum; a video call|screen; a reading group|novel
a broken window|glass; a horse farm|horses; a street musician|guitar; a cold cellar|stairs; a foreign language|language
a toy workshop|toys; a train station|station; a picnic basket|basket; a garden wall|stones; an evening class|class
a bird feeder|birds; a road trip|trip; a cheese shop|cheese; a night sky|stars; a hospital visit|nurse
a theatre ticket|ticket; a lighthouse|light; a honey harvest|bees; a tennis court|tennis; a spring cleaning|dust
a kitchen table|table; a repaired watch|watch; a hotel breakfast|breakfast; a harbour cafe|harbour; a knitted scarf|wool
a puppy|dog; an apple orchard|apples; a bicycle tour|wheels; a charity run|money; a power drill|tools
a camping stove|fire; a stamp collection|stamps; a ferry ride|ferry; a class reunion|friends; a flooded cellar|pump
a thank-you present|present; a rooftop garden|plants; a delayed parcel|parcel; a painted fence|paint; a goat farm|goats
a hospital garden|bench; a language exchange|words; a winter coat|coat; a tea ceremony|tea; a balcony|balcony
a soup kitchen|soup; a mushroom walk|forest; a village choir|song; a lost key|key; a children's ward|children
a photograph album|photographs; a rented flat|rent; a snow shovel|shovel; a street map of old times|streets; a dance course|dance
a pottery class|clay; a school garden|pupils; a broken lift|lift; a farm holiday|farm; a weather station|weather
a railway museum|engines; an ice rink|ice; a fruit stall|fruit; a sailing trip|sail; a health check|doctor
a computer course|computer; a long queue|patience; a hiking hut|hut; a city marathon|finish; a quiet Sunday|rest
"""
SUBJECTS = tuple(
    Subject(*pair.strip().split("|")) for line in _SUBJECTS.strip().splitlines() for pair in line.split(";")
)
SHARES = {"validation": 0.1, "test": 0.2, "unseen": 0.1}
"""Shares of the subjects; the rest is trained on."""

"""English verbs at the start of a response: what stands in the place of a part-of-speech tagger.

A word counts if it is the plain form, the past, or the form in "-ing" of a verb in the list below. Words that open a
sentence as a noun or an adjective far more often than as a verb ("water", "cool") are left out, and forms in "-s" are
plural nouns there more often than verbs. Any other word in "-ing" counts, but for common nouns. docs/rules.md has the
measured difference from a tagger.
"""

from __future__ import annotations

from functools import cache

_REGULAR = """
    abandon absorb accept accompany achieve acquire act adapt add adjust admit adopt advise aim align allocate allow
    alter analyse analyze anchor announce anticipate apologize appear apply appoint appreciate approach approve argue arrange
    arrive ask assemble assert assess assign assist associate assume assure attach attack attain attempt attend attract
    author automate avoid awaken bake balance base bathe battle behave believe belong bind blame blend bless boil boost
    borrow bounce breathe brew bring broaden browse brush build bury calculate call cancel capture carry carve cast celebrate
    challenge change charge chase check cherish chop choose circle claim clarify classify clean clear click climb close
    collaborate collect combine comment commit communicate compare compel compile complete compose compute conceive
    concentrate conclude conduct confirm connect consider consist construct consult consume contact contain contemplate
    continue contribute convert convey convince cook coordinate copy correct count cover craft create cross cultivate cure
    customize cycle dance dare debug decide declare decorate dedicate deepen define delegate delete deliver delve demand
    demonstrate depart depend deploy derive describe deserve design desire destroy detail detect determine develop devise
    discover discuss dismiss display distinguish distribute dive divide document donate double download draft drag drain
    dream dress drift drop earn ease edit educate elaborate elevate eliminate embark embed embody embrace emerge emphasize
    employ empower enable encounter encourage endure engage enhance enjoy enrich enroll ensure enter entertain envision
    equip escape establish estimate evaluate evolve examine exceed exchange execute exercise exist expand expect 
    experiment explain explore expose express extend extract face facilitate fail fasten favor fear feature fetch fill filter
    finalize finish fix flip float flow focus fold follow force form formulate foster frame fry fuel fulfill function gain
    gather gaze generate glance grab grasp greet grill guarantee guard guess guide handle happen harness harvest hate heal
    heat help hesitate highlight hire hop hope identify ignite ignore illustrate imagine imitate immerse implement imply
    import impress improve include incorporate increase indicate influence inform initialize initiate innovate insert inspect
    inspire install integrate intend interact interpret introduce invest investigate invite involve isolate join journey jump
    justify kick kill kiss knock label land last laugh launch learn lift like limit link list listen live load locate lock
    look love lower maintain manage mark marvel master match measure melt memorize mention merge minimize miss mix modify
    monitor motivate mount move multiply narrow navigate need negotiate note notice nurture obey observe obtain occur
    offer open operate optimize order organize outline overcome overlook own pack paint participate pass pause perceive
    perform persist persuade pick picture place plan plant play please plunge point ponder possess pour practice praise pray
    preheat prefer prepare present preserve press prevent print prioritize proceed process produce program promise
    promote propose protect prove provide publish pull purchase pursue push qualify query quote raise rank reach
    react realize receive recall recite recognize recommend reconsider record recover recycle reduce refer refine reflect
    refresh refuse regard regret regulate reinforce reject relate relax release rely remain remember remind remove render
    renew rent reorder repair repeat rephrase replace reply report represent request require rescue reserve resist
    resolve respect respond rest restore restrict result retain rethink retire retrieve return reveal reverse review revise
    revisit reward rewrite rinse roll rotate rush sail sample satisfy save savor scale scan schedule search secure seek seem
    select separate serve settle shape share shift ship shop shout sift sign signal simmer simplify simulate skip slice 
    smile soar solve sort sound spark specify spice spread sprinkle stare start state stay stir stop store strengthen
    stress stretch strike strive structure struggle study submit substitute succeed suffer suggest suit sum summarize
    supply support suppose surround survive suspect switch synthesize tackle talk target taste test thank tie tackle toss
    touch trace track train transfer transform transition translate transport travel treat trust try turn type
    uncover understand unify unite unleash unlock unravel update upgrade upload use utilize validate value vary venture
    verify view visit visualize vote wait wake walk wander want warn wash watch weave weigh welcome whip whisk whisper
    widen wipe wish witness wonder work worry wrap yield zoom
""".split()  # noqa: SIM905
_OTHER = """
    am are is was were be been being do does did done doing have has had having let lets get gets got gotten getting go goes
    went gone going make makes made making take took taken taking give gave given giving come came coming see saw seen seeing
    know knew known knowing think thought thinking say says said saying tell told telling find found finding keep kept
    keeping begin began begun beginning bring brought bringing write wrote written writing read reading run ran running
    sing sang sung singing sit sat sitting stand stood standing speak spoke spoken speaking spend spent spending swim swam
    swum swimming teach taught teaching throw threw thrown throwing wear wore worn wearing win won winning bend bent bending
    bet betting bite bit biting bleed bled bleeding blow blew blown blowing break broke broken breaking breed bred breeding
    build built building burn burnt burning buy bought buying catch caught catching choose chose chosen choosing cling clung
    clinging cost costing creep crept creeping cut cutting deal dealt dealing dig dug digging draw drew drawn drawing drink
    drank drunk drinking drive drove driven driving eat ate eaten eating fall fell fallen falling feed fed feeding feel felt
    feeling fight fought fighting flee fled fleeing fly flew flown flying forbid forbade forbidden forget forgot forgotten
    forgetting forgive forgave forgiven forgiving freeze froze frozen freezing grow grew grown growing hang hung hanging hear
    heard hearing hide hid hidden hiding hit hitting hold held holding hurt hurting lay laid laying lead led leading lean
    leap leapt leaping leave left leaving lend lent lending lie lying light lit lighting lose lost losing mean meant meaning
    meet met meeting mistake mistook mistaken pay paid paying prove proven put putting quit quitting ride rode ridden riding
    ring rang rung ringing rise rose risen rising seek sought sell sold selling send sent sending set setting sew sewn sewing
    shake shook shaken shaking shine shone shining shoot shot shooting show shown showing shrink shrank shut shutting sink
    sank sunk sinking sleep slept sleeping  slid sliding spin spun spinning split splitting spring sprang sprung steal
    stole stolen stealing stick stuck sticking sting stung sweep swept sweeping swear swore sworn swearing swing swung
    swinging tear tore torn tearing understand understood understanding wake woke woken waking weave wove woven weaving weep
    wept weeping wind wound winding become became becoming beat beaten beating bid bidding undergo underwent undergone
    oversee oversaw withdraw withdrew become dying tying
""".split()  # noqa: SIM905
_NOUNS = frozenset(
    """building meaning feeling meeting painting setting drawing beginning wedding morning evening something nothing anything
    everything during string spring ceiling sibling earring housing clothing lightning pudding
    plumbing duckling darling sterling viking boxing offspring interesting amazing outstanding exciting surprising
    """.split()  # noqa: SIM905
)


@cache
def forms() -> frozenset[str]:
    """Every form that counts as a verb, in lower case."""
    every = set(_REGULAR) | set(_OTHER)
    for verb in _REGULAR:
        every |= {_past(verb), _ing(verb)}
    return frozenset(every - _NOUNS)


def is_verb(word: str) -> bool:
    """Whether a word that opens a text is a verb."""
    lower = word.lower()
    return lower in forms() or (
        len(lower) > 5 and lower.endswith("ing") and lower.isalpha() and lower not in _NOUNS
    )


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{_doubled(verb)}ed"


def _ing(verb: str) -> str:
    return f"{verb[:-1] if verb.endswith('e') and verb[-2] not in 'eo' else _doubled(verb)}ing"


def _doubled(verb: str) -> str:
    """A short verb that ends in consonant, vowel, consonant doubles its last letter: "stop", "stopped"."""
    end = verb[-3:]
    short = len(verb) <= 4 and len(end) == 3 and sum(letter in "aeiou" for letter in verb) == 1
    return verb + verb[-1] if short and end[1] in "aeiou" and end[2] not in "aeiouwxy" else verb

"""Plain English: no sentence over forty words, and no turn of phrase that is translated word for word."""

import re

from support.pages import PAGES, ROOT, paragraphs, sentences, words

LONGEST = 40

#: Another language's turns of phrase in English words, seen in these pages once; and what to write instead.
TRANSLATED = {
    r"\brecipe means\b": "the recipe needs, the recipe's own",
    r"\bnobody answered\b": "was not answered",
    r"\bsaid plainly\b": "stated",
    r"\b(?:in|with) just (?:this|that)\b": "exactly this",
    r"\b(?:is|are) others than\b": "differ from",
    r"\b(?:by|of) an own\b|\ban own\b": "of its own, separate",
    r"\bwhat (?:that|it|they) (?:is|are) worth\b": "how reliable that is",
    r"\bfor want of\b": "because there is no",
    r"\bcounts? as there\b": "is taken as present",
    r"\bis to do\b": "has to be done",
    r"\ball the same:": "anyway",
    r"\bwhat (?:it|they) printed stands\b": "its output is",
}
#: Where a literal ends and the next line's goes on.
BETWEEN_LITERALS = re.compile(r"[\"'] *\n *f?[\"']")


def test_no_sentence_has_more_than_forty_words():
    long = [
        f"{page.relative_to(ROOT)}:{line}: {words(sentence)} words: {sentence[:90]}"
        for page in PAGES
        for line, paragraph in paragraphs(page.read_text("utf-8"))
        for sentence in sentences(paragraph)
        if words(sentence) > LONGEST
    ]
    assert not long, "\n".join(long)


def test_no_phrase_is_translated_word_for_word():
    """In pages and in sources: messages, helps, docstrings and comments."""
    sources = [p for top in ("verif", "flows") for p in sorted((ROOT / top).rglob("*.py"))]
    wrong = [
        f"{path.relative_to(ROOT)}: {found[0]!r}; write: {instead}"
        for path in (*PAGES, *sources)
        for text in [" ".join(BETWEEN_LITERALS.sub("", path.read_text("utf-8")).split())]
        for phrase, instead in TRANSLATED.items()
        for found in re.finditer(phrase, text)
    ]
    assert not wrong, "\n".join(wrong)


def test_sentences_are_cut_and_counted_as_a_reader_would():
    prose, rest = "One two (see e.g. three). `a b c` four? Five: six.", "- item one\n  goes on"
    page = f"# Title\n\n{prose}\n\n| no | table |\n\n```\nno code\n```\n{rest}\n"
    found = [sentence for _, paragraph in paragraphs(page) for sentence in sentences(paragraph)]
    assert found == ["One two (see e.g. three).", "`a b c` four?", "Five: six.", "item one goes on"]
    assert [words(sentence) for sentence in found] == [5, 2, 2, 4]

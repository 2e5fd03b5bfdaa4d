"""`custom:csv_*` of IFBench: tables of comma- or tab-separated values, read by Python's own reader."""

from __future__ import annotations

import csv
import io
import re

from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_SPECIAL = re.compile(r"[^\d\w\s]")


def _header(names: str, between: str) -> re.Pattern[str]:
    return re.compile(between.join(f'(?:{name}|"{name}")' for name in names.split()))


_PRODUCTS = _header("ProductID Category Brand Price Stock", r",[ \t]*")
_STUDENTS = _header("StudentID Subject Grade Semester Score", r"\t *")


def _rows(text: str, delimiter: str = ",") -> list[list[str]]:
    """The rows of a table; none where the reader gives up (a lone carriage return, a field of 128 KiB)."""
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return []


def _shape(rows: list[list[str]], most: int) -> Outcome | None:
    """A refusal where there are not so many rows of five fields, the header included."""
    wrong = next((row for row in rows[1:] if len(row) != 5), None)
    if len(rows) != most:
        return Outcome(False, f"{len(rows)} rows that can be read, {most} with the header asked")
    return Outcome(False, f"a row of {len(wrong)} fields") if wrong is not None else None


@rule(
    "custom:csv_city",
    asks="Write comma-separated values with the columns ID, Country, City, Year, Count and seven rows.",
    example=(
        {}, "ID,Country,City,Year,Count\n" + "1,Peru,Lima,2001,5\n" * 7, "ID,Country,City,Year\n" + "1,Peru,Lima,2001\n" * 7,
    ),
)  # fmt: skip
def csv_city(doc: Doc, _: Params) -> Outcome:
    """Exactly this header and seven rows of five fields; a blank line counts as a row, a fence as two."""
    rows = _rows(doc.text)
    if rows[:1] != [["ID", "Country", "City", "Year", "Count"]]:
        return Outcome(False, "another header")
    return _shape(rows, 8) or Outcome(True, "seven rows of five fields")


@rule(
    "custom:csv_special_character",
    asks="Write comma-separated values with the columns ProductID, Category, Brand, Price, Stock and 14 rows; one field holds "
    "a special character and stands in double quotes.",
    example=(
        {}, "ProductID,Category,Brand,Price,Stock\n" + '1,Tea,"A&B",3,5\n' * 14,
        "ProductID,Category,Brand,Price,Stock\n" + "1,Tea,AB,3,5\n" * 14,
    ),
)  # fmt: skip
def csv_special_character(doc: Doc, _: Params) -> Outcome:
    """This header, 14 rows, and a field in double quotes with a character that is no letter, digit or blank.

    As upstream, rows below the first such field may have any number of fields.
    """
    if not _PRODUCTS.fullmatch(doc.text.split("\n", 1)[0].strip()):
        return Outcome(False, "another header")
    rows = _rows(doc.text.replace('"', '"""'))
    if len(rows) != 15:
        return Outcome(False, f"{len(rows)} rows that can be read, 15 with the header asked")
    for row in rows[1:]:
        if len(row) != 5:
            return Outcome(False, f"a row of {len(row)} fields")
        if any(map(_special, row)):
            return Outcome(True, "14 rows, a special character in quotes")
    return Outcome(False, "no field in quotes with a special character")


def _special(field: str) -> bool:
    """Whether a field begins with a quotation mark and has a special character before a later one of its first line."""
    line = field.split("\n", 1)[0]
    return line.startswith('"') and _SPECIAL.search(line, 1, max(line.rfind('"'), 1)) is not None


@rule(
    "custom:csv_quotes",
    asks="Write tab-separated values with the columns StudentID, Subject, Grade, Semester, Score and three rows, every field "
    "in double quotes.",
    example=(
        {}, "\n".join(['"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"', *['"1"\t"Art"\t"A"\t"2"\t"9"'] * 3]),
        "\n".join(['"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"', *['"1"\t"Art"\tA\t"2"\t"9"'] * 3]),
    ),
)  # fmt: skip
def csv_quotes(doc: Doc, _: Params) -> Outcome:
    """This header and three rows of five fields, all of them, the header's too, in double quotes."""
    if not _STUDENTS.fullmatch(doc.text.split("\n", 1)[0].strip()):
        return Outcome(False, "another header")
    rows = _rows(doc.text.replace('"', '"""'), "\t")
    if refused := _shape(rows, 4):
        return refused
    quoted = all(field.strip()[:1] == '"' == field.strip()[-1:] for row in rows for field in row)
    return Outcome(
        quoted and len(rows[0]) == 5, "all fields in quotes" if quoted else "a field without quotes"
    )

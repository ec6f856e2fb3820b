"""Identifiers that imitate others: letters of two alphabets in one word, such as a Cyrillic o in a Latin name.

Such an identifier stays somebody else's (case D12); it is only told, since names of that kind are nobody's habit. After
the mixed-script detection of Unicode Technical Standard 39, revision 30, section 5.1, for the alphabets whose letters
look alike. A word of one foreign alphabet alone is not told: most are names.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

ALPHABETS = ("Latin", "Cyrillic", "Greek", "Armenian", "Cherokee")
WITHIN = r"[\p{M}\p{N}]*+"  # what may stand between two letters of a word


def mixed(alphabet: str) -> str:
    """A letter of one alphabet, and the next of the word from another."""
    others = "".join(rf"\p{{Is{other}}}" for other in ALPHABETS if other != alphabet)
    return rf"\p{{Is{alphabet}}}{WITHIN}[{others}]"


MIXED = "|".join(map(mixed, ALPHABETS))


def mixes_alphabets(text: Column) -> Column:
    """True where a word of the text has letters of two alphabets; false for null. ASCII is not looked at further."""
    return F.coalesce((F.length(text) < F.octet_length(text)) & text.rlike(MIXED), F.lit(False))


def any_mixes_alphabets(texts: list[Column]) -> Column:
    """True where one of the texts does."""
    return reduce(or_, map(mixes_alphabets, texts), F.lit(False))

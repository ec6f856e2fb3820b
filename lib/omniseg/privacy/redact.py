"""Free text without e-mail addresses, phone and card numbers."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# No pattern here may try a text in more ways than it is long: records are strangers' texts, of any length.
# Letters of any script: müller@example.de, info@бюро.example. A name is tried once, from where it can begin: at the end
# of the address before it (\G), or after a character that no name has.
EMAIL = r"(?:\G|(?<![\p{L}\p{N}._%+-]))[\p{L}\p{N}._%+-]++@[\p{L}\p{N}.-]+\.\p{L}{2,}"
# 13 to 19 digits in groups, as printed on cards, but not two dates (2017-01-31 2017-02-28); before phones, which a card
# number would also match.
CARD = r"(?<![\dA-Za-z])(?!(?:\d\d[ -])*(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d))(?:\d[ -]?){12,18}\d(?![\dA-Za-z])"
# What looks like the groups of a phone number and is a date: 01.2017 of 31.01.2017 10:30, 31 2017-02-28 of two dates.
DATE = r"(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:19|20)\d\d(?!\d)|\d\d (?:19|20)\d\d-[01]\d-[0-3]\d)"
# International (+49 30 1234567); at least 8 digits with separators between groups (030/1234-567, (555) 123-4567), but
# no date and no seconds with a fraction (10:00:05.123456); pairs (06 12 34 56 78); without
# separators (0301234567), but no padded number (000004711).
PHONE = (
    r"(?<![\dA-Za-z])(?:\+\d[\d ()/.-]{6,18}\d"
    rf"|(?<!\d:)(?!{DATE})\(?\d{{2,5}}\)?[ /.-](?:\d{{3,}}+(?:[ .-]\d{{2,}}+)+|\d{{5,}}+)"
    r"|0\d(?:[ .-]\d\d){4}|0(?!00)\d{8,13})(?![\dA-Za-z])"
)
NUMBERS = r"\d.{5,}\d"  # every number above has as many characters between its first and its last digit


def redacted(text: Column) -> Column:
    """`text` with each address or number replaced by <email>, <card> or <phone>; a date like 2017-01-31 stays."""
    named = F.when(text.contains("@"), F.regexp_replace(text, EMAIL, "<email>")).otherwise(text)
    without_card = F.regexp_replace(named, CARD, "<card>")
    return F.when(text.rlike(NUMBERS), F.regexp_replace(without_card, PHONE, "<phone>")).otherwise(named)


def was_redacted(text: Column) -> Column:
    """True for a text in which something was replaced: it no longer says who or what it was."""
    return text.rlike("<(email|card|phone)>")


def redacted_map(properties: Column) -> Column:
    """A map with every value redacted."""
    return F.transform_values(properties, lambda _, value: redacted(value))

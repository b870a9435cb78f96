"""What is left of personal data for whoever may not see it: enough to tell two clients apart.

Each mask is said twice, for values that Python holds and, as `said_…`, for statements that write
an answer by themselves. A test compares both over many texts.
"""

from typing import Final

from sqlalchemy import ARRAY, Boolean, Text, case, cast, func, literal_column, null

from domain.reads import Expression

# What Python's `split` takes for white space, as Postgres writes it in brackets.
_BLANK: Final = (
    r"\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
)
_IS_BLANK: Final = literal_column(f"'[^{_BLANK}]'", Text())
_WORD: Final = literal_column(f"'[{_BLANK}]*([^{_BLANK}])[^{_BLANK}]*[{_BLANK}]*'", Text())
_INITIAL: Final = literal_column(r"' \1•••'", Text())


def mask_name(name: str) -> str:
    """The first letter of each word: `A••• L•••`."""
    return " ".join(f"{word[0]}•••" for word in name.split())


def said_name(name: Expression) -> Expression:
    """`mask_name` in SQL."""
    spaced = func.regexp_replace(name, _WORD, _INITIAL, literal_column("'g'"), type_=Text())
    is_blank = name.op("!~", return_type=Boolean())(_IS_BLANK)
    after_space = func.substr(spaced, literal_column("2"), type_=Text())
    return case((is_blank, literal_column("''", Text())), else_=after_space)


def mask_email(email: str) -> str:
    """The first letter: `a•••@•••`. A domain can be as personal as a name."""
    return f"{email[:1]}•••@•••"


def said_email(email: Expression) -> Expression:
    """`mask_email` in SQL."""
    first = func.left(email, literal_column("1"), type_=Text())
    return first.op("||", return_type=Text())(literal_column("'•••@•••'", Text()))


def mask_phone(phone: str) -> str:
    """The last two digits: `•••56`."""
    return f"•••{phone[-2:]}"


def said_phone(phone: Expression) -> Expression:
    """`mask_phone` in SQL."""
    last = func.right(phone, literal_column("2"), type_=Text())
    return literal_column("'•••'", Text()).op("||", return_type=Text())(last)


def mask_tags(_tags: list[str]) -> list[str]:
    """None: what staff calls a client is staff's."""
    return []


def said_tags(tags: Expression) -> Expression:
    """`mask_tags` in SQL."""
    nothing = cast(literal_column("'{}'"), ARRAY(Text()))
    return case((tags.is_(null()), null()), else_=nothing)

"""Pure rules of clients: how input is read, who may change what, what is searched.

Paths in refusals name fields of the API's inputs.
"""

import re
import unicodedata
from collections.abc import Sequence

from domain.clients.errors import (
    ClientClosed,
    CountryNotAllowed,
    FieldNotAllowed,
    VersionMoved,
)
from domain.clients.values import (
    ClientStatus,
    CountryRule,
    Market,
    ProfileChange,
    Registration,
    RegistrationForm,
)
from tenants.passwords import check_password, own_words
from tenants.passwords import normalise_email as one_spelling
from tenants.refusals import InvalidField

EMAIL_LENGTH_MAX = 254  # RFC 5321 §4.5.3.1.3, less the brackets
NAME_LENGTH_MAX = 100
NOTE_LENGTH_MAX = 10_000
TAGS_MAX = 20
TAG_LENGTH_MAX = 40

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(rf"[^\s@\"<>()\[\],:;\\]{{1,64}}@{_LABEL}(?:\.{_LABEL})+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)  # ITU-T E.164: at most 15 digits
_UNHELD = re.compile("[\0\ud800-\udfff]")  # what no database text holds
_PHONE_MARKS = str.maketrans("", "", " ()-./\u00a0\u2011")
_IB_CODE = re.compile(r"[A-Z0-9-]{1,64}", re.ASCII)
NO_COUNTRY = "Give the two letters of ISO 3166, such as DE."
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)

CLIENT_MAY_CHANGE = frozenset({"phone", "language"})
STAFF_MAY_CHANGE = frozenset({"name", "phone", "country", "language", "tags"})


def read_form(form: RegistrationForm) -> Registration:
    """A registration that is right as far as can be told without the brand's data.

    Refusals: INVALID, PASSWORD_WEAK.
    """
    email, name = normalise_email(form.email), normalise_name(form.name)
    check_password(form.password, own_words(name, email))
    return Registration(
        name=name,
        email=email,
        country=normalise_country(form.country),
        phone=normalise_phone(form.phone) if form.phone else None,
        language=form.language or None,
        ib_code=normalise_ib_code(form.ib_code) if form.ib_code else None,
    )


def normalise_email(text: str) -> str:
    """One spelling per address: NFKC, lower case, no blanks around.

    Refusals: INVALID for what can't be an address, or is longer than 254 characters.
    """
    email = one_spelling(text)
    well_formed = _EMAIL.fullmatch(email) and email.isprintable() and one_spelling(email) == email
    if len(email) > EMAIL_LENGTH_MAX or not well_formed:
        raise InvalidField("email", "Give an e-mail address such as ann@example.com.")
    return email


def normalise_name(text: str) -> str:
    """A name as it will be shown: NFC, single blanks.

    Refusals: INVALID for an empty name, control characters, or more than 100 characters.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidField("name", f"A name has 1 to {NAME_LENGTH_MAX} printable characters.")
    return name


def normalise_phone(text: str) -> str:
    """The number as E.164 writes it: `+` and 7 to 15 digits. A leading `00` is a `+`.

    Refusals: INVALID; a national number has no country and can't be guessed.
    """
    phone = unicodedata.normalize("NFKC", text).strip().translate(_PHONE_MARKS)
    if phone.startswith("00"):
        phone = "+" + phone[2:]
    if not _PHONE.fullmatch(phone):
        raise InvalidField("phone", "Give the number with its country, such as +4930123456.")
    return phone


def normalise_country(text: str) -> str:
    """An ISO 3166 code in capitals. Refusals: INVALID for what is not two letters."""
    country = text.strip().upper()
    if not _COUNTRY.fullmatch(country):
        raise InvalidField("country", NO_COUNTRY)
    return country


def normalise_ib_code(text: str) -> str:
    """A code in capitals. Refusals: INVALID for what no link can carry."""
    code = text.strip().upper()
    if not _IB_CODE.fullmatch(code):
        raise InvalidField("ibCode", "A code has letters, digits and hyphens.")
    return code


def choose_entity(market: Market, country: str) -> CountryRule:
    """The rule of a served country: jurisdiction follows its legal entity.

    Refusals: COUNTRY_NOT_ALLOWED, alike for a country without a rule and for a barred one.
    """
    for rule in market.countries:
        if rule.country == country and rule.allowed:
            return rule
    raise CountryNotAllowed()


def choose_language(market: Market, language: str | None) -> str:
    """The language asked for, else the brand's first. Refusals: INVALID for one not offered."""
    if language is None:
        return market.languages[0]
    if language not in market.languages:
        offered = ", ".join(market.languages)
        raise InvalidField("language", f"Choose one of {offered}.")
    return language


def reference_of(number: int) -> str:
    """The number a client is called by on the telephone: `C-000123`, per brand, ever rising."""
    return f"C-{number:06d}"


def judge_change(
    change: ProfileChange,
    *,
    allowed: frozenset[str],
    masked: frozenset[str],
    status: ClientStatus,
    versions: tuple[int, int],
) -> None:
    """Whether an actor may make this change; `versions` are the client's and the expected one.

    A field the actor only sees masked can't be changed: the mask would be written back.
    Refusals: CLIENT_CLOSED, FIELD_NOT_ALLOWED, VERSION_CONFLICT.
    """
    if status is ClientStatus.CLOSED:
        raise ClientClosed()
    for name in change.named():
        if name not in allowed or name in masked:
            raise FieldNotAllowed(name)
    current, expected = versions
    if expected != current:
        raise VersionMoved()


def normalise_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags in lower case, each once, sorted. Refusals: INVALID for too many or too long ones."""
    clean = sorted({" ".join(unicodedata.normalize("NFC", tag).lower().split()) for tag in tags})
    if len(clean) > TAGS_MAX:
        raise InvalidField("tags", f"At most {TAGS_MAX} tags.")
    if not all(1 <= len(tag) <= TAG_LENGTH_MAX and tag.isprintable() for tag in clean):
        raise InvalidField("tags", f"A tag has 1 to {TAG_LENGTH_MAX} printable characters.")
    return tuple(clean)


def normalise_note(text: str) -> str:
    """The text of a staff note, of 1 to 10,000 characters. Refusals: INVALID."""
    body = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(body) <= NOTE_LENGTH_MAX or _UNHELD.search(body):
        raise InvalidField("body", f"A note has 1 to {NOTE_LENGTH_MAX} characters.")
    return body

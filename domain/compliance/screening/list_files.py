"""Read the files that list makers publish. Whatever is odd in one is refused in one line."""

import csv
import gzip
import io
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from xml.etree import ElementTree

from domain.compliance.screening.values import (
    Entry,
    ListedKind,
    ListedName,
    NameKind,
    PublishedList,
    SanctionsList,
)

BYTES_MAX = 300_000_000
_NULL = "-0-"
_SDN_COLUMNS, _ALT_COLUMNS = 12, 5
_OFAC_KINDS = {
    "individual": ListedKind.INDIVIDUAL,
    "vessel": ListedKind.VESSEL,
    "aircraft": ListedKind.AIRCRAFT,
    _NULL: ListedKind.ENTITY,
}
_UN_GROUPS = {"INDIVIDUALS": ListedKind.INDIVIDUAL, "ENTITIES": ListedKind.ENTITY}
_PARTS = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_BRACKETS = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
_LETTERED = re.compile(r"\s+[a-z]\)\s+")
# What list makers write beside a name in its field.
_NOTES = re.compile(
    r"original script:?|[-–] sub-unit name|,? born .*|.*\bpassport no\b.*|(?<=\s)-(?=\w+$)", re.I
)


class ListMalformed(Exception):
    """A file is not what its maker publishes."""


def unpack(raw: bytes) -> bytes:
    """The content of a file, out of gzip if it is in one. Raises ListMalformed."""
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            content = packed.read(BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error):
        raise ListMalformed("is no whole gzip file") from None
    if len(content) > BYTES_MAX:
        raise ListMalformed(f"unpacks to more than {BYTES_MAX:,} bytes")
    return content


def is_aliases(content: bytes) -> bool:
    """Whether a file of OFAC's is that of the aliases, by the columns of its first line."""
    first = content.split(b"\n", 1)[0].decode("utf-8", errors="replace")
    return len(next(csv.reader([first]), [])) == _ALT_COLUMNS


def read_ofac(sdn: bytes, alt: bytes, published_on: date) -> PublishedList:
    """The SDN list out of its two files in the legacy form, which name no date themselves.

    An alias whose entry is missing (the two files may be of different days) makes an entry of its
    own: a listed name is never dropped. Raises ListMalformed.
    """
    aliases: dict[str, list[str]] = defaultdict(list)
    for row in _rows(alt, _ALT_COLUMNS, "ALT.CSV"):
        aliases[row[0]].append(row[3])
    entries = []
    for row in _rows(sdn, _SDN_COLUMNS, "SDN.CSV"):
        kind = _OFAC_KINDS.get(row[2])
        if kind is None:
            raise ListMalformed(f"has an entry of the unknown kind {row[2]!r}")
        names = _named([row[1]], aliases.pop(row[0], []), kind)
        remarks = "; ".join(part for part in (row[4], row[11]) if part != _NULL)
        entries.append(Entry(row[0], kind, row[3], remarks, names))
    entries += [
        Entry(ref, ListedKind.UNKNOWN, "", "", _named(named[:1], named[1:], ListedKind.UNKNOWN))
        for ref, named in aliases.items()
    ]
    return PublishedList(SanctionsList.OFAC, published_on, _whole(entries))


def _rows(content: bytes, columns: int, name: str) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ListMalformed("is no UTF-8 text") from None
    for row in csv.reader(io.StringIO(text, newline="")):
        if not row or row == ["\x1a"]:  # the old end of file
            continue
        if len(row) != columns or not row[0].isdigit():
            raise ListMalformed(f"is no {name}: a line has not its {columns} columns")
        yield [cell.strip() for cell in row]


def _named(
    primary: Sequence[str], aliases: Sequence[str], kind: ListedKind
) -> tuple[ListedName, ...]:
    """Names with the given name first: OFAC writes `LAST, First` for people only."""
    turn = _turned if kind is ListedKind.INDIVIDUAL else str
    named = [(NameKind.PRIMARY, one) for one in primary] + [
        (NameKind.ALIAS, one) for one in aliases
    ]
    return tuple(dict.fromkeys(ListedName(turn(text), how) for how, text in named))


def _turned(name: str) -> str:
    last, _, first = name.partition(",")
    return f"{first.strip()} {last.strip()}".strip()


def read_un(content: bytes) -> PublishedList:
    """The consolidated list, which says itself when it was made. Raises ListMalformed."""
    root = _root(content)
    try:
        published_on = date.fromisoformat(root.attrib.get("dateGenerated", "")[:10])
    except ValueError:
        raise ListMalformed("does not say when it was made (dateGenerated)") from None
    entries = [
        _un_entry(one, kind)
        for group, kind in _UN_GROUPS.items()
        for one in root.findall(f"{group}/*")
    ]
    return PublishedList(SanctionsList.UN, published_on, _whole(entries))


def _root(content: bytes) -> ElementTree.Element:
    """The root of the list. Entities are refused: the list has none, and they make bombs."""
    if b"<!ENTITY" in content or b"<!DOCTYPE" in content:
        raise ListMalformed("declares entities, which the list never does")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - without entities nothing expands
    except ElementTree.ParseError:
        raise ListMalformed("is no whole XML file") from None
    if root.tag != "CONSOLIDATED_LIST":
        raise ListMalformed("is no CONSOLIDATED_LIST")
    return root


def _un_entry(one: ElementTree.Element, kind: ListedKind) -> Entry:
    named = split_aliases(" ".join(text for part in _PARTS if (text := _text(one, part))))
    aliases = [
        ListedName(text, NameKind.ALIAS)
        for alias in [*one.findall("INDIVIDUAL_ALIAS"), *one.findall("ENTITY_ALIAS")]
        for text in split_aliases(_text(alias, "ALIAS_NAME"))
    ]
    original = [
        ListedName(text, NameKind.ORIGINAL_SCRIPT)
        for text in split_aliases(_text(one, "NAME_ORIGINAL_SCRIPT"))
    ]
    ref = _text(one, "REFERENCE_NUMBER") or _text(one, "DATAID")
    if not ref or not named:
        raise ListMalformed("has an entry without a number or a name")
    own = [ListedName(named[0], NameKind.PRIMARY)]
    own += [ListedName(text, NameKind.ALIAS) for text in named[1:]]
    distinct = {name.text: name for name in reversed([*own, *aliases, *original])}
    names = tuple(reversed(distinct.values()))
    return Entry(ref, kind, _text(one, "UN_LIST_TYPE"), _text(one, "COMMENTS1"), names)


def _text(one: ElementTree.Element, tag: str) -> str:
    return " ".join((one.findtext(tag) or "").split())


def split_aliases(text: str) -> list[str]:
    """The names in a field that may hold several: `A; B`, `A b) B`, `A (B; C)`, `A (其他)`.

    What stands in brackets is a name when it is a list, an acronym, or in another script; else it
    explains, as in `A (false identity)`.
    """
    inside = [part for found in _BRACKETS.findall(text) if _names(found) for part in _pieces(found)]
    outside = _pieces(_BRACKETS.sub(" ", text))
    return list(dict.fromkeys([*outside, *inside]))


def _names(found: str) -> bool:
    return ";" in found or (found.isupper() and " " not in found) or not found.isascii()


def _pieces(text: str) -> list[str]:
    bare = _LETTERED.sub(";", _NOTES.sub(" ", _BRACKETS.sub(" ", text)))
    return [name for one in bare.split(";") if (name := " ".join(one.split()).strip("() ,"))]


def _whole(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    counted: Mapping[str, Entry] = {entry.ref: entry for entry in entries}
    if not entries:
        raise ListMalformed("names nobody")
    if len(counted) != len(entries):
        raise ListMalformed("numbers two entries alike")
    return tuple(entries)

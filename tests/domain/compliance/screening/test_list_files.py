"""The files that list makers publish are read whole, or refused in one line."""

import gzip
from datetime import date

import pytest

from domain.compliance.screening.list_files import (
    ListMalformed,
    is_aliases,
    read_ofac,
    read_un,
    split_aliases,
    unpack,
)
from domain.compliance.screening.values import ListedKind, NameKind

DAY = date(2026, 2, 27)
NULLS = ",-0- " * 8
SDN = (
    f'36,"DARGOV, Velmir",individual,"TEST",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1970."\r\n'
    f'40,"KESSLER, LTD.",-0- ,"TEST"{NULLS}\r\n\x1a'
).encode()
ALT = b'36,1,"aka","DARGO, V.",-0- \r\n99,2,"aka","LOST NAME",-0- \r\n\x1a'
UN = """<?xml version="1.0"?><CONSOLIDATED_LIST dateGenerated="2026-02-27T00:00:09.554Z">
<INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME>VELMIR</FIRST_NAME>
<SECOND_NAME>DARGOV</SECOND_NAME><UN_LIST_TYPE>Test</UN_LIST_TYPE>
<REFERENCE_NUMBER>TSi.001</REFERENCE_NUMBER><COMMENTS1>None  such.</COMMENTS1>
<NAME_ORIGINAL_SCRIPT>Велмир Даргов</NAME_ORIGINAL_SCRIPT>
<INDIVIDUAL_ALIAS><ALIAS_NAME>Velmir Dargo; V. Dargov</ALIAS_NAME></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ALIAS><ALIAS_NAME/></INDIVIDUAL_ALIAS></INDIVIDUAL></INDIVIDUALS>
<ENTITIES><ENTITY><DATAID>2</DATAID><FIRST_NAME>DARGOV HOUSE (DH)</FIRST_NAME></ENTITY></ENTITIES>
</CONSOLIDATED_LIST>""".encode()


def test_ofac_names_stand_with_the_given_name_first_and_none_is_dropped() -> None:
    read = read_ofac(SDN, ALT, DAY)
    assert (read.published_on, read.name_count) == (DAY, 4)
    person, company, orphan = read.entries
    assert [(one.text, one.kind) for one in person.names] == [
        ("Velmir DARGOV", NameKind.PRIMARY), ("V. DARGO", NameKind.ALIAS),
    ]  # fmt: skip
    assert (person.kind, person.program, person.remarks) == (
        ListedKind.INDIVIDUAL, "TEST", "DOB 1970.",
    )  # fmt: skip
    assert (company.kind, company.primary) == (ListedKind.ENTITY, "KESSLER, LTD.")
    assert (orphan.ref, orphan.kind, orphan.primary) == ("99", ListedKind.UNKNOWN, "LOST NAME")


def test_the_un_list_says_its_day_and_has_names_in_their_own_script() -> None:
    read = read_un(UN)
    assert read.published_on == DAY
    person, house = read.entries
    assert [(one.text, one.kind) for one in person.names] == [
        ("VELMIR DARGOV", NameKind.PRIMARY), ("Velmir Dargo", NameKind.ALIAS),
        ("V. Dargov", NameKind.ALIAS), ("Велмир Даргов", NameKind.ORIGINAL_SCRIPT),
    ]  # fmt: skip
    assert (person.ref, person.program, person.remarks) == ("TSi.001", "Test", "None such.")
    assert [one.text for one in house.names] == ["DARGOV HOUSE", "DH"]
    assert (house.ref, house.kind) == ("2", ListedKind.ENTITY)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("One; Two ;  Three", ["One", "Two", "Three"]),
        ("Jin Tiesan (金铁三)", ["Jin Tiesan", "金铁三"]),
        ("One (false identity)", ["One"]),
        ("House (HDS) (بيت (original script); House of D)", ["House", "HDS", "بيت", "House of D"]),
        ("Sabet b) M. Sabet", ["Sabet", "M. Sabet"]),
        ("Original script: Амир", ["Амир"]),
        ("Wali Hair, born in Nowhere on 01 Jan.1967", ["Wali Hair"]),
        (") One Two", ["One Two"]),
    ],
)
def test_a_field_may_hold_several_names(text: str, names: list[str]) -> None:
    assert split_aliases(text) == names


def test_packed_files_are_unpacked_and_others_stay() -> None:
    assert unpack(gzip.compress(SDN)) == unpack(SDN) == SDN
    with pytest.raises(ListMalformed, match="no whole gzip"):
        unpack(gzip.compress(SDN)[:-9])


def test_the_two_files_are_told_apart() -> None:
    assert (is_aliases(ALT), is_aliases(SDN), is_aliases(b"")) == (True, False, False)


@pytest.mark.parametrize(
    ("sdn", "alt", "told"),
    [
        (b'"a","b"\n', ALT, "no SDN.CSV"),
        (SDN, SDN, "no ALT.CSV"),
        (b"\xff\xfe", ALT, "no UTF-8"),
        (SDN.replace(b"individual", b"ghost"), ALT, "unknown kind 'ghost'"),
        (b"", b"", "names nobody"),
        (SDN.replace(b"40,", b"36,"), b"", "two entries alike"),
    ],
)
def test_what_is_no_file_of_ofac_is_refused(sdn: bytes, alt: bytes, told: str) -> None:
    with pytest.raises(ListMalformed, match=told):
        read_ofac(sdn, alt, DAY)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (UN[:-9], "no whole XML"),
        (b"<html/>", "no CONSOLIDATED_LIST"),
        (UN.replace(b"dateGenerated", b"made"), "does not say when"),
        (b"<!DOCTYPE x><CONSOLIDATED_LIST/>", "declares entities"),
        (UN.replace(b"DARGOV HOUSE (DH)", b""), "without a number or a name"),
        (b'<CONSOLIDATED_LIST dateGenerated="2026-02-27"/>', "names nobody"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_the_un_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(ListMalformed, match=told):
        read_un(content)

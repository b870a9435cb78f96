"""The PDF of a statement in scripts its fonts lack."""

import io
from datetime import date

import pytest
from pypdf import PdfReader

from domain.kernel.money import Money
from domain.payments.statements.pdf import write_pdf
from domain.payments.statements.values import StatementHead


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë Müller-Šimić", "Zoë Müller-Šimic"),
        ("Γιώργος Νικολάου", "Giorgos Nikolaoy"),
        ("Анна Петрова", "Anna Petrova"),
        ("王小明", "WangXiaoMing"),
    ],
    ids=["latin", "greek", "cyrillic", "chinese"],
)
def test_every_name_can_be_read(name: str, shown: str) -> None:
    head = StatementHead(
        brand_name="Kestrel",
        legal_entity="Kestrel (Europe) Ltd",
        client_reference="C-000001",
        client_name=name,
        currency="EUR",
        time_zone="Europe/Nicosia",
        start=date(2026, 1, 1),
        end=date(2026, 1, 31),
    )
    file, zero = io.BytesIO(), Money(0, "EUR")
    write_pdf(file, head, (zero, zero), [])
    (page,) = PdfReader(file).pages
    assert f"C-000001  {shown}" in page.extract_text()

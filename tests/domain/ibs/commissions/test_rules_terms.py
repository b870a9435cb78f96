"""Terms as they are typed: which names are told apart, and where a plan pays more than another."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.ibs.commissions.errors import RateAboveParent, SymbolUnknown, TermsWrong
from domain.ibs.commissions.terms import check_symbols, check_terms, exceeds
from domain.ibs.commissions.values import Component, Excess, Rate, SymbolGroup, Terms
from domain.ibs.values import ComponentKind, Convention

LISTED = frozenset({"EURUSD", "XAUUSD"})


def plan(*rates: Rate, groups: tuple[SymbolGroup, ...] = (), name: str = "Rebate") -> Terms:
    component = Component(name, ComponentKind.REBATE_PER_LOT, rates)
    return Terms("USD", Convention.OVERRIDE, (component,), groups)


def of(symbol: str, per_lot: str = "5") -> Rate:
    return Rate(Decimal(per_lot), symbol=symbol)


def test_capitals_do_not_tell_names_apart() -> None:
    both = plan(of("EURUSD"), groups=(SymbolGroup("Metals", ()), SymbolGroup("METALS", ())))
    twice = replace(both, groups=(), components=(*both.components, *plan(of("A"), name="REBATE")
                                                 .components))  # fmt: skip
    symbols = plan(of("EURUSD"), of("eurusd"))
    shared = plan(
        of("EURUSD"), groups=(SymbolGroup("One", ("XAUUSD",)), SymbolGroup("Two", ("xauusd",)))
    )
    for wrong in (both, twice, symbols, shared):
        with pytest.raises(TermsWrong):
            check_terms(wrong)
    check_terms(plan(of("EURUSD"), of("XAUUSD"), groups=(SymbolGroup("Metals", ("*",)),)))


@pytest.mark.parametrize(
    ("terms", "field", "hint"),
    [
        (plan(of("EURUDS")), "components", "as the platform writes them"),
        (plan(of("eurusd")), "components", "writes it EURUSD"),
        (plan(groups=(SymbolGroup("Metals", ("XAGUSD",)),)), "symbolGroups", "XAGUSD"),
    ],
)  # fmt: skip
def test_a_symbol_that_nobody_lists_is_refused(terms: Terms, field: str, hint: str) -> None:
    with pytest.raises(SymbolUnknown, match=hint) as caught:
        check_symbols(terms, LISTED)
    assert caught.value.path == ("input", "terms", field)
    check_symbols(terms, ())


def test_what_is_listed_and_every_other_symbol_may_be_named() -> None:
    check_symbols(plan(of("EURUSD"), groups=(SymbolGroup("All", ("XAUUSD", "*")),)), LISTED)


@pytest.mark.parametrize(
    ("above", "expected", "told"),
    [
        (plan(of("EURUSD", "5")), None, ""),
        (plan(of("EURUSD", "4.50")), Excess("Rebate", "EURUSD", Decimal(5), Decimal("4.50")),
         "Rebate would pay 5 a lot of EURUSD, the plan above 4.5 (NORTH). Lower it to 4.5 or less, "
         "or raise the plan above first."),
        (plan(of("XAUUSD")), Excess("Rebate", "EURUSD", Decimal(5), None),
         "Rebate would pay 5 a lot of EURUSD, the plan above has no rate for it (NORTH). Leave it "
         "out, or give the plan above such a rate first."),
        (plan(of("EURUSD"), name="rebate"), Excess("Rebate", "EURUSD", Decimal(5), None,
                                                   has_component=False),
         "Rebate would pay 5 a lot of EURUSD, the plan above has no component Rebate (NORTH). Name "
         "it as the plan above does, or give that one such a component first."),
    ],
)  # fmt: skip
def test_where_a_plan_pays_more_and_what_to_do(
    above: Terms, expected: Excess | None, told: str
) -> None:
    found = exceeds(plan(of("EURUSD"), of("US500", "0")), above)
    assert found == expected
    if found is not None:
        assert RateAboveParent(found, "NORTH").message == told

"""What callers may send, checked for shape only. Numbers of money, lots and price are text."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from domain.kernel.errors import Invalid
from domain.kernel.money import parse_decimal
from simulator.faults import FaultKind
from simulator.values import Access, BalanceKind, OrderType, Side


def _number(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('write numbers as text, such as "12.50"')
    try:
        return parse_decimal(value)
    except Invalid as error:
        raise ValueError(error.message) from error


Number = Annotated[Decimal, BeforeValidator(_number)]
Login = Annotated[int, Field(gt=0, lt=2**53)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Comment = Annotated[str, Field(max_length=120)]
Password = Annotated[str, Field(min_length=8, max_length=64)]


class Body(BaseModel):
    """Unknown fields are refused: a misspelt option must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PasswordsBody(Body):
    main: Password
    investor: Password


class AccountBody(Body):
    login: Login
    group: Name
    leverage: Annotated[int, Field(ge=1, le=10_000)]
    currency: Name
    client_ref: Name
    passwords: PasswordsBody


class AccountChangeBody(Body):
    group: Name | None = None
    leverage: Annotated[int, Field(ge=1, le=10_000)] | None = None
    access: Access | None = None


class PasswordCheckBody(Body):
    password: Annotated[str, Field(max_length=64)]
    investor: bool = False


class TransferBody(Body):
    kind: BalanceKind
    amount: Number
    comment: Comment = ""


class OrderBody(Body):
    symbol: Name
    type: OrderType
    side: Side
    lots: Number
    price: Number | None = None
    sl: Number | None = None
    tp: Number | None = None
    expires_at: AwareDatetime | None = None


class OrderChangeBody(Body):
    price: Number
    sl: Number | None = None
    tp: Number | None = None


class PositionChangeBody(Body):
    sl: Number | None = None
    tp: Number | None = None


class CloseBody(Body):
    lots: Number | None = None


class CloseAllBody(Body):
    reason: Comment


class StatesBody(Body):
    logins: Annotated[list[Login], Field(max_length=5_000)]


class GroupBody(Body):
    name: Name
    currency: Name
    leverage_max: Annotated[int, Field(le=10_000)]
    commission_per_lot: Number
    margin_call_level: Number
    stop_out_level: Number
    swap_free: bool


class GroupsBody(Body):
    groups: Annotated[list[GroupBody], Field(max_length=1_000)]


class HistoryQuery(Body):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    symbol: Name
    start: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    interval: Annotated[str, Field(pattern="^(M1|M5|M15|H1|D1)$")]


class DealsQuery(Body):
    after: Annotated[str, Field(pattern=r"^[0-9]{0,18}$")] = ""
    limit: Annotated[int, Field(ge=1, le=1_000)] = 500


class QuotesQuery(Body):
    symbols: str = ""


class SymbolsQuery(Body):
    group: Name | None = None


class FaultBody(Body):
    kind: FaultKind
    times: Annotated[int, Field(ge=1, le=1_000)] = 1
    match: str = ""
    status: Annotated[int, Field(ge=400, le=599)] = 503
    delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 0


class StepBody(Body):
    ticks: Annotated[int, Field(ge=1, le=10_000)] = 1


class SpeedBody(Body):
    speed: Number


class QuoteBody(Body):
    symbol: Name
    bid: Number
    ask: Number


class DayBody(Body):
    day: date


class PastAccountBody(Body):
    at: AwareDatetime
    login: Login
    group: Name
    leverage: Annotated[int, Field(ge=1, le=10_000)]
    currency: Name
    client_ref: Name


class PastTransferBody(Body):
    at: AwareDatetime
    login: Login
    amount: Number
    op_id: Name
    comment: Comment = ""


class PastTradeBody(Body):
    at: AwareDatetime
    closed_at: AwareDatetime
    login: Login
    symbol: Name
    side: Side
    lots: Number


class PastAimBody(Body):
    at: AwareDatetime
    closed_at: AwareDatetime
    login: Login
    symbol: Name
    lots: Number
    equity: Number
    rises: bool


class PastBody(Body):
    accounts: Annotated[list[PastAccountBody], Field(max_length=2_000)] = []
    transfers: Annotated[list[PastTransferBody], Field(max_length=2_000)] = []
    trades: Annotated[list[PastTradeBody], Field(max_length=2_000)] = []
    aims: Annotated[list[PastAimBody], Field(max_length=2_000)] = []

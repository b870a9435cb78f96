"""What callers may send, checked for shape only. Merchants' unknown fields are ignored, so that
the wire can grow; those of a control are refused, so that a misspelt one is not ignored."""

import base64
import binascii
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter

from sandbox.psp.values import DestinationKind, Method

_URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)
_LARGEST_FILE_TEXT = 7_000_000


def _url(value: str) -> str:
    _URL.validate_python(value)
    return value


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("write base64") from None
    return value


Reference = Annotated[str, Field(min_length=1, max_length=128)]
Amount = Annotated[str, Field(min_length=1, max_length=64)]
Currency = Annotated[str, Field(pattern=r"^[A-Z0-9]{3,8}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,64}$")]
Url = Annotated[str, Field(max_length=2_048), AfterValidator(_url)]


class Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PaymentBody(Body):
    reference: Reference
    amount: Amount
    currency: Currency
    method: Method
    return_url: Url
    description: Annotated[str, Field(max_length=500)] = ""


class RefundBody(Body):
    reference: Reference
    amount: Amount


class DestinationBody(Body):
    kind: DestinationKind
    account: Annotated[str, Field(min_length=1, max_length=128)]
    holder_name: Annotated[str, Field(min_length=1, max_length=140)]


class PayoutBody(Body):
    reference: Reference
    amount: Amount
    currency: Currency
    destination: DestinationBody


class FileBody(Body):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    media_type: Annotated[str, Field(min_length=1, max_length=128)]
    base64: Annotated[str, Field(max_length=_LARGEST_FILE_TEXT), AfterValidator(_base64)]


class EvidenceBody(Body):
    reference: Reference
    text: Annotated[str, Field(max_length=20_000)]
    files: Annotated[list[FileBody], Field(max_length=5)] = []


class ReferenceQuery(Body):
    reference: Reference


class SettlementQuery(Body):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    start: Annotated[date, Field(alias="from")]
    end: Annotated[date, Field(alias="to")]


class Control(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MerchantBody(Control):
    api_key: Annotated[str, Field(min_length=16, max_length=256)]
    notice_url: Url
    notice_secrets: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=256)]], Field(min_length=1, max_length=4)
    ]
    currencies: Annotated[list[Currency], Field(max_length=64)]


class PayBody(Control):
    amount: Amount | None = None
    currency: Currency | None = None
    instrument: Annotated[str, Field(max_length=128)] | None = None


class FailBody(Control):
    code: Code = "CARD_DECLINED"


class GiveBackBody(Control):
    amount: Amount


class DisputeBody(Control):
    amount: Amount | None = None
    reason: Annotated[str, Field(min_length=1, max_length=64)] = "fraudulent"


class CloseBody(Control):
    outcome: Literal["WON", "LOST"]


class PayoutSettleBody(Control):
    status: Literal["PAID", "FAILED", "RETURNED"]
    failure_code: Code | None = None


class RefundSettleBody(Control):
    status: Literal["SUCCEEDED", "FAILED"]
    failure_code: Code | None = None


class NothingBody(Control):
    pass

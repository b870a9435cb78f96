"""The client of the sandbox PSP's wire (`docs/psp.openapi.yaml`).

A write goes out with our id in `Idempotency-Key`. When its answer is lost, the PSP is searched by
our reference; only when it has nothing is the write sent again, under the same key. What is still
unproven then is OutcomeUnknown, and so is money out that is refused the second time: the first may
be why. Only a write is ever refused. Lists are of one at most, so that nothing is paged.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import quote as escaped

import httpx
import orjson

from domain.kernel.money import Money
from domain.outbound.client import Lost, NeverSent, Outbound, Patience, Unanswered
from domain.payments.adapters import sandbox_answers as answers
from domain.payments.adapters import sandbox_shapes as shapes
from domain.payments.adapters.sandbox_shapes import Json
from domain.payments.ports import OutcomeUnknown, PspRefused, PspUnavailable
from domain.payments.psp_values import (
    Evidence,
    PaymentRequest,
    PayoutRequest,
    PspDispute,
    PspPayment,
    PspPayout,
    PspRefund,
)

T = TypeVar("T")
# A file of days is written while it is sent.
_FILE_S = 60.0
_DUPLICATE = "DUPLICATE_REFERENCE"


class SandboxPsp:
    """One merchant account. See `domain.payments.ports.Psp`; `endpoint` is the PSP's address."""

    def __init__(self, endpoint: str, *, api_key: str, patience: Patience | None = None) -> None:
        self._out = Outbound(endpoint, token=api_key, patience=patience or Patience())

    async def aclose(self) -> None:
        await self._out.aclose()

    async def create_payment(
        self, request: PaymentRequest, *, key: str, sent_before: bool = False
    ) -> PspPayment:
        body = {
            "reference": request.reference,
            **shapes.amount(request.amount),
            "method": request.method.value.lower(),
            "return_url": request.return_url,
            "description": request.description,
        }
        write = _Write("/payments", body, key, ("payments", request.reference))
        # One that was made after all is credited when it is paid: a refusal may be believed.
        return await self._write(write, shapes.payment, sent_before=sent_before)

    async def find_payment(self, psp_id: str) -> PspPayment | None:
        found = await self._find("payments", psp_id)
        return None if found is None else shapes.payment(found)

    async def find_payment_by_reference(self, reference: str) -> PspPayment | None:
        found = await self._search("payments", reference)
        return None if found is None else shapes.payment(found)

    async def create_refund(
        self, payment_id: str, *, amount: Money, reference: str, key: str, sent_before: bool = False
    ) -> PspRefund:
        body = {"reference": reference, "amount": shapes.amount(amount)["amount"]}
        path = f"/payments/{escaped(payment_id, safe='')}/refunds"
        write = _Write(path, body, key, ("refunds", reference), moves_out=True)
        return await self._write(write, shapes.refund, sent_before=sent_before)

    async def find_refund(self, psp_id: str) -> PspRefund | None:
        found = await self._find("refunds", psp_id)
        return None if found is None else shapes.refund(found)

    async def find_refund_by_reference(self, reference: str) -> PspRefund | None:
        found = await self._search("refunds", reference)
        return None if found is None else shapes.refund(found)

    async def create_payout(
        self, request: PayoutRequest, *, key: str, sent_before: bool = False
    ) -> PspPayout:
        body = {
            "reference": request.reference,
            **shapes.amount(request.amount),
            "destination": {
                "kind": request.to.kind.value.lower(),
                "account": request.to.account,
                "holder_name": request.to.holder_name,
            },
        }
        write = _Write("/payouts", body, key, ("payouts", request.reference), moves_out=True)
        return await self._write(write, shapes.payout, sent_before=sent_before)

    async def find_payout(self, psp_id: str) -> PspPayout | None:
        found = await self._find("payouts", psp_id)
        return None if found is None else shapes.payout(found)

    async def find_payout_by_reference(self, reference: str) -> PspPayout | None:
        found = await self._search("payouts", reference)
        return None if found is None else shapes.payout(found)

    async def find_dispute(self, psp_id: str) -> PspDispute | None:
        found = await self._find("disputes", psp_id)
        return None if found is None else shapes.dispute(found)

    async def send_evidence(self, dispute_id: str, evidence: Evidence, *, key: str) -> PspDispute:
        """Evidence can't be searched; its key and the dispute's state make it happen once."""
        body: Json = {"reference": evidence.reference, "text": evidence.text}
        if evidence.files:
            body["files"] = [
                {
                    "name": file.name,
                    "media_type": file.media_type,
                    "base64": base64.b64encode(file.content).decode(),
                }
                for file in evidence.files
            ]
        path = f"/disputes/{escaped(dispute_id, safe='')}/evidence"
        return await self._write(_Write(path, body, key, None), shapes.dispute)

    async def settlements(self, start: date, end: date) -> str:
        params = {"from": start.isoformat(), "to": end.isoformat()}
        answer = await self._read("/settlements", params, call_s=_FILE_S)
        if answer.status_code != httpx.codes.OK:
            raise answers.not_told(answer)
        return answer.text

    async def _find(self, kind: str, psp_id: str) -> Json | None:
        answer = await self._read(f"/{kind}/{escaped(psp_id, safe='')}")
        return None if answers.is_absent(kind, answer) else answers.told(answer)

    async def _search(self, kind: str, reference: str) -> Json | None:
        return answers.listed(kind, await self._read(f"/{kind}", {"reference": reference}))

    async def _read(
        self, path: str, params: dict[str, str] | None = None, *, call_s: float | None = None
    ) -> httpx.Response:
        try:
            return await self._out.safely("GET", f"/v1{path}", params=params, call_s=call_s)
        except Unanswered as error:
            raise _silent(error) from error

    async def _write(
        self, write: "_Write", read: Callable[[Json], T], *, sent_before: bool = False
    ) -> T:
        """Send a write until its outcome is proven. Refusals: the PSP's, OUTCOME_UNKNOWN,
        PSP_UNAVAILABLE when it was never sent or was not let in."""
        is_doubtful = sent_before

        async def attempt(_: int) -> httpx.Response:
            nonlocal is_doubtful
            if is_doubtful and (found := await self._look(write)) is not None:
                return found
            try:
                return await self._out.once(
                    "POST",
                    f"/v1{write.path}",
                    json=write.body,
                    headers={"Idempotency-Key": write.key},
                )
            except Lost:
                is_doubtful = True
                raise

        try:
            answer = await self._out.again(attempt)
            was_doubtful = is_doubtful
            # Good and unreadable proves nothing, although it may be done.
            is_doubtful = is_doubtful or answer.is_success
            return read(await self._judged(write, answer, was_doubtful=was_doubtful))
        except (Unanswered, PspUnavailable) as error:
            found = await self._last_look(write) if is_doubtful else None
            if found is not None:
                return read(found)
            if is_doubtful:
                raise OutcomeUnknown(write.key) from error
            raise (_silent(error) if isinstance(error, Unanswered) else error) from error

    async def _judged(self, write: "_Write", answer: httpx.Response, *, was_doubtful: bool) -> Json:
        """The body of a good answer; a reference that is taken was taken by ourselves, and a try
        before may be why there is nothing left to move."""
        try:
            return answers.content(answer)
        except PspRefused as refused:
            is_open = was_doubtful and write.moves_out
            is_taken = refused.code == _DUPLICATE
            found = await self._last_look(write) if is_open or is_taken else None
            if found is not None:
                return found
            if is_open:
                raise OutcomeUnknown(write.key, refused) from refused
            raise

    async def _look(self, write: "_Write") -> httpx.Response | None:
        """What the PSP has under the write's reference, as if it were the answer."""
        if write.search is None:
            return None
        kind, reference = write.search
        answer = await self._out.once("GET", f"/v1/{kind}", params={"reference": reference})
        found = answers.listed(kind, answer)
        return None if found is None else httpx.Response(200, content=orjson.dumps(found))

    async def _last_look(self, write: "_Write") -> Json | None:
        """What the PSP has under the write's reference; None when that can't be told either."""
        try:
            found = await self._look(write)
            return None if found is None else answers.told(found)
        except (Lost, NeverSent, PspUnavailable):
            return None


@dataclass(frozen=True, slots=True)
class _Write:
    """A POST, and where its effect is searched: the list and our reference. `moves_out`: it would
    be paid twice if it were taken for refused and had been done."""

    path: str
    body: Json
    key: str
    search: tuple[str, str] | None
    moves_out: bool = False


def _silent(error: Unanswered) -> PspUnavailable:
    return PspUnavailable(f"The payment provider does not answer: {error}")

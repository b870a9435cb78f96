"""The calls of merchants that change something, each once under its key."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.psp import bodies, disputes, payments, payouts, refunds, shapes
from sandbox.psp.desk import Desk
from sandbox.psp.payments import PaymentSpec
from sandbox.psp.payouts import PayoutSpec
from sandbox.psp.reads import show_payment
from sandbox.psp.shapes import Json
from sandbox.psp.values import Dispute, Merchant, Payment
from sandbox.psp.wire import guarded, write


async def create_payment(request: Request) -> Response:
    async def create(desk: Desk, merchant: Merchant, asked: bodies.PaymentBody) -> Json:
        made = await payments.create(desk, merchant, PaymentSpec(**dict(asked)))
        return await show_payment(desk, made, request)

    return await write(request, bodies.PaymentBody, create)


async def create_refund(request: Request) -> Response:
    async def create(desk: Desk, merchant: Merchant, asked: bodies.RefundBody) -> Json:
        key = request.path_params["key"]
        payment = await desk.take(Payment, key, merchant=merchant.name)
        made = await refunds.create(desk, payment, amount=asked.amount, reference=asked.reference)
        return shapes.refund(made)

    return await write(request, bodies.RefundBody, create)


async def create_payout(request: Request) -> Response:
    async def create(desk: Desk, merchant: Merchant, asked: bodies.PayoutBody) -> Json:
        to = asked.destination
        spec = PayoutSpec(
            reference=asked.reference,
            amount=asked.amount,
            currency=asked.currency,
            kind=to.kind,
            account=to.account,
            holder_name=to.holder_name,
        )
        return shapes.payout(await payouts.create(desk, merchant, spec))

    return await write(request, bodies.PayoutBody, create)


async def send_evidence(request: Request) -> Response:
    async def take(desk: Desk, merchant: Merchant, asked: bodies.EvidenceBody) -> Json:
        key = request.path_params["key"]
        dispute = await desk.take(Dispute, key, merchant=merchant.name)
        files = [file.model_dump() for file in asked.files]
        taken = await disputes.take_evidence(
            desk, dispute, reference=asked.reference, text=asked.text, files=files
        )
        return shapes.dispute(taken)

    return await write(request, bodies.EvidenceBody, take, status=200)


ROUTES = [
    Route("/v1/payments", guarded(create_payment), methods=["POST"]),
    Route("/v1/payments/{key}/refunds", guarded(create_refund), methods=["POST"]),
    Route("/v1/payouts", guarded(create_payout), methods=["POST"]),
    Route("/v1/disputes/{key}/evidence", guarded(send_evidence), methods=["POST"]),
]

"""A client of the demo's cashier, as a portal serves one."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import httpx

from api.demo.kyc_controls import KycControls
from api.demo.sandbox import SandboxControls
from api.embedded.home import Home
from tests.stories.conftest import Installation
from tests.stories.telling import ask, http, signed_up

METHODS = """{ paymentMethods(direction: DEPOSIT) {
  currencyCode available method { id name kind } } }"""
DEPOSIT = """mutation($input: DepositCreateInput!) { depositCreate(input: $input) {
  deposit { id status next { ... on RedirectStep { url } } } errors { code message } } }"""
SUBMIT = """mutation($input: KycCaseSubmitInput!) { kycCaseSubmit(input: $input) {
  case { id status version next { ... on RedirectStep { url } } } errors { code message } } }"""
KYC = """{ viewer { client { id kyc { status tier limits { currencyCode remaining { amount } }
  cases { id version status message next { ... on RedirectStep { url } } }
  actions { name reasonCode } } } } }"""
UPLOAD = """mutation($size: Int!, $day: Date!) { fileUploadCreate(input: {kind: UTILITY_BILL,
  name: "bill.pdf", mediaType: "application/pdf", size: $size, issuedOn: $day}) {
  document { id } upload { url } errors { code message } } }"""
DECIDE = """mutation($input: KycCaseDecideInput!) { kycCaseDecide(input: $input) {
  case { id version status } needsSecondPerson errors { code } } }"""
REVIEW = """mutation($input: KycCaseReviewInput!) { kycCaseReview(input: $input) {
  case { id version status } errors { code } } }"""
WALLETS = """{ viewer { client { id wallets { id currencyCode available { amount }
  held { amount } } } } }"""
PAYMENT = """query($id: ID!) { node(id: $id) { ... on Payment { id status version
  actions { name allowed reasonCode } } ... on Deposit { credited { amount currencyCode } }
  ... on Withdrawal { legs { kind label status amount { amount } } } } }"""


@dataclass
class Payer:
    """A new client of `aurora` and what it asks for."""

    installation: Installation
    token: str

    @classmethod
    async def join(cls, installation: Installation, name: str, *, verified: bool = True) -> Self:
        """Somebody who signs up and, as `aurora` asks before money moves, proves who it is."""
        made = cls(installation, await signed_up(installation, name))
        if verified:
            await made.prove()
        return made

    async def prove(self, person: str = "approve", *, status: str = "APPROVED") -> Any:
        """Go through the sandbox vendor's page as one of its test persons."""
        applicant = await self.begin_proof()
        async with self.vendor() as vendor:
            await vendor.submit(applicant, person)
        return await self.kyc_until(status)

    async def prove_address(self) -> Any:
        """Bring a bill, which two people of the staff look at."""
        bill = b"%PDF-1.4 for water, gas and light"
        made = await self.ask(UPLOAD, size=len(bill), day=datetime.now(UTC).date().isoformat())
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.put(made["upload"]["url"], content=bill)
        assert answer.status_code == 200, answer.text
        wanted = {"requirement": "ADDRESS", "documentIds": [made["document"]["id"]]}
        case = (await self.ask(SUBMIT, input=wanted))["case"]
        decision = {
            "caseId": case["id"], "expectedVersion": case["version"], "decision": "APPROVED",
            "reason": "The same address as he told us.",
        }  # fmt: skip
        proposed = (await self.as_staff("compliance", DECIDE, input=decision))["case"]
        review = {
            "caseId": case["id"], "expectedVersion": proposed["version"], "confirm": True,
            "reason": "Seen.",
        }  # fmt: skip
        return (await self.as_staff("brand_admin", REVIEW, input=review))["case"]

    async def begin_proof(self) -> str:
        """The applicant's id at the vendor, as the address of its page has it."""
        wanted = {"requirement": "IDENTITY", "returnUrl": "https://aurora.localhost/identity"}
        async with asyncio.timeout(30):
            while True:  # the worker is another process: only looking tells
                case = (await self.ask(SUBMIT, input=wanted))["case"]
                if case["next"]:
                    url: str = case["next"]["url"]
                    return url.rpartition("/")[2]
                await asyncio.sleep(0.05)

    async def kyc_until(self, *statuses: str) -> Any:
        """The identity once it has one of these statuses."""
        async with asyncio.timeout(30):
            while True:  # as above
                found = (await self.ask(KYC))["client"]["kyc"]
                if found["status"] in statuses:
                    return found
                await asyncio.sleep(0.02)

    def vendor(self) -> KycControls:
        """The sandbox KYC vendor's buttons."""
        secrets = Home(self.installation.home).secrets()
        return KycControls(self.installation.sandbox, secrets.sandbox_token)

    def controls(self) -> SandboxControls:
        """The buttons of the sandbox that no payer has."""
        secrets = Home(self.installation.home).secrets()
        return SandboxControls(self.installation.sandbox, secrets.sandbox_token)

    async def ask(self, document: str, **variables: Any) -> Any:
        return await ask(http(self.installation, self.token), document, **variables)

    async def as_staff(self, role: str, document: str, **variables: Any) -> Any:
        """The same brand's staff ask."""
        token = self.installation.brand("aurora")["tokens"][role]
        return await ask(http(self.installation, token), document, **variables)

    async def method(self, kind: str) -> str:
        options = await self.ask(METHODS)
        found: str = next(one["method"]["id"] for one in options if one["method"]["kind"] == kind)
        return found

    async def begin(
        self, amount: str, *, key: str, currency: str = "EUR", method: str = "CARD"
    ) -> Any:
        """A deposit with the page to pay on."""
        wanted = {
            "idempotencyKey": key,
            "amount": {"amount": amount, "currencyCode": currency},
            "methodId": await self.method(method),
            "returnUrl": "https://aurora.localhost/paid",
        }
        deposit = (await self.ask(DEPOSIT, input=wanted))["deposit"]
        return await self.until(deposit["id"], "PENDING", "CREATED") | deposit

    async def pay_in(self, amount: str, *, key: str, card: str = "4242424242424242") -> Any:
        """A deposit by card, paid and settled."""
        deposit = await self.begin(amount, key=key)
        async with self.controls() as controls:
            await controls.pay(self.psp_id(deposit), instrument=card)
        return await self.until(deposit["id"], "SETTLED", "DISPUTED")

    @staticmethod
    def psp_id(deposit: Any) -> str:
        """The PSP's own id, as the address of its page has it."""
        url: str = deposit["next"]["url"]
        return url.rstrip("/").rpartition("/")[2]

    async def until(self, payment: str, *statuses: str) -> Any:
        """The payment once it has one of these statuses."""
        async with asyncio.timeout(60):
            while True:  # PSP, worker and server are other processes: only looking tells
                found = await self.ask(PAYMENT, id=payment)
                if found["status"] in statuses:
                    return found
                await asyncio.sleep(0.05)

    async def wallet(self, currency: str) -> Any:
        client = (await self.ask(WALLETS))["client"]
        return next(one for one in client["wallets"] if one["currencyCode"] == currency)

    async def wallet_until(self, currency: str, available: Decimal) -> Any:
        """The wallet once it has exactly so much to spend."""
        async with asyncio.timeout(60):
            while True:  # as above
                found = await self.wallet(currency)
                if Decimal(found["available"]["amount"]) == available:
                    return found
                await asyncio.sleep(0.05)

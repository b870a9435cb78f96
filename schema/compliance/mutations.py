"""What can be done about identities: permission and shape here, the rest in the commands."""

from typing import Annotated, Protocol
from uuid import UUID

import strawberry

from domain.compliance.identity.commands.decide_case import Verdict, decide_case, review_case
from domain.compliance.identity.commands.expect_document import PaperWish, expect_document
from domain.compliance.identity.commands.submit_case import SubmitWish, submit_case
from domain.compliance.identity.links import GOOD_FOR, LinkUse
from domain.compliance.identity.values import CaseStatus, DocumentKind, MediaType
from domain.compliance.identity.waiting import started
from domain.kernel.errors import Invalid, NotFound
from schema.accounts.asking import key_of
from schema.compliance.inputs import (
    FileUploadCreateInput,
    KycCaseDecideInput,
    KycCaseReviewInput,
    KycCaseSubmitInput,
)
from schema.compliance.types import KycCase, KycDocument, PaperServices
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from schema.shared.permission import public
from schema.shared.scalars import URL

_GONE = {"NOT_FOUND": "There is no such object for you."}
_INVALID = {"INVALID": "A field's value can't be right; `path` says which."}
_CLIENT = {
    "EMAIL_NOT_VERIFIED": "The client has not verified the e-mail address.",
    "CLIENT_CLOSED": "The client is closed.",
}
_EYES = {"FOUR_EYES": "Somebody else on the staff must: you had a hand in it."}
_MOVED = {"VERSION_CONFLICT": "The proof has changed since you read it."}


class PageServices(PaperServices, Protocol):
    """What these mutations need of the application."""

    @property
    def allow_local_pages(self) -> bool: ...


@strawberry.type(
    description="Send the raw bytes of the file here, once, with no form around them.",
    directives=public(),
)
class FileUpload:
    url: URL = strawberry.field(description="Where. It is good for you alone.")
    method: str = strawberry.field(description="How: `PUT`.")
    valid_seconds: int = strawberry.field(description="For how long.")


@payload(
    errors={
        **_GONE,
        **_INVALID,
        "CLIENT_CLOSED": _CLIENT["CLIENT_CLOSED"],
        "UPLOAD_LIMIT": "Too many documents wait that no proof uses.",
    }
)
class FileUploadCreatePayload:
    document: KycDocument | None = result("The document; EXPECTED until its bytes have come.")
    upload: FileUpload | None = result("Where to send the bytes.")


@payload(
    errors={
        **_GONE,
        **_INVALID,
        **_CLIENT,
        "REQUIREMENT_UNKNOWN": "Nothing of that name is asked of this client.",
        "KYC_ALREADY_APPROVED": "It is proven, and holds for a while.",
        "KYC_REJECTED_FINAL": "It was rejected for good.",
        "KYC_VENDOR_UNAVAILABLE": "No KYC vendor is connected just now.",
        "DOCUMENT_INVALID": "A document is missing, unknown, used, expired or too old.",
    }
)
class KycCaseSubmitPayload:
    case: KycCase | None = result("The proof. Send the client to `next` when there is one.")


@payload(
    errors={
        **_GONE,
        **_INVALID,
        **_MOVED,
        **_EYES,
        "KYC_CASE_NOT_DECIDABLE": "Its state does not lead to that decision.",
        "KYC_PROPOSAL_WAITS": "A decision is proposed already.",
    }
)
class KycCaseDecidePayload:
    case: KycCase | None = result("The proof as it is now.")
    needs_second_person: bool = strawberry.field(
        description="Whether the decision waits for another person's `kycCaseReview`.",
        default=False,
    )


@payload(
    errors={
        **_GONE,
        **_INVALID,
        **_MOVED,
        **_EYES,
        "KYC_NOTHING_PROPOSED": "No proposal waits on it.",
    }
)
class KycCaseReviewPayload:
    case: KycCase | None = result("The proof as it is now.")


_Upload = Annotated[FileUploadCreateInput, strawberry.argument(description="What will come.")]
_Submit = Annotated[KycCaseSubmitInput, strawberry.argument(description="What to prove.")]
_Decide = Annotated[KycCaseDecideInput, strawberry.argument(description="What is decided.")]
_Review = Annotated[KycCaseReviewInput, strawberry.argument(description="Whether you agree.")]


@strawberry.type
class ComplianceMutations:
    @mutation(
        "Announce a document. Send its raw bytes to `upload.url`, then name it in `kycCaseSubmit`.",
        needs="kyc:submit",
    )
    async def file_upload_create(self, info: Info, input: _Upload) -> FileUploadCreatePayload:
        wish = PaperWish(
            _client_id(info, input.client_id),
            DocumentKind(str(input.kind.value)),
            input.name,
            _media_type(input.media_type),
            input.size,
            issued_on=input.issued_on,
            expires_on=input.expires_on,
        )
        context = info.context
        key = (await context.write(lambda work: expect_document(work, wish))).value
        services: PageServices = context.services
        link = services.papers.make(context.scope, key, LinkUse.UPLOAD, now=context.now())
        return FileUploadCreatePayload(
            document=await fetch_below(info, "document", "kyc_document", key),
            upload=FileUpload(
                url=URL(f"{context.origin}/files/{link}"),
                method="PUT",
                valid_seconds=int(GOOD_FOR.total_seconds()),
            ),
        )

    @mutation(
        "Begin to prove something, or go on with it: the same proof is answered while it is open. "
        "The answer waits up to two seconds for the vendor's page.",
        needs="kyc:submit",
    )
    async def kyc_case_submit(self, info: Info, input: _Submit) -> KycCaseSubmitPayload:
        wish = SubmitWish(
            _client_id(info, input.client_id),
            input.requirement,
            None if input.return_url is None else str(input.return_url),
            tuple(key_of("kyc_document", one, "documentIds") for one in input.document_ids),
        )
        services: PageServices = info.context.services
        done = await info.context.write(
            lambda work: submit_case(work, wish, allow_local=services.allow_local_pages)
        )
        key = UUID(done.value["case"])
        await started(info.context.database, info.context.scope, key)
        return KycCaseSubmitPayload(case=await fetch_below(info, "case", "kyc_case", key))

    @mutation(
        "Decide about a proof. Approving it and rejecting it for good take two people: the "
        "decision is then proposed, and another confirms it with `kycCaseReview`.",
        needs="kyc:decide",
    )
    async def kyc_case_decide(self, info: Info, input: _Decide) -> KycCaseDecidePayload:
        key = key_of("kyc_case", input.case_id, "caseId")
        verdict = Verdict(CaseStatus[input.decision.name], input.reason, input.client_message)
        done = await info.context.write(
            lambda work: decide_case(work, key, verdict, version=input.expected_version)
        )
        return KycCaseDecidePayload(
            case=await fetch_below(info, "case", "kyc_case", key),
            needs_second_person="proposal" in done.value,
        )

    @mutation(
        "Confirm or decline, as the second person, what another has proposed.", needs="kyc:decide"
    )
    async def kyc_case_review(self, info: Info, input: _Review) -> KycCaseReviewPayload:
        key = key_of("kyc_case", input.case_id, "caseId")
        await info.context.write(
            lambda work: review_case(
                work,
                key,
                confirm=input.confirm,
                reason=input.reason,
                version=input.expected_version,
            )
        )
        return KycCaseReviewPayload(case=await fetch_below(info, "case", "kyc_case", key))


def _client_id(info: Info, given: strawberry.ID | None) -> UUID:
    """Whose it is. Refusals: NOT_FOUND, also for who is no client and names none."""
    if given is not None:
        return key_of("client", given, "clientId")
    own: UUID | None = info.context.scope.client_id
    if own is None:
        raise NotFound(path=("input", "clientId"))
    return own


def _media_type(text: str) -> MediaType:
    """Refusals: INVALID."""
    try:
        return MediaType(text)
    except ValueError:
        allowed = ", ".join(MediaType)
        message = f"One of {allowed} is taken."
        raise Invalid("INVALID", message, path=("input", "mediaType")) from None

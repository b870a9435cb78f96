"""Root fields that list proofs."""

from collections.abc import Mapping
from typing import Any

import strawberry

from schema.compliance.inputs import KycCaseFilter, KycCaseOrder
from schema.compliance.types import KycCase
from schema.shared.bind import connection
from schema.shared.page import Connection
from tenants.context import Scope


def _to_do(_scope: Scope) -> Mapping[str, Mapping[str, Any]]:
    """What waits for this viewer."""
    return {"waits_for_viewer": {"eq": True}}


@strawberry.type
class ComplianceQueries:
    kyc_cases: Connection[KycCase] = connection(
        "kyc_case",
        "Proofs of clients that you may see, newest first.",
        needs="kyc:list",
        filter=KycCaseFilter,
        order=KycCaseOrder,
    )
    kyc_queue: Connection[KycCase] = connection(
        "kyc_case",
        "What waits for you: proofs that people have to look at, and decisions that another has "
        "proposed. Nothing that you had a hand in.",
        needs="kyc:decide",
        filter=KycCaseFilter,
        order=KycCaseOrder,
        only=_to_do,
    )

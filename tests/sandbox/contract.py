"""The published contract of the PSP's wire."""

from tests.openapi import Contract

PSP = Contract("psp.openapi.yaml")

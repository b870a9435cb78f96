"""Introducing brokers as actors: who of them may come in, and to which subtree."""

from domain.ibs.tables import ib
from domain.ibs.values import IbStatus
from tenants.actors import ActorSource
from tenants.context import ActorKind

IBS = ActorSource(ActorKind.IB, ib, ib.c.name, ib.c.status == IbStatus.ACTIVE, ib.c.path)

"""Visits at a counter and what was done in them. Imports SQLAlchemy and the kernel's naming."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import UUID

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

_uuid = UUID(as_uuid=False)

counter_visit = Table(
    "counter_visit",
    metadata,
    Column("id", _uuid, primary_key=True),
    Column("authority", Text, nullable=False),
    Column("clerk", Text, nullable=False),
    Column("account", Text, nullable=False, index=True),
    Column("opened_at", moment, nullable=False, server_default=func.now()),
    Column("expires_at", moment, nullable=False),
    Column("ended_at", moment),
    Index(None, "clerk", "opened_at"),
)

# One row for one act, written before it is done. `outcome` NULL: not known, the act was interrupted; `done`; or the code of
# what was refused. `subject` is the hold, booking or payment it was about.
counter_act = Table(
    "counter_act",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("visit", _uuid, ForeignKey("counter_visit.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    Column("subject", Text),
    Column("outcome", Text),
    CheckConstraint(
        "kind IN ('account_opened', 'verified', 'factors_reset', 'password_set', 'held', 'released', 'confirmed', "
        "'cancelled', 'moved', 'paid', 'refunded')",
        name="kind",
    ),
)

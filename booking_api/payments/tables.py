"""Fees and every change of them. Imports SQLAlchemy and the kernel's naming."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

_uuid = UUID(as_uuid=False)
_OPEN = text("state IN ('due', 'pending', 'settled') AND used_by IS NULL")
_TO_ASK = text("state IN ('due', 'pending', 'refunding')")

# `next_at` is when the provider is asked again; whoever asks moves it on first, so that nobody else does meanwhile.
fee = Table(
    "fee",
    metadata,
    Column("id", _uuid, primary_key=True),
    Column("account", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("subject", Integer, nullable=False),
    Column("amount_fen", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_reference", Text),
    Column("pay_url", Text),
    Column("used_by", _uuid),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("settled_at", moment),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_at", moment, nullable=False),
    CheckConstraint(
        "state IN ('due', 'pending', 'settled', 'refunding', 'refunded', 'failed')", name="state"
    ),
    CheckConstraint("amount_fen > 0", name="amount_fen"),
    CheckConstraint("used_by IS NULL OR state IN ('settled', 'refunding', 'refunded')", name="used"),
    # Nobody pays twice for the same sitting.
    Index("fee_open_idx", "account", "authority", "subject", unique=True, postgresql_where=_OPEN),
    Index("fee_used_by_idx", "used_by", unique=True, postgresql_where=text("used_by IS NOT NULL")),
    Index("fee_account_idx", "account", "created_at"),
    Index("fee_to_ask_idx", "provider", "next_at", postgresql_where=_TO_ASK),
)

# Append-only: a trigger refuses to change or delete a row. `by` is who says so: the person, the provider's callback,
# our asking the provider, a clerk, an authority.
fee_change = Table(
    "fee_change",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("fee", _uuid, ForeignKey("fee.id"), nullable=False),
    Column("at", moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text),
    Index(None, "fee"),
)

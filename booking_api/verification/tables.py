"""Codes on their way to people's phones. Imports SQLAlchemy, the kernel's naming and `identity.tables`."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

from booking_api.identity.tables import account
from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

# One per account: a new code replaces the old one.
verification_code = Table(
    "verification_code",
    metadata,
    Column("account", Text, ForeignKey(account.c.id), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("source", Text, nullable=False),
    Column("tries_left", Integer, nullable=False),
    Column("expires_at", moment, nullable=False),
    CheckConstraint("tries_left >= 0", name="tries_left"),
    Index(None, "expires_at"),
)

"""Sessions and their ids. Imports SQLAlchemy and the identity room's tables."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from booking_api.identity.tables import metadata
from reservation.tables import moment

session = Table(
    "session",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("account", Text, ForeignKey("account.id"), nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("used_at", moment, nullable=False, server_default=func.now()),
    Column("offered_at", moment, nullable=False, server_default=func.now()),
    Column("expires_at", moment, nullable=False),
    Index(None, "account"),
    Index(None, "used_at"),
    Index(None, "expires_at"),
)

session_cookie = Table(
    "session_cookie",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session", UUID(as_uuid=False), ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    Column("first_used_at", moment),
    Column("ends_at", moment),
    Index(None, "session"),
)

"""Sign-ins on their way to an identity provider, and whom its subjects are linked to. Imports `identity.tables`."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import UUID

from booking_api.identity.tables import account, metadata
from reservation.tables import moment

external_identity = Table(
    "external_identity",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("account", Text, ForeignKey(account.c.id), nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("linked_at", moment, nullable=False, server_default=func.now()),
    UniqueConstraint("issuer", "subject"),
    UniqueConstraint("account", "issuer"),
)

# `account` is whom the subject is to be linked to; empty for a sign-in. Nonce and PKCE verifier are derived, not stored.
authorization_attempt = Table(
    "authorization_attempt",
    metadata,
    Column("state_digest", LargeBinary, primary_key=True),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("account", Text, ForeignKey(account.c.id)),
    Column("expires_at", moment, nullable=False),
    Index(None, "account"),
    Index(None, "expires_at"),
)

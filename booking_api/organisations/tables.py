"""Schools and stations, what was done about them, and their API keys. Imports SQLAlchemy and the kernel's naming."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

organisation = Table(
    "organisation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    # Of a station: the sites, as plans name them, at which it works.
    Column("sites", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("state", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('school', 'station')", name="kind"),
    CheckConstraint("state IN ('active', 'suspended')", name="state"),
    CheckConstraint("kind = 'station' OR sites = '{}'", name="sites"),
    Index(None, "authority", "id"),
)

# Only added to: who did what about an organisation and its members, and why.
organisation_change = Table(
    "organisation_change",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("organisation", Text, ForeignKey("organisation.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("account", Text),
    Column("reason", Text),
    Column("by", Text, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    CheckConstraint(
        "action IN ('created', 'suspended', 'resumed', 'member_given', 'member_taken')", name="action"
    ),
    CheckConstraint("(action LIKE 'member_%') = (account IS NOT NULL)", name="account"),
    Index(None, "organisation", "id"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, ForeignKey("organisation.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("expires_at", moment, nullable=False),
    Column("last_used", Date),
    Column("revoked_by", Text),
    Column("revoked_at", moment),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
    CheckConstraint("octet_length(digest) = 32", name="digest"),
)

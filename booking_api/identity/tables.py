"""People's accounts and their refresh tokens. Imports SQLAlchemy and the kernel's naming."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("identity_number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("verified_at", moment),
    Column("verified_by", Text),
    CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="verified"),
    # Anybody may type anybody's number, so a number blocks nobody; but only one account can be that person.
    Index(
        "account_person_idx", "identity_number", unique=True, postgresql_where=text("verified_at IS NOT NULL")
    ),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("family", UUID(as_uuid=False), nullable=False),
    Column("account", Text, ForeignKey("account.id"), nullable=False),
    Column("expires_at", moment, nullable=False),
    Column("used_at", moment),
    Index(None, "family"),
    Index(None, "account"),
    Index(None, "expires_at"),
)

# Numbers of persons whose accounts were erased a moment ago: keyed digests, for minutes.
resting_number = Table(
    "resting_number",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("until", moment, nullable=False),
    Index(None, "until"),
)

"""People's accounts and their refresh tokens. Imports SQLAlchemy only."""

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
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

_moment = TIMESTAMP(timezone=True)

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
    Column("created_at", _moment, nullable=False, server_default=func.now()),
    Column("verified_at", _moment),
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
    Column("expires_at", _moment, nullable=False),
    Column("used_at", _moment),
    Index(None, "family"),
    Index(None, "account"),
    Index(None, "expires_at"),
)

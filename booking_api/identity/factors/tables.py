"""What is stored of second factors. Imports SQLAlchemy and the identity room's tables."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from booking_api.identity.tables import metadata
from reservation.tables import moment

# One authenticator app an account. `last_step` is the time step of the last code used: an older or equal one is a replay.
totp = Table(
    "totp",
    metadata,
    Column("account", Text, ForeignKey("account.id"), primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("activated_at", moment),
    Column("last_step", BigInteger),
    Column("failures", Integer, nullable=False, server_default=text("0")),
)

security_key = Table(
    "security_key",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("account", Text, ForeignKey("account.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", ARRAY(Text), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("used_at", moment),
    Index(None, "account"),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account", Text, ForeignKey("account.id"), nullable=False),
    Column("used_at", moment),
    Index(None, "account"),
)

# Somebody who has given the right password and owes the second factor.
sign_in_ticket = Table(
    "sign_in_ticket",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account", Text, ForeignKey("account.id"), nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("expires_at", moment, nullable=False),
    Index(None, "account"),
    Index(None, "expires_at"),
)

# With a ticket: for signing in with a key. Without: for adding one.
key_challenge = Table(
    "key_challenge",
    metadata,
    Column("challenge", LargeBinary, primary_key=True),
    Column("account", Text, ForeignKey("account.id"), nullable=False),
    Column("ticket", LargeBinary, ForeignKey("sign_in_ticket.digest", ondelete="CASCADE")),
    Column("expires_at", moment, nullable=False),
    Index(None, "account"),
    Index(None, "ticket"),
    Index(None, "expires_at"),
)

# Append-only, kept so by a trigger: who changed what about how an account signs in.
account_event = Table(
    "account_event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # No foreign key: what was done stays when the account is erased, under an id that then names nobody.
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    Index(None, "account", "id"),
)

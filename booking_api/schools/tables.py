"""Consents, batches with their rows, schools' seats, substitutions. Imports SQLAlchemy and the kernel's naming."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

_uuid = UUID(as_uuid=False)

# A learner lets a school book these subjects for them, up to and with a day. One that stands per learner and school;
# the others are history.
consent = Table(
    "consent",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("school", Text, nullable=False),
    Column("subjects", ARRAY(Integer), nullable=False),
    Column("until", Date, nullable=False),
    Column("given_at", moment, nullable=False, server_default=func.now()),
    Column("withdrawn_at", moment),
    Index(
        "consent_standing_idx",
        "account",
        "school",
        unique=True,
        postgresql_where=text("withdrawn_at IS NULL"),
    ),
    Index(None, "school", "id"),
)

# Asked whether or not anybody has this number: the answer tells nothing. Kept REQUESTS_KEPT_DAYS. One that was declined
# stays, so that the school that lists its requests sees nothing of it, and cannot ask again and again.
consent_request = Table(
    "consent_request",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("school", Text, nullable=False),
    Column("identity_number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", moment, nullable=False, server_default=func.now()),
    Column("declined_at", moment),
    Index("consent_request_person_idx", "identity_number", "school", unique=True),
    Index(None, "school", "asked_at"),
)

# `leased_by` carries the batch out until `leased_until`; a worker that lost the lease changes nothing any more.
school_batch = Table(
    "school_batch",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("school", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("sent_by", Text, nullable=False),
    Column("sent_at", moment, nullable=False, server_default=func.now()),
    Column("ended_at", moment),
    Column("cancel_asked", Boolean, nullable=False, server_default=false()),
    # What an all-or-nothing batch that is being undone will be: refused or cancelled.
    Column("verdict", Text),
    Column("promised_until", moment),
    Column("leased_by", Text),
    Column("leased_until", moment),
    CheckConstraint("mode IN ('all_or_nothing', 'best_effort')", name="mode"),
    CheckConstraint(
        "state IN ('queued', 'running', 'holding', 'confirming', 'undoing', 'done', 'refused', 'cancelled')",
        name="state",
    ),
    CheckConstraint("(ended_at IS NULL) = (state NOT IN ('done', 'refused', 'cancelled'))", name="ended"),
    CheckConstraint("verdict IN ('refused', 'cancelled')", name="verdict"),
    Index("school_batch_key_idx", "school", "key", unique=True),
    Index("school_batch_open_idx", "id", postgresql_where=text("ended_at IS NULL")),
    Index(None, "school", "id"),
)

# `units` in the order of preference, `choice` the one that is tried. `claim_id` is the hold, promise or booking.
school_batch_row = Table(
    "school_batch_row",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("school_batch.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("account", Text),
    Column("units", ARRAY(BigInteger), nullable=False),
    Column("state", Text, nullable=False),
    Column("choice", Integer, nullable=False, server_default=text("0")),
    Column("claim_id", _uuid),
    Column("refusals", JSONB, nullable=False, server_default=text("'[]'")),
    Column("at", moment, nullable=False, server_default=func.now()),
    CheckConstraint(
        "state IN ('waiting', 'holding', 'held', 'promised', 'booked', 'refused', 'released')", name="state"
    ),
    CheckConstraint("state NOT IN ('held', 'promised', 'booked') OR claim_id IS NOT NULL", name="claim"),
    CheckConstraint("state = 'refused' OR account IS NOT NULL", name="account"),
)

# A place of a unit that a school has or is about to have: counted against its share while its row here stands and the
# booking, once there is one, is active.
school_seat = Table(
    "school_seat",
    metadata,
    Column("batch_id", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("school", Text, nullable=False),
    Column("unit_id", BigInteger, nullable=False),
    Column("claim_id", _uuid),
    ForeignKeyConstraint(["batch_id", "number"], ["school_batch_row.batch_id", "school_batch_row.number"]),
    Index(None, "unit_id", "school"),
    Index(None, "claim_id"),
)

# Only added to: who put whom in whose place, when and why.
substitution = Table(
    "substitution",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("school", Text, nullable=False),
    Column("unit_id", BigInteger, nullable=False),
    Column("from_booking", _uuid, nullable=False, unique=True),
    Column("from_account", Text, nullable=False),
    Column("to_booking", _uuid, nullable=False, unique=True),
    Column("to_account", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    Index(None, "school", "id"),
)

"""Events, notices, webhooks and their deliveries. Imports SQLAlchemy and the kernel's naming."""

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

_uuid = UUID(as_uuid=False)

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", moment, nullable=False),
    Column("organisation", Text),
    Column("account", Text),
    Column("facts", JSONB, nullable=False),
    Column("noted_at", moment, nullable=False, server_default=func.now()),
    Index("event_noted_at_idx", "noted_at", postgresql_using="brin"),
)

# A notice outlives its event, which is cleared once everybody has been told.
notice = Table(
    "notice",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", moment, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("noted_at", moment, nullable=False, server_default=func.now()),
    Column("read_at", moment),
    Index("notice_account_idx", "account", "id"),
    Index("notice_noted_at_idx", "noted_at", postgresql_using="brin"),
)

# No secret: it is derived from the installation's key and this id.
webhook = Table(
    "webhook",
    metadata,
    Column("id", _uuid, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("failing_since", moment),
    Column("off_at", moment),
    Column("off_reason", Text),
    CheckConstraint("(off_at IS NULL) = (off_reason IS NULL)", name="off"),
    Index("webhook_organisation_idx", "organisation"),
)

# `next_at` is when a waiting delivery may be taken: its next try, or, once a worker has taken it, the end of that
# worker's lease. `attempts` counts takings, so it also tells whose taking a result is of.
delivery = Table(
    "delivery",
    metadata,
    Column("id", _uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("webhook", _uuid, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("event", BigInteger, ForeignKey("event.id"), nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_at", moment, nullable=False, server_default=func.now()),
    Column("noted_at", moment, nullable=False, server_default=func.now()),
    Column("ended_at", moment),
    Column("last_status", Integer),
    Column("last_error", Text),
    CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="state"),
    CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended"),
    Index("delivery_waiting_idx", "webhook", "next_at", postgresql_where=text("state = 'waiting'")),
    Index("delivery_webhook_idx", "webhook", "noted_at"),
    Index(None, "event"),
    Index(None, "ended_at"),
)

# How far the log's entries have been told: all up to `told`. Those up to `seen` are all there once no transaction numbered
# below `horizon` is running.
entry_cursor = Table(
    "entry_cursor",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("told", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("horizon", BigInteger, nullable=False),
)

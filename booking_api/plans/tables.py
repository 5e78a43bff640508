"""Plans, their sessions, an authority's figures and days off, and who came. Imports SQLAlchemy and the kernel's naming."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

plan = Table(
    "plan",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("authority", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    # NULL: as soon as it is published; until `PlanRules.closes_days_before` each session.
    Column("opens_at", moment),
    Column("closes_at", moment),
    Column("created_by", Text, nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("published_by", Text),
    Column("published_at", moment),
    Column("closed_by", Text),
    Column("closed_at", moment),
    CheckConstraint("state IN ('draft', 'published', 'closed')", name="state"),
    CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
    Index(None, "authority", "service"),
)

# One row for the places of one quota in one session; once published it is a unit and never changed, only cancelled.
plan_session = Table(
    "plan_session",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("plan_id", BigInteger, ForeignKey("plan.id"), nullable=False, index=True),
    Column("unit_id", BigInteger, unique=True),
    Column("site", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("district", Text),
    Column("subject", Integer),
    Column("vehicle_class", Text),
    Column("quota", Text, nullable=False),
    Column("starts_at", moment, nullable=False),
    Column("ends_at", moment, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("cancelled_by", Text),
    Column("cancelled_at", moment),
    Column("cancel_reason", Text),
    Column("concluded_at", moment),
    CheckConstraint("quota IN ('ordinary', 'priority')", name="quota"),
    CheckConstraint("ends_at > starts_at", name="ends_at"),
    CheckConstraint("capacity > 0", name="capacity"),
    CheckConstraint("(subject IS NULL) = (vehicle_class IS NULL)", name="subject"),
    CheckConstraint(
        "(cancelled_at IS NULL) = (cancelled_by IS NULL) AND (cancelled_at IS NULL) = (cancel_reason IS NULL)",
        name="cancelled",
    ),
    Index(
        "plan_session_place_idx",
        "plan_id",
        "site",
        "starts_at",
        "subject",
        "vehicle_class",
        "quota",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

# The latest row of an authority and service counts; the others are its history.
authority_settings = Table(
    "authority_settings",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("authority", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", moment, nullable=False, server_default=func.now()),
    Index(None, "authority", "service", "id"),
)

day_off = Table(
    "day_off",
    metadata,
    Column("authority", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("name", Text, nullable=False),
)

# What became of a booking on its day.
attendance = Table(
    "attendance",
    metadata,
    Column("booking_id", UUID(as_uuid=False), primary_key=True),
    Column("unit_id", BigInteger, nullable=False, index=True),
    Column("owner", Text, nullable=False),
    Column("claimant", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    Column("by", Text, nullable=False),
    CheckConstraint("state IN ('checked_in', 'no_show')", name="state"),
    Index(None, "claimant"),
    Index(None, "owner"),
)

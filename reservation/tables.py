"""The kernel's tables in PostgreSQL, the authority. Imports SQLAlchemy only.

The hot statements are in `sql/`; these definitions serve everything else and the migrations' check.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

NAMING = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "uq": "%(table_name)s_%(column_0_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
}
"""How constraints and indexes are named, here and in every package above."""

metadata = MetaData(naming_convention=NAMING)

moment = TIMESTAMP(timezone=True)
_uuid = UUID(as_uuid=False)

authority = Table(
    "authority",
    metadata,
    Column("id", Text, primary_key=True),
    Column("level", Text, nullable=False),
    Column("parent", Text, ForeignKey("authority.id")),
    Column("name", JSONB, nullable=False),
    CheckConstraint("level IN ('ministry', 'province', 'city')", name="level"),
)

pool = Table(
    "pool",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("authority", Text, ForeignKey("authority.id"), nullable=False),
    Column("service", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("claimant_kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("hold_ttl_s", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default=text("1")),
    Column("demo", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("claimant_kind IN ('person', 'vehicle')", name="claimant_kind"),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    CheckConstraint("hold_ttl_s BETWEEN 1 AND 86400", name="hold_ttl_s"),
)

# Counters change with every confirm: room in the page keeps those updates off the indexes (HOT).
unit = Table(
    "unit",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("pool_id", BigInteger, ForeignKey("pool.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("site", Text),
    Column("starts_at", moment),
    Column("ends_at", moment),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("capacity", Integer, nullable=False),
    Column("booked", Integer, nullable=False, server_default=text("0")),
    Column("promised", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("kind IN ('session', 'item')", name="kind"),
    CheckConstraint("kind = 'session' OR capacity <= 1", name="item_is_one"),
    CheckConstraint("booked >= 0 AND promised >= 0", name="counts"),
    CheckConstraint("booked + promised <= capacity", name="never_oversold"),
    postgresql_with={"fillfactor": 50},
)

hold_verdict = Table(
    "hold_verdict",
    metadata,
    Column("hold_id", _uuid, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    CheckConstraint("verdict IN ('confirmed', 'abandoned')", name="verdict"),
)

# One row per active claim of a claimant under a service's rule: I3's backstop, partitioned by claimant.
active_claim = Table(
    "active_claim",
    metadata,
    Column("claimant", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("claim_id", _uuid, nullable=False),
    postgresql_partition_by="HASH (claimant)",
)

promise = Table(
    "promise",
    metadata,
    Column("id", _uuid, primary_key=True),
    Column("pool_id", BigInteger, ForeignKey("pool.id"), nullable=False),
    Column("unit_id", BigInteger, ForeignKey("unit.id"), nullable=False),
    Column("claimant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("salt", LargeBinary),
    Column("expires_at", moment, nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("ended_at", moment),
    CheckConstraint("state IN ('open', 'confirmed', 'withdrawn', 'expired')", name="state"),
    Index("promise_open_idx", "expires_at", postgresql_where=text("state = 'open'")),
    Index("promise_unit_idx", "unit_id", postgresql_where=text("state = 'open'")),
)

booking = Table(
    "booking",
    metadata,
    Column("id", _uuid, primary_key=True),
    Column("pool_id", BigInteger, nullable=False),
    # No foreign key: every insert has locked the unit in its own transaction, and checking that again for each row
    # of a group commit would cost a query each. Units are never deleted.
    Column("unit_id", BigInteger, nullable=False),
    Column("claimant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("salt", LargeBinary),
    Column("created_at", moment, nullable=False, server_default=func.now()),
    Column("ended_at", moment),
    Column("ended_by", Text),
    Column("moved_to", _uuid),
    Column("concluded_at", moment),
    CheckConstraint("source IN ('hold', 'promise')", name="source"),
    CheckConstraint("state IN ('booked', 'cancelled', 'moved')", name="state"),
    CheckConstraint("(state = 'booked') = (ended_at IS NULL)", name="ended"),
    CheckConstraint(
        "(ended_at IS NULL) = (ended_by IS NULL) AND ended_by IN ('owner', 'authority')", name="ended_by"
    ),
    CheckConstraint("concluded_at IS NULL OR state = 'booked'", name="concluded"),
    CheckConstraint("(state = 'moved') = (moved_to IS NOT NULL)", name="moved"),
    Index("booking_owner_idx", "owner", "id"),
    Index("booking_active_idx", "unit_id", postgresql_where=text("state = 'booked'")),
)

# Every committed change of a unit, waiting for its leaf. `delta` is the change of free places; `claim_id` is a
# private link for the audit and never part of the leaf.
entry = Table(
    "entry",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("pool_id", BigInteger, nullable=False),
    Column("unit_id", BigInteger, nullable=False),
    Column("delta", Integer, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    Column("operator", Text, nullable=False),
    Column("commitment", LargeBinary),
    Column("claim_id", _uuid),
    Column("leaf_index", BigInteger),
)

# What Valkey must still be told, in flat triples (op, claim, unit) as `lua/apply.lua` takes them.
effect = Table(
    "effect",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("pool_id", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("changes", ARRAY(Text), nullable=False),
    Column("created_at", moment, nullable=False, server_default=func.now()),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("claim_id", _uuid, nullable=False),
    Column("unit_id", BigInteger, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
    Index("idempotency_at_idx", "at", postgresql_using="brin"),
)

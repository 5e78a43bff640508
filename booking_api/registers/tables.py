"""The registers' tables. Imports SQLAlchemy and the kernel's naming. Columns carry the fields of `rows.py` under the same names."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    text,
)

from reservation.tables import NAMING, moment

metadata = MetaData(naming_convention=NAMING)

register_import = Table(
    "register_import",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("register", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bad_rows", BigInteger, nullable=False),
    Column("at", moment, nullable=False, server_default=func.now()),
)


def _provenance() -> Column[int]:
    return Column("import_id", BigInteger, ForeignKey("register_import.id"), nullable=False)


learner_certificate = Table(
    "learner_certificate",
    metadata,
    Column("number", Text, primary_key=True),
    Column("identity_number", Text, nullable=False),
    Column("vehicle_class", Text, nullable=False),
    Column("issued", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("school", Text),
    Column("authority", Text),
    _provenance(),
    Index(None, "identity_number"),
)

licence = Table(
    "licence",
    metadata,
    Column("identity_number", Text, primary_key=True),
    Column("vehicle_class", Text, primary_key=True),
    Column("issued", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("points", Integer, nullable=False),
    _provenance(),
)

vehicle = Table(
    "vehicle",
    metadata,
    Column("plate", Text, primary_key=True),
    Column("plate_kind", Text, primary_key=True),
    Column("identity_number", Text, nullable=False),
    Column("registered", Date, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("seats", Integer, nullable=False),
    _provenance(),
    Index(None, "identity_number"),
)

exam_result = Table(
    "exam_result",
    metadata,
    Column("number", Text, primary_key=True),
    Column("identity_number", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("subject", Integer, nullable=False),
    Column("vehicle_class", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("outcome", Text, nullable=False),
    _provenance(),
    Index(None, "identity_number"),
    Index(None, "authority", "day"),
)

violation = Table(
    "violation",
    metadata,
    Column("number", Text, primary_key=True),
    Column("plate", Text, nullable=False),
    Column("plate_kind", Text, nullable=False),
    Column("at", moment, nullable=False),
    Column("code", Text, nullable=False),
    Column("points", Integer, nullable=False),
    Column("fine_yuan", Integer, nullable=False),
    Column("settled", Boolean, nullable=False),
    _provenance(),
    Index("violation_open_idx", "plate", "plate_kind", postgresql_where=text("NOT settled")),
)

person = Table(
    "person",
    metadata,
    Column("identity_number", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    _provenance(),
)

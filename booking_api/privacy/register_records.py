"""What the imported registers know of a person. They belong to the authority: shown, not erased. Imports `registers`."""

from typing import Any

from sqlalchemy import Table, and_
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.privacy.contributor import Contributor, Export, Row, Subject, rows_where
from booking_api.registers.tables import (
    exam_result,
    learner_certificate,
    licence,
    person,
    register_import,
    vehicle,
    violation,
)


def _of_number(table: Table, order_by: str) -> Export:
    """Rows under the person's number, each with where it came from."""

    async def export(connection: AsyncConnection, subject: Subject) -> list[Row]:
        if subject.verified_number is None:
            return []
        return await rows_where(
            connection,
            _with_source(table),
            table.c.identity_number == subject.verified_number,
            order_by=table.c[order_by],
            source=table.join(register_import),
        )

    return export


async def _violations(connection: AsyncConnection, subject: Subject) -> list[Row]:
    if subject.verified_number is None:
        return []
    same = and_(vehicle.c.plate == violation.c.plate, vehicle.c.plate_kind == violation.c.plate_kind)
    return await rows_where(
        connection,
        _with_source(violation),
        vehicle.c.identity_number == subject.verified_number,
        order_by=violation.c.at,
        source=violation.join(vehicle, same).join(
            register_import, register_import.c.id == violation.c.import_id
        ),
    )


def _with_source(table: Table) -> tuple[Any, ...]:
    own = tuple(column for column in table.c if column.name != "import_id")
    return (
        *own,
        register_import.c.source.label("imported_from"),
        register_import.c.at.label("imported_at"),
    )


_ORDER: dict[str, tuple[Table, str]] = {
    "persons": (person, "identity_number"),
    "learner_certificates": (learner_certificate, "number"),
    "exam_results": (exam_result, "day"),
    "licences": (licence, "vehicle_class"),
    "vehicles": (vehicle, "plate"),
}

REGISTERS = Contributor(
    tables=(person, learner_certificate, exam_result, licence, vehicle, violation),
    exports={name: _of_number(table, order) for name, (table, order) in _ORDER.items()}
    | {"violations": _violations},
)

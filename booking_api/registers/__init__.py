"""Registers: what other systems of the authority know of learners, licences, vehicles, violations and persons.

Imported from files, whole or not at all, each row with the import it came from. Rules ask them; nobody edits them here.
"""

from booking_api.registers.importing import Imported, ImportRefused, import_register, read_imports
from booking_api.registers.reading import BadRow, FileUnusable, Format, read_rows
from booking_api.registers.rows import REGISTERS, RegisterKind

__all__ = [
    "REGISTERS",
    "BadRow",
    "FileUnusable",
    "Format",
    "ImportRefused",
    "Imported",
    "RegisterKind",
    "import_register",
    "read_imports",
    "read_rows",
]

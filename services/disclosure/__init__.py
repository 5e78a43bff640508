"""Public disclosure: what is planned and given out, and how tests end. Reads the kernel's, plans' and registers' tables.

The regulations on driving tests (Order 123 of the Ministry of Public Security and its successors) have test plans,
bookings and results made public by the authorities; this service publishes them for people and for programs. It owns no
table and changes nothing.
"""

from booking_api.gate.access import Access
from booking_api.services import Service
from services.disclosure.page import get_page, get_style
from services.disclosure.routes import get_published_plans, get_results

service = Service(
    name="disclosure",
    routes=(get_published_plans, get_results, get_page, get_style),
    access={
        ("GET", "/api/v1/disclosure/plans"): Access.PUBLIC,
        ("GET", "/api/v1/disclosure/results"): Access.PUBLIC,
    },
    tags={"disclosure": "What is planned and how tests end, for everybody."},
)

__all__ = ["service"]

"""What is stored about a person, given to them or erased (PIPL, articles 45 and 47; GDPR, articles 15, 17 and 20).

Every room that keeps something about people has a `Contributor` in `records.RECORDS`; a table that is forgotten there fails
a test, and an account it refers to cannot be erased.
"""

from booking_api.privacy.erase import erase_person, login_of
from booking_api.privacy.export import export_person

__all__ = ["erase_person", "export_person", "login_of"]

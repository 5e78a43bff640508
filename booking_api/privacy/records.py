"""Every room's records of people, in the order they are erased: what refers to an account before the account itself."""

from booking_api.privacy.contributor import Contributor
from booking_api.privacy.counter_records import COUNTER
from booking_api.privacy.identity_records import IDENTITY
from booking_api.privacy.kernel_records import KERNEL
from booking_api.privacy.message_records import MESSAGES
from booking_api.privacy.plan_records import PLANS
from booking_api.privacy.register_records import REGISTERS
from booking_api.privacy.school_records import SCHOOLS
from booking_api.privacy.sign_in_records import SIGN_IN

RECORDS: tuple[Contributor, ...] = (KERNEL, PLANS, REGISTERS, MESSAGES, SCHOOLS, COUNTER, SIGN_IN, IDENTITY)

"""This room's pages, for the router. The sign-in itself is built with the demo's people (`sign_in_pages`)."""

from booking_api.pages.account.factors import (
    get_app,
    get_app_removal,
    get_key_removal,
    get_keys,
    post_activate,
    post_app,
    post_app_removal,
    post_key,
    post_key_removal,
    post_keys,
)
from booking_api.pages.account.overview import get_account, get_verification, post_code, post_verification
from booking_api.pages.account.personal_data import get_data, get_erase, post_erase
from booking_api.pages.account.provider import (
    get_callback,
    get_provider,
    post_identity,
    post_identity_removal,
)
from booking_api.pages.account.registering import get_register, post_register
from booking_api.pages.account.second_step import post_second
from booking_api.pages.account.security import get_security, post_everywhere, post_password

ACCOUNT_PAGES = [
    get_register,
    post_register,
    post_second,
    get_provider,
    get_callback,
    get_account,
    post_verification,
    get_verification,
    post_code,
    get_security,
    post_password,
    post_everywhere,
    get_app,
    post_app,
    post_activate,
    get_app_removal,
    post_app_removal,
    get_keys,
    post_keys,
    post_key,
    get_key_removal,
    post_key_removal,
    post_identity,
    post_identity_removal,
    get_data,
    get_erase,
    post_erase,
]

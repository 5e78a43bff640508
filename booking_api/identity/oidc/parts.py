"""An installation's identity provider, from its settings. Imports `settings` and this room."""

from collections.abc import Callable

from joserfc.jwk import OKPKey

from booking_api.identity.derivation import derive_key
from booking_api.identity.oidc.provider import Client, Provider
from booking_api.identity.shared_secrets import read_secret
from booking_api.outbound import Outbound
from booking_api.settings import Settings

CALLBACK = "/api/v1/sign-in/oidc/callback"
PAGE_CALLBACK = "/sign-in/provider/callback"


def build_provider(
    settings: Settings, *, outbound: Outbound, key: OKPKey, now_s: Callable[[], int]
) -> Provider | None:
    """Whom people may sign in through; None where there is no provider.

    Raises:
        KeyFileError: the file with the client's secret cannot be used.
    """
    secret_file = settings.oidc_client_secret_file
    if settings.oidc_issuer is None or settings.oidc_client_id is None or secret_file is None:
        return None
    client = Client(
        issuer=settings.oidc_issuer,
        id=settings.oidc_client_id,
        secret=read_secret(secret_file).decode("ascii"),
        redirect_uri=f"{settings.origin}{CALLBACK}",
        page_redirect_uri=f"{settings.origin}{PAGE_CALLBACK}",
    )
    return Provider(outbound, client, key=derive_key(key, label="oidc attempts"), now_s=now_s)

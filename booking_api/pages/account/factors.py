"""Second factors: setting up and removing an authenticator app, adding and removing security keys.

Secrets and recovery codes are in the answer to their form and nowhere else: no cache keeps it, and no address has them.
"""

import io
from typing import Annotated, Any

import msgspec
import segno
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest, PasswordRefused, RateLimited
from booking_api.gate.access import Access
from booking_api.gate.proof import prove_by_password
from booking_api.identity.factors import security_keys, totp
from booking_api.identity.factors.active import SecurityKey, factors_of
from booking_api.identity.factors.browser import NewCredential
from booking_api.identity.factors.errors import (
    CodeRefused,
    FactorExists,
    KeyRefused,
    PublicUrlNeeded,
    TooManyKeys,
    UnknownFactor,
)
from booking_api.identity.factors.party import relying_party
from booking_api.identity.password_again import credentials_of
from booking_api.pages.account.security import SECURITY, Said, keys_possible, password_refusal
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest

Credential = Annotated[str, msgspec.Meta(min_length=1, max_length=40_000)]


class PasswordAgain(msgspec.Struct, frozen=True):
    """The account's password, again."""

    password: Said


class AppCode(msgspec.Struct, frozen=True):
    """What the app shows now."""

    code: Said


class NewKey(msgspec.Struct, frozen=True):
    """What a browser made of a key, as JSON, and what its owner calls it."""

    name: Said
    credential: Credential


@page_get("/account/security/app", access=Access.ACCOUNT)
async def get_app(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """What an app is for, and the password first: whoever finds a signed-in browser is not to lock its owner out."""
    return _app(await visit(request, desk))


@page_post("/account/security/app", access=Access.ACCOUNT)
async def post_app(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """The secret, shown this once, and the form for the app's first code."""
    visitor, form = await posted(request, desk)
    try:
        known = await _prove(desk, request, visitor, form.read(PasswordAgain))
        made = await totp.set_up(desk.kernel.engine, desk.key, account=visitor.me.id, login=known)
    except FactorExists:
        return go_to(visitor, SECURITY)
    except (FieldsRefused, PasswordRefused, RateLimited) as error:
        return _app(visitor, refused=password_refusal(visitor, error, field="password"))
    groups = [made.secret[at : at + 4] for at in range(0, len(made.secret), 4)]
    return render(
        "account/app_code.html", visitor, refused=None, secret=groups, symbol=symbol_of(made.otpauth_uri)
    )


@page_post("/account/security/app/activate", access=Access.ACCOUNT)
async def post_activate(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """From now on the app is asked for at sign-in; the recovery codes, shown this once."""
    visitor, form = await posted(request, desk)
    engine, account = desk.kernel.engine, visitor.me.id
    try:
        told = form.read(AppCode)
        await desk.gate.attempt_sign_in(request, login=(await credentials_of(engine, account)).login)
        codes = await totp.activate(engine, desk.key, account=account, code=told.code, now_s=clock.now_s())
    except (FactorExists, UnknownFactor) as error:
        return _app(visitor, refused=refusal_of(visitor.words, error))
    except (FieldsRefused, CodeRefused, RateLimited) as error:
        refused = refusal_of(visitor.words, error)
        return render("account/app_code.html", visitor, refused=refused, secret=[], symbol="")
    return _recovery_codes(visitor, codes)


@page_get("/account/security/app/remove", access=Access.ACCOUNT)
async def get_app_removal(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """What is lost, and the password."""
    return await _removal(await visit(request, desk), desk, key=None)


@page_post("/account/security/app/remove", access=Access.ACCOUNT)
async def post_app_removal(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Codes are not asked for any more."""
    visitor, form = await posted(request, desk)
    try:
        await _prove(desk, request, visitor, form.read(PasswordAgain))
        await totp.remove(desk.kernel.engine, account=visitor.me.id)
    except (FieldsRefused, PasswordRefused, RateLimited) as error:
        refused = password_refusal(visitor, error, field="password")
        return await _removal(visitor, desk, key=None, refused=refused)
    return go_to(visitor, SECURITY, told="app_removed")


@page_get("/account/security/keys", access=Access.ACCOUNT)
async def get_keys(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """What a key is for, and the password first."""
    return _key(await visit(request, desk), desk)


@page_post("/account/security/keys", access=Access.ACCOUNT)
async def post_keys(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """What the browser needs to make a credential, in a form that a script fills."""
    visitor, form = await posted(request, desk)
    try:
        party = relying_party(desk.settings)
        known = await _prove(desk, request, visitor, form.read(PasswordAgain))
        options = await security_keys.registration_options(
            desk.kernel.engine, party, account=visitor.me.id, login=known
        )
    except (FieldsRefused, PasswordRefused, RateLimited, TooManyKeys, PublicUrlNeeded) as error:
        return _key(visitor, desk, refused=password_refusal(visitor, error, field="password"))
    return _key(visitor, desk, options=msgspec.json.encode(options).decode())


@page_post("/account/security/keys/new", access=Access.ACCOUNT)
async def post_key(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """From now on the key can be given at sign-in, and a second factor must be."""
    visitor, form = await posted(request, desk)
    try:
        told = form.read(NewKey)
        codes = await security_keys.add_key(
            desk.kernel.engine,
            relying_party(desk.settings),
            account=visitor.me.id,
            name=security_keys.checked_key_name(told.name),
            credential=_credential(told.credential),
        )
    except (FieldsRefused, InvalidRequest, KeyRefused, TooManyKeys, PublicUrlNeeded) as error:
        return _key(visitor, desk, refused=refusal_of(visitor.words, error))
    return _recovery_codes(visitor, codes) if codes else go_to(visitor, SECURITY, told="key_added")


@page_get("/account/security/keys/{key_id:str}/remove", access=Access.ACCOUNT)
async def get_key_removal(
    request: AnyRequest, key_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """Which key, what is lost, and the password."""
    visitor = await visit(request, desk)
    return await _removal(visitor, desk, key=await _find_key(desk, visitor, key_id))


@page_post("/account/security/keys/{key_id:str}/remove", access=Access.ACCOUNT)
async def post_key_removal(
    request: AnyRequest, key_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The key is good for nothing here any more."""
    visitor, form = await posted(request, desk)
    key = await _find_key(desk, visitor, key_id)
    try:
        await _prove(desk, request, visitor, form.read(PasswordAgain))
        await security_keys.remove_key(desk.kernel.engine, account=visitor.me.id, credential=key.id)
    except (FieldsRefused, PasswordRefused, RateLimited) as error:
        refused = password_refusal(visitor, error, field="password")
        return await _removal(visitor, desk, key=key, refused=refused)
    return go_to(visitor, SECURITY, told="key_removed")


def symbol_of(address: str) -> str:
    """An address as a QR symbol that a page draws: an SVG element without styles of its own."""
    picture = io.BytesIO()
    segno.make_qr(address, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=True, border=4, dark="#000", light="#fff", omitsize=True
    )
    return picture.getvalue().decode()


async def _prove(desk: Desk, request: AnyRequest, visitor: Visitor, told: PasswordAgain) -> str:
    """The account's login, when the password is right."""
    known = await prove_by_password(
        desk.gate,
        request,
        engine=desk.kernel.engine,
        passwords=desk.passwords,
        account=visitor.me.id,
        password=told.password,
    )
    return known.login


async def _find_key(desk: Desk, visitor: Visitor, key_id: str) -> SecurityKey:
    keys = (await factors_of(desk.kernel.reads, visitor.me.id)).security_keys
    found = next((key for key in keys if key.id == key_id), None)
    if found is None:
        raise UnknownFactor
    return found


def _credential(said: str) -> NewCredential:
    try:
        return msgspec.json.decode(said, type=NewCredential)
    except msgspec.DecodeError as error:
        raise KeyRefused from error


def _app(visitor: Visitor, *, refused: Refusal | None = None) -> Response[str]:
    return render("account/app.html", visitor, refused=refused)


def _key(
    visitor: Visitor, desk: Desk, *, options: str | None = None, refused: Refusal | None = None
) -> Response[str]:
    return render(
        "account/key.html",
        visitor,
        refused=refused,
        options=options,
        possible=keys_possible(desk),
    )


async def _removal(
    visitor: Visitor, desk: Desk, *, key: SecurityKey | None, refused: Refusal | None = None
) -> Response[str]:
    factors = await factors_of(desk.kernel.reads, visitor.me.id)
    return render(
        "account/remove_factor.html",
        visitor,
        refused=refused,
        key=key,
        last=factors.totp + len(factors.security_keys) == 1,
    )


def _recovery_codes(visitor: Visitor, codes: list[str]) -> Response[Any]:
    if not codes:
        return go_to(visitor, SECURITY, told="app_added")
    return render("account/recovery_codes.html", visitor, codes=codes)

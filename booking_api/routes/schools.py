"""What a driving school does, by a person's role or an API key: its learners, batches, substitutions."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.eligibility.errors import BookingClosed, NotEligible, NotOpenYet
from booking_api.errors import KeyMissing, NotYourOrganisation
from booking_api.identity.accounts import checked_number, spelled_name
from booking_api.identity.tokens import Account
from booking_api.organisations.errors import UnknownOrganisation
from booking_api.organisations.register import Organisation, enter_organisation
from booking_api.paging import PAGE_LIMIT, PAGE_SIZE, Cursor, Limit, page, read_cursor
from booking_api.registers.rows import Word
from booking_api.request import BODY_LIMIT, Answer, AnyRequest
from booking_api.routes import examples_schools as examples
from booking_api.routes.holds import IDEMPOTENCY_KEY, idempotency_key
from booking_api.routes.organisations import OrganisationId
from booking_api.schools.batches import (
    Batch,
    NewBatch,
    RowResult,
    batches_of,
    cancel_batch,
    find_batch,
    rows_of,
    send_batch,
)
from booking_api.schools.consents import SchoolLearner, ask_consent, learners_of
from booking_api.schools.errors import (
    BatchOver,
    BatchTooLong,
    NoConsent,
    NotPlanned,
    SchoolElsewhere,
    SubstitutionsOff,
    TooManyBatches,
    UnknownBatch,
)
from booking_api.schools.parts import Parts
from booking_api.schools.substitutions import (
    NewSubstitution,
    Substitution,
    substitute_learner,
    substitutions_of,
)
from reservation.errors import AlreadyBooked, KeyReused, NotActive, UnknownBooking, UnknownPool
from reservation.transaction import transaction

BATCH_BYTES = 256 * 1024
"""500 rows with the longest ids there are, written with blanks."""

OF_A_SCHOOL = (NotYourOrganisation, UnknownOrganisation)

RowId = Annotated[int, PathParameter(ge=1, lt=2**53)]


class AskRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose consent a school asks for: number and name as on the card."""

    identity_number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    name: Word


class Asked(msgspec.Struct, frozen=True):
    """The same whether or not anybody has this number."""

    asked: bool = True


class Learners(msgspec.Struct, frozen=True):
    """In the order of their consents; `next` is the cursor of the page after this one, null at the end."""

    learners: list[SchoolLearner]
    next: str | None


class Batches(msgspec.Struct, frozen=True):
    """The newest first; `next` is the cursor of the page after this one, null at the end."""

    batches: list[Batch]
    next: str | None


class BatchRows(msgspec.Struct, frozen=True):
    """A batch and its rows in order; `next` is the cursor of the page after this one, null at the end."""

    batch: Batch
    rows: list[RowResult]
    next: str | None


class Substitutions(msgspec.Struct, frozen=True):
    """The newest first; `next` is the cursor of the page after this one, null at the end."""

    substitutions: list[Substitution]
    next: str | None


@get(
    "/schools/{school:str}/learners",
    summary="A school's learners",
    tags=["schools"],
    opt=told(*OF_A_SCHOOL, answer=examples.LEARNERS),
)
async def get_learners(
    request: AnyRequest,
    school: OrganisationId,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[Learners]:
    """Whose consent the school has now, by the ends of their number and name."""
    account, headers = await desk.gate.enter(request, reads=True)
    await _enter(desk, account, school)
    of = ("learners", school)
    after = read_cursor(cursor, of=of, kind=int) or 0
    async with transaction(desk.kernel.reads) as connection:
        found = await learners_of(connection, school, today=clock.today(), after=after, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda learner: learner.consent, of=of)
    return Answer(Learners(*shown), status_code=200, headers=headers)


@post(
    "/schools/{school:str}/consent-requests",
    summary="Ask a learner for consent",
    tags=["schools"],
    status_code=202,
    opt=told(*OF_A_SCHOOL, body=examples.ASK, answer=examples.ASKED),
)
async def post_consent_request(
    request: AnyRequest, school: OrganisationId, data: JSONBody[AskRequest], desk: NamedDependency[Desk]
) -> Response[Asked]:
    """Whoever has this number and name finds the request in their account. The answer does not tell whether anybody has."""
    account, headers = await desk.gate.enter(request)
    await _enter(desk, account, school)
    number = checked_number(data.identity_number, today=clock.today())
    async with transaction(desk.kernel.engine) as connection:
        await ask_consent(
            connection,
            school=school,
            identity_number=number,
            name=spelled_name(data.name),
            by=account.id,
        )
    return Answer(Asked(), status_code=202, headers=headers)


@post(
    "/schools/{school:str}/batches",
    summary="Book for many learners",
    tags=["schools"],
    status_code=202,
    opt={BODY_LIMIT: BATCH_BYTES}
    | told(
        *OF_A_SCHOOL,
        KeyMissing,
        KeyReused,
        NotPlanned,
        SchoolElsewhere,
        BatchTooLong,
        TooManyBatches,
        headers=(IDEMPOTENCY_KEY,),
        body=examples.NEW_BATCH,
        answer=examples.SENT_BATCH,
        also={200: "The batch that was sent before under this key."},
    ),
)
async def post_batch(
    request: AnyRequest, school: OrganisationId, data: JSONBody[NewBatch], desk: NamedDependency[Desk]
) -> Response[Batch]:
    """At most 500 rows, every one or as many as can be had. Needs an Idempotency-Key. Checked now, carried out after.

    The same key gives the same batch (200 instead of 202).
    """
    account, headers = await desk.gate.enter(request)
    key = idempotency_key(request)
    found = await _enter(desk, account, school)
    batch, new = await send_batch(_parts(desk), found, data, key=key, by=account.id, now=clock.now())
    return Answer(batch, status_code=202 if new else 200, headers=headers)


@get(
    "/schools/{school:str}/batches",
    summary="A school's batches",
    tags=["schools"],
    opt=told(*OF_A_SCHOOL, answer=examples.BATCHES),
)
async def get_batches(
    request: AnyRequest,
    school: OrganisationId,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[Batches]:
    """With how many of their rows are in which state."""
    account, headers = await desk.gate.enter(request, reads=True)
    await _enter(desk, account, school)
    of = ("batches", school)
    before = read_cursor(cursor, of=of, kind=int)
    async with transaction(desk.kernel.reads) as connection:
        found = await batches_of(connection, school, before=before, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda batch: batch.id, of=of)
    return Answer(Batches(*shown), status_code=200, headers=headers)


@get(
    "/schools/{school:str}/batches/{batch_id:int}",
    summary="A batch and its rows",
    tags=["schools"],
    opt=told(*OF_A_SCHOOL, UnknownBatch, answer=examples.BATCH_ROWS),
)
async def get_batch(
    request: AnyRequest,
    school: OrganisationId,
    batch_id: RowId,
    desk: NamedDependency[Desk],
    *,
    limit: Limit = PAGE_LIMIT,
    cursor: Cursor = None,
) -> Response[BatchRows]:
    """What became of each row so far: booked, or refused with the rules and the first day on which it would pass.

    A row's `code` is one that a hold can be refused with, or of the school's own: `no_consent`, `learner_twice`,
    `not_planned`, `school_elsewhere`, `batches_off`, `school_share_reached`.
    """
    account, headers = await desk.gate.enter(request, reads=True)
    await _enter(desk, account, school)
    of = ("batch rows", batch_id)
    after = read_cursor(cursor, of=of, kind=int) or 0
    async with transaction(desk.kernel.reads) as connection:
        batch = await find_batch(connection, school, batch_id)
        rows = await rows_of(connection, batch_id, after=after, limit=limit + 1)
    shown = page(rows, limit=limit, key=lambda row: row.number, of=of)
    return Answer(BatchRows(batch, *shown), status_code=200, headers=headers)


@post(
    "/schools/{school:str}/batches/{batch_id:int}/cancel",
    summary="Stop a batch",
    tags=["schools"],
    status_code=200,
    opt=told(*OF_A_SCHOOL, UnknownBatch, BatchOver, answer=examples.CANCELLED_BATCH),
)
async def post_batch_cancel(
    request: AnyRequest, school: OrganisationId, batch_id: RowId, desk: NamedDependency[Desk]
) -> Response[Batch]:
    """Rows that are not booked yet are given up, within seconds; what is booked stands.

    An all-or-nothing batch can be stopped until its rows are being confirmed.
    """
    account, headers = await desk.gate.enter(request)
    await _enter(desk, account, school)
    async with transaction(desk.kernel.engine) as connection:
        batch = await cancel_batch(connection, school, batch_id)
    return Answer(batch, status_code=200, headers=headers)


@post(
    "/schools/{school:str}/substitutions",
    summary="Put one learner in another's place",
    tags=["schools"],
    status_code=201,
    opt=told(
        *OF_A_SCHOOL,
        UnknownBooking,
        UnknownPool,
        NotActive,
        NotPlanned,
        SchoolElsewhere,
        SubstitutionsOff,
        NoConsent,
        NotOpenYet,
        BookingClosed,
        NotEligible,
        AlreadyBooked,
        body=examples.NEW_SUBSTITUTION,
        answer=examples.SUBSTITUTION,
        also={200: "The substitution that was made before."},
    ),
)
async def post_substitution(
    request: AnyRequest,
    school: OrganisationId,
    data: JSONBody[NewSubstitution],
    desk: NamedDependency[Desk],
) -> Response[Substitution]:
    """Where the authority allows it: ends one learner's booking that the school has made, and books it for another.

    Both must let the school book this, and the rules must allow it to the other. Nobody else can get the place in
    between. Repeated it is the same substitution (200 instead of 201).
    """
    account, headers = await desk.gate.enter(request)
    found = await _enter(desk, account, school)
    done = await substitute_learner(_parts(desk), found, data, by=account.id, now=clock.now())
    if done.effect is not None:
        desk.kernel.tally.substituted += 1
        await desk.kernel.tell(done.effect)
    return Answer(done.substitution, status_code=200 if done.effect is None else 201, headers=headers)


@get(
    "/schools/{school:str}/substitutions",
    summary="A school's substitutions",
    tags=["schools"],
    opt=told(*OF_A_SCHOOL, answer=examples.SUBSTITUTIONS),
)
async def get_substitutions(
    request: AnyRequest,
    school: OrganisationId,
    desk: NamedDependency[Desk],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[Substitutions]:
    """Who put whom in whose place, when and why."""
    account, headers = await desk.gate.enter(request, reads=True)
    await _enter(desk, account, school)
    of = ("substitutions", school)
    before = read_cursor(cursor, of=of, kind=int)
    async with transaction(desk.kernel.reads) as connection:
        found = await substitutions_of(connection, school, before=before, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda substitution: substitution.id, of=of)
    return Answer(Substitutions(*shown), status_code=200, headers=headers)


async def _enter(desk: Desk, account: Account, school: str) -> Organisation:
    """The school, if the account or key acts for it and it is not suspended."""
    async with transaction(desk.kernel.reads) as connection:
        return await enter_organisation(connection, school, kind="school", scopes=account.scopes("school"))


def _parts(desk: Desk) -> Parts:
    return Parts(desk.kernel, desk.eligibility, desk.gate)

"""A restore on real servers: what comes back, what stands in its way, and what a fault half-way leaves."""

import hashlib
import sys

import pytest
from redis import Redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from booking_api.identity.tokens import make_key
from booking_api.keeping import restoring
from booking_api.keeping.archive import check_archive, copy_member
from booking_api.keeping.errors import ArchiveBroken, KeepingError
from booking_api.keeping.staging import open_staging
from reservation import audit, rebuild, sweep
from reservation.database import create_engine


async def test_what_was_backed_up_comes_back_and_what_came_later_is_kept_beside(installation, archive):
    restored = await installation.restore(archive, replace=installation.name)
    assert restored.findings == []
    assert await installation.owners() == {"ada"}
    before = await installation.ask("SELECT owner FROM booking", database=restored.replaced)
    assert {row.owner for row in before} == {"ada", "ben"}
    assert await installation.databases() == [installation.name, restored.replaced]


async def test_the_same_valkey_goes_on_with_the_restored_bookings(installation, archive):
    await installation.restore(archive, replace=installation.name, drop_replaced=True)
    assert await installation.databases() == [installation.name]
    assert await installation.with_kernel(audit) == []
    # Ben's place is free again, and he may book anew under the key he had.
    await installation.book("ben")
    assert await installation.with_kernel(audit) == []


async def test_without_the_rebuild_valkey_would_keep_places_of_nobody(installation, archive, monkeypatch):
    async def nothing(*_, **__) -> None:
        """Leaves Valkey as it is."""

    monkeypatch.setattr(restoring, "rebuild", nothing)
    monkeypatch.setattr(sys.modules["reservation.audit"], "SETTLE_S", 0.01)
    restored = await installation.restore(archive, replace=installation.name)
    assert "which PostgreSQL does not know" in restored.findings[0].seen


async def test_an_older_archive_is_brought_to_this_schema(installation, tmp_path):
    await installation.ask("DELETE FROM alembic_version WHERE version_num <> '0002'")
    older = await installation.back_up(tmp_path / "older.tar")
    with pytest.raises(SQLAlchemyError, match="already exists"):
        # Its tables are this version's, so that the attempt shows that migrations do run; and leaves all as it was.
        await installation.restore(older, replace=installation.name)
    assert await installation.databases() == [installation.name]
    assert await installation.owners() == {"ada"}


async def test_a_database_that_is_not_empty_is_replaced_by_its_name_only(installation, archive):
    for named in (None, "another"):
        with pytest.raises(KeepingError, match=f"--replace {named or installation.name}"):
            await installation.restore(archive, replace=named)
    assert await installation.owners() == {"ada", "ben"}
    assert await installation.databases() == [installation.name]


async def test_nothing_is_restored_under_servers_that_run(installation, archive):
    engine = create_engine(installation.database_url, connections=1)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            with pytest.raises(KeepingError, match="1 sessions are open, 1 of them Gongdao's"):
                await installation.restore(archive, replace=installation.name)
    finally:
        await engine.dispose()
    assert await installation.databases() == [installation.name]


async def test_a_server_that_starts_meanwhile_keeps_its_database(installation, archive, monkeypatch):
    # The worst case: Valkey was emptied, so it remembers no epoch, and the old database is one ahead of the archive.
    await installation.with_kernel(lambda kernel: rebuild(kernel, pool_id=installation.pool))
    with Redis.from_url(installation.settings.valkey_url) as valkey:
        valkey.flushall()
    engine = create_engine(installation.database_url, connections=1)
    connection = engine.connect()

    async def audit_while_a_server_starts(kernel, **options):
        await connection.start()
        await connection.execute(text("SELECT 1"))
        return await audit(kernel, **options)

    monkeypatch.setattr(restoring, "audit", audit_while_a_server_starts)
    with pytest.raises(KeepingError, match="sessions are open"):
        await installation.restore(archive, replace=installation.name)
    await connection.close()
    await engine.dispose()
    assert await installation.owners() == {"ada", "ben"}
    assert await installation.databases() == [installation.name]
    # Valkey was made ready for the archive's state: servers on the old one find that out by themselves.
    monkeypatch.undo()

    async def mend(kernel):
        await sweep(kernel)
        return await audit(kernel)

    assert await installation.with_kernel(mend) == []


async def test_a_broken_archive_changes_nothing(installation, archive, monkeypatch):
    raw = bytearray(archive.read_bytes())
    raw[len(raw) // 2] ^= 1
    archive.write_bytes(raw)
    with Redis.from_url(installation.settings.valkey_url) as valkey:
        fences = {key: valkey.get(key) for key in valkey.keys("*:fence")}
        with pytest.raises(ArchiveBroken, match=r"database\.dump"):
            await installation.restore(archive, replace=installation.name)
        assert {key: valkey.get(key) for key in valkey.keys("*:fence")} == fences
    assert await installation.owners() == {"ada", "ben"}
    assert await installation.databases() == [installation.name]


async def test_an_archive_that_breaks_after_it_was_checked_changes_nothing(
    installation, archive, monkeypatch
):
    raw = archive.read_bytes()

    def other_bytes(tar, member, write) -> None:
        broken = bytearray(archive.read_bytes())
        broken[len(raw) // 2] ^= 1
        archive.write_bytes(broken)
        copy_member(tar, member, write)

    monkeypatch.setattr(restoring, "copy_member", other_bytes)
    with pytest.raises(ArchiveBroken):
        await installation.restore(archive, replace=installation.name)
    assert await installation.owners() == {"ada", "ben"}
    assert await installation.databases() == [installation.name]


async def test_a_lost_row_is_found_before_the_names_are_changed(installation, archive, monkeypatch):
    pour = restoring._pour

    async def pour_and_lose(dump, pg_restore, building, progress):
        await pour(dump, pg_restore, building, progress)
        await installation.ask("DELETE FROM booking", database=f"{installation.name}_restoring")

    monkeypatch.setattr(restoring, "_pour", pour_and_lose)
    with pytest.raises(KeepingError, match="booking"):
        await installation.restore(archive, replace=installation.name)
    assert await installation.owners() == {"ada", "ben"}


async def test_two_restores_do_not_run_at_once(installation, archive):
    async with open_staging(installation.database_url):
        with pytest.raises(KeepingError, match="another restore"):
            await installation.restore(archive, replace=installation.name)


async def test_a_schema_from_a_newer_version_is_refused_by_its_name(installation, tmp_path):
    await installation.ask("INSERT INTO alembic_version VALUES ('tomorrow')")
    newer = await installation.back_up(tmp_path / "newer.tar")
    with pytest.raises(KeepingError, match=r"tomorrow.*install Gongdao"):
        await installation.restore(newer, replace=installation.name)


async def test_a_key_that_is_there_is_never_overwritten(installation, archive):
    file = installation.settings.key_file
    file.unlink()
    make_key(file)
    other = file.read_bytes()
    with pytest.raises(KeepingError, match=str(file)):
        await installation.restore(archive, replace=installation.name)
    assert file.read_bytes() == other
    assert await installation.owners() == {"ada", "ben"}


async def test_missing_keys_come_back_private_and_others_go_where_one_asks(installation, archive, tmp_path):
    file = installation.settings.key_file
    [member] = check_archive(archive).only("key")
    file.unlink()
    await installation.restore(archive, replace=installation.name, drop_replaced=True)
    folder = tmp_path / "elsewhere"
    await installation.restore(archive, replace=installation.name, drop_replaced=True, keys_to=folder)
    for path in (file, folder / "token_key_file"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == member.sha256
        assert path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["token_key_file"]


async def test_an_epoch_of_a_restored_pool_was_never_seen_before(installation, archive):
    """Valkey may know later epochs than the archive: a view of one of those must never pass for the restored one."""
    for _ in range(3):
        await installation.with_kernel(lambda kernel: rebuild(kernel, pool_id=installation.pool))
    [before] = await installation.ask("SELECT epoch FROM pool")
    await installation.restore(archive, replace=installation.name, drop_replaced=True)
    [after] = await installation.ask("SELECT epoch FROM pool")
    assert after.epoch > before.epoch

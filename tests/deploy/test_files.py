"""What `deploy/` says of the product is true: settings exist, units are understood, the compose files hold together."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from booking_api.cli.serve import STOP_TIMEOUT_S
from booking_api.embedded.server import STOP_TIMEOUT_S as EMBEDDED_STOP_TIMEOUT_S
from booking_api.settings import Settings, read_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("gongdao*.service"))
COMPOSES_OWN = {"GONGDAO_DATABASE_PASSWORD"}
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(path)
    return parser


def compose(name: str):
    return yaml.safe_load((DEPLOY / "compose" / name).read_text())


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(DEPLOY)) for path in FILES])
def test_every_setting_that_is_named_exists(path):
    named = set(re.findall(r"\bGONGDAO_[A-Z_]+\b", path.read_text())) - COMPOSES_OWN
    known = {f"GONGDAO_{field.upper()}" for field in Settings.__struct_fields__}
    assert named <= known


def test_the_example_environment_is_one_the_product_takes():
    lines = (DEPLOY / "systemd" / "gongdao.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert read_settings(given).public_url == "https://booking.example.cn"
    suggested = dict(line[1:].split("=", 1) for line in lines if line.startswith("#GONGDAO_"))
    settings = read_settings(given | suggested)
    assert not settings.embedded
    assert settings.host == "10.0.0.11"


def test_a_stop_has_more_time_than_it_can_take():
    seconds = int(unit(DEPLOY / "systemd" / "gongdao.service")["Service"]["TimeoutStopSec"])
    assert seconds > STOP_TIMEOUT_S + 2 * EMBEDDED_STOP_TIMEOUT_S
    assert int(compose("compose.yaml")["services"]["api"]["stop_grace_period"].rstrip("s")) > STOP_TIMEOUT_S


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_give_nothing_away(path):
    service = unit(path)["Service"]
    assert service["User"] == "gongdao"
    assert (service["NoNewPrivileges"], service["ProtectSystem"]) == ("yes", "strict")
    assert (service["CapabilityBoundingSet"], service["UMask"]) == ("", "0077")


def test_systemd_understands_every_unit(tmp_path):
    """Where systemd is not installed the checks above are all there is."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    copies: list[Path] = []
    for path in (*UNITS, DEPLOY / "systemd" / "gongdao-backup.timer"):
        copies.append(tmp_path / path.name)
        # Nothing is installed in /opt here, and the verification looks whether the program is there.
        copies[-1].write_text(path.read_text().replace("/opt/gongdao/bin/gongdao", "/bin/true"))
    for name in ("gongdao", "gongdao-backup"):
        for example in (DEPLOY / "systemd" / f"{name}.service.d").iterdir():
            folder = tmp_path / f"{name}.service.d"
            folder.mkdir(exist_ok=True)
            # With every line of the example in use.
            told = re.sub(r"(?m)^#(?=[A-Z]\w+=)", "", example.read_text())
            (folder / example.name.removesuffix(".example")).write_text(told)
    done = subprocess.run([analyze, "verify", *copies], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "gongdao" in line]
    assert ours == []


def test_every_file_that_compose_mounts_or_builds_is_there():
    for name in ("compose.yaml", "compose.several.yaml"):
        for service in compose(name)["services"].values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith(".") and source != "./tls":
                    assert (DEPLOY / "compose" / source).is_file(), source
    assert (DEPLOY / "compose" / "../.." / "deploy" / "Dockerfile").is_file()


def test_nginx_of_compose_is_the_one_proxy_that_is_believed_and_knows_every_node():
    one, several = compose("compose.yaml"), compose("compose.several.yaml")
    address = one["services"]["nginx"]["networks"]["default"]["ipv4_address"]
    assert one["services"]["api"]["environment"]["GONGDAO_TRUSTED_PROXIES"] == f"{address}/32"
    nodes = {name for name in one["services"] | several["services"] if name.startswith("api")}
    assert (
        set(re.findall(r"server (\S+):8000", (DEPLOY / "compose/upstream.several.conf").read_text())) == nodes
    )


def test_what_the_image_is_built_from_is_not_ignored():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    root = DEPLOY.parent
    packages = re.search(r"packages = \[(.*?)\]", (root / "pyproject.toml").read_text())[1]
    for name in (*re.findall(r'"(\w+)"', packages), "pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        assert f"!{name}" in ignored
        assert (root / name).exists()

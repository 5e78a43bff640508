"""Two verifiers, one specification: what the JavaScript one says of the good draw and of every bent one."""

import json
import subprocess
from pathlib import Path

import pytest

from fairness.policy import parse_policy
from fairness.verify import STEPS, Refused, verify
from tests.fairness.ceremonies import play, reading, trust_text
from tests.fairness.holding import HOLDING
from tests.fairness.node import run_node
from tests.fairness.tampering import TAMPERINGS
from tests.vectors import vectors

ROOT = Path(__file__).parent.parent.parent
COMMAND = ROOT / "fairness" / "verifier" / "cli.mjs"
TABLE = ROOT / "build" / "tampering.txt"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    (folder / "trust").write_text(trust_text())
    (folder / "good.bundle").write_bytes(play().bundle())
    return folder


@pytest.fixture(scope="module")
def verdicts(folder):
    """JavaScript's verdict by the name of what was done to the draw, or of the way in which it holds."""
    makers = HOLDING | {tampering.name: tampering.make for tampering in TAMPERINGS}
    makers["as published"] = vectors("draw_v1")["bundle"].encode
    bundles = {}
    for number, (name, make) in enumerate(makers.items()):
        bundles[name] = folder / f"{number}.bundle"
        bundles[name].write_bytes(make())
    asked = {
        "trust": str(folder / "trust"),
        "demo": True,
        "bundles": [str(path) for path in bundles.values()],
    }
    run = run_node("verify_all.mjs", stdin=json.dumps(asked))
    assert run.returncode == 0, run.stderr
    return dict(zip(bundles, json.loads(run.stdout), strict=True))


@pytest.mark.parametrize("name", [*HOLDING, "as published"])
def test_a_draw_that_holds_is_verified(verdicts, name):
    assert verdicts[name] == {"verified": True, "failure": None, "held": list(STEPS)}


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.name)
def test_each_tampering_is_refused_at_its_step(verdicts, tampering):
    verdict = verdicts[tampering.name]
    assert not verdict["verified"]
    failure = verdict["failure"]
    assert (failure["name"], failure["step"]) == (tampering.step, STEPS.index(tampering.step)), failure
    assert verdict["held"] == list(STEPS[: failure["step"]])


def test_the_table_of_both_verifiers_reasons(verdicts):
    policy = parse_policy(trust_text())
    lines = []
    for tampering in TAMPERINGS:
        with pytest.raises(Refused) as refused:
            verify(reading(tampering.make()), policy, demo=True)
        failure = verdicts[tampering.name]["failure"]
        assert refused.value.number == failure["step"]
        lines.append(
            f"{tampering.name}\n  step {failure['step']}: {failure['name']}\n"
            f"  Python:     {refused.value.reason}\n  JavaScript: {failure['reason']}\n"
        )
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines))
    print(TABLE.read_text())


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run_node(str(COMMAND), *map(str, arguments))


def test_the_command_tells_what_the_python_one_tells(folder):
    done = command(folder / "good.bundle", "--trust", folder / "trust", "--demo", "--json")
    told = json.loads(done.stdout)
    found = verify(reading(play().bundle()), parse_policy(trust_text()), demo=True)
    assert done.returncode == 0
    assert (told["verified"], told["demo"], told["draw"]) == (True, True, found.draw)
    assert told["seed"] == found.seed.hex()
    assert list(told["steps"]) == list(STEPS)
    assert told["categories"] == {
        name: {**one._asdict(), "cutoff": one.cutoff.hex()} for name, one in found.outcomes.items()
    }


def test_every_line_of_the_command_about_a_demonstration_says_so(folder):
    done = command(folder / "good.bundle", "--trust", folder / "trust", "--demo")
    assert done.returncode == 0
    assert all(line.startswith("DEMONSTRATION") for line in done.stdout.splitlines())
    done = command(folder / "good.bundle", "--trust", folder / "trust")
    assert done.returncode == 1
    assert "(4)  trust          FAILS" in done.stdout
    assert all(line.startswith("DEMONSTRATION") for line in done.stdout.splitlines())


def test_the_command_without_a_trust_file_believes_no_log(folder):
    done = command(folder / "good.bundle", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["verified"], told["step"], told["name"]) == (1, False, 1, "witnesses")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "usage"),
        (("a", "b"), "usage"),
        (("good.bundle", "--odd"), "--odd"),
        (("nowhere.bundle",), "nowhere.bundle"),
        (("good.bundle", "--trust", "nowhere"), "--trust: nowhere"),
        (("good.bundle", "--trust", "good.bundle"), "line 1"),
    ],
)
def test_what_the_command_cannot_use_is_told_on_standard_error(folder, arguments, said):
    done = command(*(word if word.startswith("-") else folder / word for word in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.replace(f"{folder}/", "")
    assert done.stderr.startswith("Error: ")

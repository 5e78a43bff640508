"""The trust file: every rule of tlog-policy, our own lines, and what a policy accepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.checkpoint import Checkpoint, CheckpointRefused, format_checkpoint
from fairness.cosignature import CosignatureRefused, cosign
from fairness.note import COSIGNATURE, NoteRefused, SigningKey, sign_note
from fairness.policy import (
    LEAD_S,
    MARGIN_S,
    PolicyUnusable,
    check_checkpoint,
    parse_policy,
    witnessed_by,
    witnessed_from,
)

LOG = SigningKey("example.com/log", b"l" * 32)
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
WITNESSES = {name: SigningKey(f"{name.lower()}.example", name.encode() * 16) for name in NAMES}
VKEYS = {name: str(key.verifier(COSIGNATURE)) for name, key in WITNESSES.items()}
# A key is as good a point as any; that it is no VRF key of anybody's does not matter here.
VRF = LOG.verifier().public_key.hex()
BEACON = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"

# The example of c2sp.org/tlog-policy with keys filled in.
EXAMPLE = f"""\
log {LOG.verifier()}

witness X1 {VKEYS["X1"]}
witness X2 {VKEYS["X2"]}
witness X3 {VKEYS["X3"]}
group X-witnesses 2 X1 X2 X3

witness Y1 {VKEYS["Y1"]}
witness Y2 {VKEYS["Y2"]}
witness Y3 {VKEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
POLICY = parse_policy(EXAMPLE)
TEXT = format_checkpoint(Checkpoint(LOG.name, 7, bytes(range(32))))


def checkpoint(times, *, text=TEXT, log=LOG):
    lines = [cosign(text, WITNESSES[name], time) for name, time in times.items()]
    return "".join([text, "\n", sign_note(text, log), *lines])


def test_the_specifications_example_is_read():
    assert [log.key for log in POLICY.logs] == [LOG.verifier()]
    assert {name: str(witness.key) for name, witness in POLICY.witnesses.items()} == VKEYS
    assert [(group.name, group.threshold, group.members) for group in POLICY.groups.values()] == [
        ("X-witnesses", 2, ("X1", "X2", "X3")),
        ("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        ("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    ]
    assert (POLICY.quorum, POLICY.lead_s, POLICY.margin_s) == ("X-and-Y", LEAD_S, MARGIN_S)


def test_every_set_of_witnesses_is_a_quorum_or_not_as_the_example_says():
    for chosen in range(1 << len(NAMES)):
        names = {name for place, name in enumerate(NAMES) if chosen >> place & 1}
        enough = len(names & {"X1", "X2", "X3"}) >= 2 and len(names & {"Y1", "Y2", "Y3"}) >= 1
        assert POLICY.is_quorum(names) == enough
    assert not POLICY.is_quorum({"X-witnesses", "Y-witnesses", "X-and-Y", "stranger"})


def test_one_witness_or_none_may_be_the_quorum():
    alone = parse_policy(f"witness X1 {VKEYS['X1']}\nquorum X1\n")
    assert (alone.is_quorum({"X1"}), alone.is_quorum(set()), alone.logs) == (True, False, ())
    nobody = parse_policy("quorum none\n")
    assert nobody.is_quorum(set())
    assert (nobody.witnesses, nobody.groups) == ({}, {})


def test_spaces_tabs_comments_urls_and_names_beyond_ascii_are_read():
    text = (
        f"\t# a comment of any bytes: \xff\n \t \n\n log\t{LOG.verifier()}  https://log.example/ \n"
        f"witness none# {VKEYS['X1']} https://w.example/\nwitness \u212a {VKEYS['X2']}\nwitness K {VKEYS['X3']}\n"
        "group any any K\ngroup all all \u212a none#\ngroup 2 2 any all\nquorum 2\n"
    )
    for policy in (parse_policy(text), parse_policy(text.encode())):
        assert list(policy.witnesses) == ["none#", "\u212a", "K"]
        assert [log.url for log in policy.logs] == ["https://log.example/"]
        assert [witness.url for witness in policy.witnesses.values()] == ["https://w.example/", None, None]
        assert policy.is_quorum(["K", "\u212a", "none#"])
    latin = f"witness \xe9 {VKEYS['X1']}\nwitness \xe8 {VKEYS['X2']}\nquorum \xe9\n".encode("latin-1")
    policy = parse_policy(latin)
    assert len(policy.witnesses) == 2
    assert policy.is_quorum([next(iter(policy.witnesses))])


def test_our_own_lines_are_read():
    policy = parse_policy(
        f"contributor vehicle-office {VRF}\nchain quicknet {BEACON}\nlead 7200\nmargin 0\nquorum none\n"
    )
    assert policy.contributors == {"vehicle-office": bytes.fromhex(VRF)}
    assert policy.chains == {"quicknet": bytes.fromhex(BEACON)}
    assert (policy.lead_s, policy.margin_s) == (7200, 0)


X1, X2 = f"witness X1 {VKEYS['X1']}\n", f"witness X2 {VKEYS['X2']}\n"
OTHER_NAME = SigningKey("other.example", WITNESSES["X1"].seed)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 0: the file ends without a quorum"),
        (X1, "line 1: the file ends without a quorum"),
        ("quorum none", "line 1: no newline"),
        ("quorum none\r\n", "line 1: a control character"),
        ("# \x7f\nquorum none\n", "line 1: a control character"),
        ("quorum none\n\x00\n", "line 2: a control character"),
        ("\ufeffquorum none\n", "line 1: '\\ufeffquorum' begins no line"),
        ("quorum\u00a0none\n", "line 1: 'quorum\\xa0none' begins no line"),
        ("QUORUM none\n", "line 1: 'QUORUM' begins no line"),
        ("quorum none\nquorum none\n", "line 2: a second quorum"),
        ("quorum none # why\n", "line 1: the wrong number of words"),
        ("quorum X1\n" + X1, "line 1: no line above defines 'X1'"),
        (X1 + "quorum X2\n", "line 2: no line above defines 'X2'"),
        (X1 + X1, "line 2: the name 'X1' is taken"),
        (X1 + f"witness X2 {VKEYS['X1']}\n", "line 2: another witness has the same public key"),
        (
            X1 + f"witness X2 {OTHER_NAME.verifier(COSIGNATURE)}\n",
            "line 2: another witness has the same public",
        ),
        (f"witness none {VKEYS['X1']}\n", "line 1: the name 'none' is taken"),
        (f"witness X1 {LOG.verifier()}\n", "line 1: a key of kind 0x01 where 0x04 is wanted"),
        (f"witness X1 {VKEYS['X1']} url more\n", "line 1: the wrong number of words"),
        ("witness X1\n", "line 1: the wrong number of words"),
        ("witness X1 vkey\n", "line 1: a key is written"),
        (f"log {VKEYS['X1']}\n", "line 1: a key of kind 0x04 where 0x01 is wanted"),
        (f"log {LOG.verifier()}\nlog {LOG.verifier()}\n", "line 2: another log has the same public key"),
        ("log\n", "line 1: the wrong number of words"),
        (X1 + "group G any\n", "line 2: 'any' is no number of 0 members"),
        (X1 + "group G all\n", "line 2: 'all' is no number of 0 members"),
        (X1 + "group G\n", "line 2: the wrong number of words"),
        (X1 + "group G 0 X1\n", "line 2: '0' is no number of 1 members"),
        (X1 + "group G 2 X1\n", "line 2: '2' is no number of 1 members"),
        (X1 + "group G 01 X1\n", "line 2: '01' is no number of 1 members"),
        (X1 + "group G +1 X1\n", "line 2: '+1' is no number of 1 members"),
        (X1 + "group G X1 X1\n", "line 2: 'X1' is no number of 1 members"),
        (X1 + "group G any X1 X1\n", "line 2: 'X1' is already a member"),
        (X1 + "group G any X1\ngroup H any X1\n", "line 3: 'X1' is already a member"),
        (X1 + "group G any G\n", "line 2: no line above defines 'G'"),
        (X1 + "group G any none\n", "line 2: no line above defines 'none'"),
        (X1 + "group G any X2\n" + X2, "line 2: no line above defines 'X2'"),
        (X1 + "group X1 any X1\n", "line 2: the name 'X1' is taken"),
        (X1 + "group none any X1\n", "line 2: the name 'none' is taken"),
        (f"contributor a {VRF}\ncontributor a {BEACON}\n", "line 2: the contributor 'a' is there already"),
        (f"contributor a {VRF}\ncontributor b {VRF}\n", "line 2: the contributor 'b' is there already"),
        (f"contributor a {'00' * 32}\n", "line 1: the key of the contributor 'a' is not a valid"),
        (f"contributor a {VRF.upper()}\n", "line 1: a contributor is a name and 64"),
        (f"contributor a {VRF[:-1]}\n", "line 1: a contributor is a name and 64"),
        ("contributor a\n", "line 1: the wrong number of words"),
        (f"chain a {BEACON}\nchain b {BEACON}\n", "line 2: the chain 'b' is there already"),
        (f"chain a 0x{BEACON[2:]}\n", "line 1: a chain is a name and 64"),
        ("lead 1\nlead 1\n", "line 2: 'lead' is said once"),
        ("lead 1h\n", "line 1: 'lead' is said once, in seconds"),
        ("margin -1\n", "line 1: 'margin' is said once, in seconds"),
        (f"margin {2**31}\n", "line 1: 'margin' is said once, in seconds"),
        ("margin\n", "line 1: the wrong number of words"),
        ("\ud800\n", "no valid Unicode"),
        ("# " + "x" * 1_000_000 + "\n", "over 1000000 bytes"),
    ],
)
def test_a_file_that_is_not_as_the_specification_says_is_unusable_and_the_line_is_named(text, sentence):
    with pytest.raises(PolicyUnusable) as refused:
        parse_policy(text)
    assert sentence in str(refused.value)


def test_thirty_two_of_everything_and_more_fit():
    names = [f"W{n}" for n in range(100)]
    text = "".join(f"log {SigningKey(f'log{n}', bytes([1, n]) * 16).verifier()}\n" for n in range(100))
    for n, name in enumerate(names):
        text += f"witness {name} {SigningKey(name, bytes([2, n]) * 16).verifier(COSIGNATURE)}\n"
    text += "group G0 any W0\n" + "".join(f"group G{n} all G{n - 1} W{n}\n" for n in range(1, 100))
    policy = parse_policy(text + "quorum G99\n")
    assert policy.is_quorum(names)
    assert not policy.is_quorum(names[1:])


def test_a_checkpoint_with_a_quorum_is_accepted_with_its_times():
    times = {"X1": 100, "X3": 300, "Y2": 200}
    cosigned = check_checkpoint(POLICY, checkpoint(times))
    assert cosigned == (Checkpoint(LOG.name, 7, bytes(range(32))), LOG.verifier(), times)
    assert check_checkpoint(POLICY, checkpoint(times).encode()) == cosigned
    stranger = SigningKey("stranger.example", b"s" * 32)
    assert check_checkpoint(POLICY, checkpoint(times) + cosign(TEXT, stranger, 5)) == cosigned
    assert check_checkpoint(parse_policy(f"log {LOG.verifier()}\nquorum none\n"), checkpoint({})).times == {}


def test_a_checkpoint_of_an_unknown_log_badly_signed_or_without_a_quorum_is_refused():
    times = {"X1": 100, "X3": 300, "Y2": 200}
    impostor = SigningKey(LOG.name, b"i" * 32)
    with pytest.raises(CheckpointRefused, match="no log of the policy"):
        check_checkpoint(POLICY, checkpoint(times, log=impostor))
    with pytest.raises(CheckpointRefused, match="are no quorum"):
        check_checkpoint(POLICY, checkpoint({"X1": 100, "Y2": 200}))
    with pytest.raises(CheckpointRefused, match="are no quorum"):
        check_checkpoint(POLICY, checkpoint({"X1": 100, "X2": 200, "X3": 300}))
    moved = TEXT.replace("\n7\n", "\n8\n") + checkpoint(times).removeprefix(TEXT)
    with pytest.raises(NoteRefused, match="does not verify"):
        check_checkpoint(POLICY, moved)
    bad = checkpoint(times) + cosign(TEXT.replace("\n7\n", "\n8\n"), WITNESSES["Y1"], 5)
    with pytest.raises(CosignatureRefused, match=r"'y1.example' does not verify"):
        check_checkpoint(POLICY, bad)
    with pytest.raises(CheckpointRefused):
        check_checkpoint(POLICY, "no checkpoint\n\n" + sign_note("no checkpoint\n", LOG))
    with pytest.raises(NoteRefused):
        check_checkpoint(POLICY, TEXT)


def test_a_known_log_does_not_vouch_for_another_logs_origin():
    other = SigningKey("example.com/other", b"o" * 32)
    policy = parse_policy(f"log {LOG.verifier()}\nlog {other.verifier()}\nquorum none\n")
    with pytest.raises(CheckpointRefused, match="no log of the policy"):
        check_checkpoint(policy, checkpoint({}, log=other))
    both = checkpoint({}) + sign_note(TEXT, other)
    assert check_checkpoint(policy, both).log == LOG.verifier()


def test_a_log_may_change_its_key():
    newer = SigningKey(LOG.name, b"n" * 32)
    policy = parse_policy(f"log {newer.verifier()}\nlog {LOG.verifier()}\nquorum none\n")
    assert check_checkpoint(policy, checkpoint({})).log == LOG.verifier()
    assert check_checkpoint(policy, checkpoint({}, log=newer)).log == newer.verifier()


def test_a_log_cannot_cosign_with_its_own_signature():
    """A log key is no witness key even where it is the same key: the two kinds sign different messages."""
    policy = parse_policy(f"log {LOG.verifier()}\nwitness L {LOG.verifier(COSIGNATURE)}\nquorum L\n")
    with pytest.raises(CheckpointRefused, match="are no quorum"):
        check_checkpoint(policy, checkpoint({}))


def test_witnessed_by_and_from_ask_for_a_quorum_on_the_right_side_of_the_moment():
    times = {"X1": 100, "X2": 200, "X3": 300, "Y1": 250}
    assert [witnessed_by(POLICY, times, at_latest=moment) for moment in (199, 249, 250, 300)] == [
        False,
        False,
        True,
        True,
    ]
    assert [witnessed_from(POLICY, times, at_earliest=moment) for moment in (100, 200, 201, 251)] == [
        True,
        True,
        False,
        False,
    ]
    assert not witnessed_by(POLICY, {}, at_latest=2**62)
    assert not witnessed_by(POLICY, {"stranger": 1, **times}, at_latest=99)


WORDS = [
    "log",
    "witness",
    "group",
    "quorum",
    "chain",
    "lead",
    "none",
    "any",
    "X1",
    "1",
    VKEYS["X1"],
    VRF,
    "#",
    "\n",
    "\t",
]


@given(
    text=st.text()
    | st.binary()
    | st.lists(st.sampled_from(WORDS)).map(" ".join).map(lambda text: text + "\n")
)
def test_a_hostile_policy_is_only_ever_unusable(text):
    try:
        policy = parse_policy(text)
    except PolicyUnusable:
        return
    assert policy.quorum == "none" or policy.quorum in policy.witnesses or policy.quorum in policy.groups


@given(text=st.text() | st.binary(), place=st.integers(0, 600), put=st.text(max_size=2))
def test_a_hostile_checkpoint_is_only_ever_refused(text, place, put):
    whole = checkpoint({"X1": 100, "X3": 300, "Y2": 200})
    changed = whole[:place] + put + whole[place + 1 :]
    for hostile in (text, changed):
        try:
            accepted = check_checkpoint(POLICY, hostile)
        except NoteRefused:
            continue
        assert accepted.checkpoint == Checkpoint(LOG.name, 7, bytes(range(32)))

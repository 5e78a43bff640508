"""The JavaScript verifier gives the answers of other libraries: py_arkworks_bls12381, py_ecc and cryptography."""

from hashlib import sha256, shake_256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fairness.node import ask_verifier

arkworks = pytest.importorskip("py_arkworks_bls12381")
py_ecc_hash = pytest.importorskip("py_ecc.bls.hash_to_curve")
py_ecc_points = pytest.importorskip("py_ecc.bls.point_compression")
py_ecc_curve = pytest.importorskip("py_ecc.optimized_bls12_381")

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001


class Inputs:
    """Bytes and scalars that look random and are the same in every run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def octets(self, length: int) -> bytes:
        self._count += 1
        return shake_256(f"{self._name} {self._count}".encode()).digest(length)

    def number(self, low: int, high: int) -> int:
        """One of low to high, both among them."""
        return low + int.from_bytes(self.octets(64), "big") % (high - low + 1)

    def scalar(self):
        return arkworks.Scalar.from_be_bytes(self.number(1, ORDER - 1).to_bytes(32, "big"))


def xy(point) -> str:
    coordinates = point.to_xy_bytes_be()
    return (coordinates if isinstance(coordinates, bytes) else b"".join(map(bytes, coordinates))).hex()


def compressed(point) -> str:
    return bytes(point.to_compressed_bytes()).hex()


def test_hashes_to_g1():
    inputs = Inputs("hash")
    cases = [(inputs.octets(inputs.number(0, 300)), inputs.octets(inputs.number(1, 255))) for _ in range(40)]
    answers = ask_verifier([["hash_to_g1", message.hex(), dst.hex()] for message, dst in cases])
    for (message, dst), answer in zip(cases, answers, strict=True):
        assert answer == {"answer": xy(arkworks.G1Point.hash_to_curve(message, dst))}
    for (message, dst), answer in zip(cases[:8], answers[:8], strict=True):
        x, y = py_ecc_curve.normalize(py_ecc_hash.hash_to_G1(message, dst, sha256))
        assert answer == {"answer": f"{int(x):096x}{int(y):096x}"}


def test_points_of_the_groups():
    inputs = Inputs("points")
    g1 = [arkworks.G1Point() * inputs.scalar() for _ in range(20)]
    g2 = [arkworks.G2Point() * inputs.scalar() for _ in range(20)]
    answers = ask_verifier(
        [["decode_g1", compressed(point)] for point in g1]
        + [["decode_g2", compressed(point)] for point in g2]
    )
    for point, answer in zip(g1, answers[:20], strict=True):
        x, y = py_ecc_curve.normalize(py_ecc_points.decompress_G1(int(compressed(point), 16)))
        assert answer == {"answer": xy(point)} == {"answer": f"{int(x):096x}{int(y):096x}"}
    for point, answer in zip(g2, answers[20:], strict=True):
        halves = compressed(point)[:96], compressed(point)[96:]
        x, y = py_ecc_curve.normalize(py_ecc_points.decompress_G2(tuple(int(half, 16) for half in halves)))
        coefficients = [*x.coeffs, *y.coeffs]
        assert answer == {"answer": "".join(f"{int(c):096x}" for c in coefficients)}


@pytest.mark.parametrize(
    ("question", "group", "length"), [("decode_g1", "G1Point", 48), ("decode_g2", "G2Point", 96)]
)
def test_bytes_that_are_no_point_of_the_group(question, group, length):
    inputs = Inputs(question)
    texts = []
    for _ in range(150):
        octets = bytearray(inputs.octets(length))
        # Mostly the compressed form with an x in range, so that the later checks are reached too.
        octets[0] = octets[0] & 0x2F | 0x80 if inputs.number(0, 3) else octets[0]
        texts.append(bytes(octets))
    answers = ask_verifier([[question, text.hex()] for text in texts])
    for text, answer in zip(texts, answers, strict=True):
        assert "error" in answer, text.hex()
        # arkworks reads anything with the flag of infinity as the identity, whatever else the bytes say.
        if not text[0] & 0x40:
            with pytest.raises(ValueError, match="serialised data"):
                getattr(arkworks, group).from_compressed_bytes(text)
    reasons = {str(answer["error"]).removeprefix("the point is ") for answer in answers}
    assert {"not on the curve", "outside the subgroup", "not in compressed form"} <= reasons


def test_products_of_pairings():
    inputs = Inputs("pairings")
    cases, expected = [], []
    for index in range(12):
        a, b, c = (inputs.scalar() for _ in range(3))
        last = arkworks.G1Point() * (a * b + c) if index % 2 else arkworks.G1Point() * inputs.scalar()
        g1 = [arkworks.G1Point() * a, arkworks.G1Point() * c, -last]
        g2 = [arkworks.G2Point() * b, arkworks.G2Point(), arkworks.G2Point()]
        expected.append(arkworks.GT.multi_pairing(g1, g2) == arkworks.GT.one())
        cases.append([[compressed(p), compressed(q)] for p, q in zip(g1, g2, strict=True)])
    assert expected == [bool(index % 2) for index in range(12)]
    answers = ask_verifier([["pairings_are_one", pairs] for pairs in cases])
    assert answers == [{"answer": is_one} for is_one in expected]


def test_bls_signatures():
    inputs = Inputs("bls")
    questions = []
    for index in range(10):
        secret, message, dst = inputs.scalar(), inputs.octets(32), inputs.octets(20)
        key = arkworks.G2Point() * secret
        signature = arkworks.G1Point.hash_to_curve(message, dst) * secret
        signed = message if index % 2 else inputs.octets(32)
        questions.append(["bls", compressed(key), signed.hex(), compressed(signature), dst.hex()])
    assert ask_verifier(questions) == [{"answer": bool(index % 2)} for index in range(10)]


def test_ed25519_signatures():
    inputs = Inputs("ed25519")
    questions = []
    for index in range(20):
        key, message = Ed25519PrivateKey.from_private_bytes(inputs.octets(32)), inputs.octets(index)
        signed = message if index % 2 else message + b"."
        signature = key.sign(message).hex()
        questions.append(["ed25519", key.public_key().public_bytes_raw().hex(), signed.hex(), signature])
    assert ask_verifier(questions) == [{"answer": bool(index % 2)} for index in range(20)]

import assert from "node:assert/strict";
import test from "node:test";

import { bigEndian, concat, fromBigEndian, fromHex, toHex } from "../../../fairness/verifier/bytes.js";
import { G1, G2, decodeG1, decodeG2 } from "../../../fairness/verifier/bls12381_curves.js";
import { Fp, Fp2, ORDER, P } from "../../../fairness/verifier/bls12381_fields.js";
import { encodeG1, encodeG2, withFlags } from "./bls12381_encoding.mjs";
import { flipBit, quicknet, randomBytes } from "./vectors.mjs";

const randomScalar = () => fromBigEndian(randomBytes(48)) % ORDER;

const GROUPS = [
  { name: "G1", group: G1, decode: decodeG1, encode: encodeG1, bytes: 48, field: Fp, element: (n) => n },
  { name: "G2", group: G2, decode: decodeG2, encode: encodeG2, bytes: 96, field: Fp2, element: (n) => [n, 1n] },
];

for (const { name, group, decode, encode, bytes, field, element } of GROUPS) {
  test(`${name}'s generator is on the curve and has the groups' order`, () => {
    assert.ok(group.isOnCurve(group.generator));
    assert.ok(group.isInSubgroup(group.generator));
    assert.deepEqual(group.multiply(group.generator, ORDER + 1n), group.generator);
  });

  test(`${name} is a group`, () => {
    const g = group.generator;
    const [a, b] = [randomScalar(), randomScalar()];
    const [p, q] = [group.multiply(g, a), group.multiply(g, b)];
    assert.ok(group.isOnCurve(p));
    assert.deepEqual(group.add(p, q), group.multiply(g, a + b));
    assert.deepEqual(group.multiply(p, b), group.multiply(g, a * b));
    assert.deepEqual(group.add(p, p), group.multiply(p, 2n));
    assert.equal(group.add(p, group.negate(p)), null);
    assert.deepEqual(group.add(p, null), p);
    assert.deepEqual(group.add(null, p), p);
    assert.equal(group.add(null, null), null);
    assert.equal(group.multiply(p, 0n), null);
    assert.equal(group.multiply(null, 5n), null);
    assert.equal(group.negate(null), null);
  });

  test(`a point of ${name} is read as it was written, its sign told by one bit`, () => {
    for (let i = 0; i < 5; i++) {
      const point = group.multiply(group.generator, randomScalar());
      const text = encode(point);
      assert.deepEqual(decode(text), point);
      assert.deepEqual(decode(flipBit(text, 5)), group.negate(point));
    }
  });

  test(`the identity of ${name} is refused, and so is infinity with a value`, () => {
    const identity = new Uint8Array(bytes);
    identity[0] = 0xc0;
    assert.throws(() => decode(identity), /the point is the identity/);
    assert.throws(() => decode(flipBit(identity, 5)), /infinity with a value/);
    assert.throws(() => decode(flipBit(identity, 8 * (bytes - 1))), /infinity with a value/);
    assert.throws(() => decode(flipBit(encode(group.generator), 6)), /infinity with a value/);
  });

  test(`${name} takes one length and the compressed form only`, () => {
    const text = encode(group.generator);
    assert.throws(() => decode(text.subarray(1)), /bytes, must have/);
    assert.throws(() => decode(concat(text, Uint8Array.of(0))), /bytes, must have/);
    assert.throws(() => decode(toHex(text)), /is not a Uint8Array/);
    assert.throws(() => decode(flipBit(text, 7)), /not in compressed form/);
  });

  test(`a coordinate of ${name} is below the prime`, () => {
    for (let at = 0; at < bytes; at += 48) {
      const text = new Uint8Array(bytes);
      text.set(bigEndian(P, 48), at);
      assert.throws(() => decode(withFlags(text, false)), /a coordinate is not below the prime/);
    }
  });

  test(`points off the curve of ${name} are refused, and points outside the subgroup`, () => {
    let [offCurve, outside] = [0, 0];
    for (let n = 1n; n <= 20n; n++) {
      const x = element(n);
      const text = withFlags(bytes === 48 ? bigEndian(n, 48) : concat(bigEndian(1n, 48), bigEndian(n, 48)), false);
      const isOnCurve = field.sqrt(group.rightSide(x)) !== null;
      assert.throws(() => decode(text), isOnCurve ? /outside the subgroup/ : /not on the curve/);
      if (isOnCurve) outside += 1;
      else offCurve += 1;
    }
    assert.ok(offCurve > 0 && outside > 0);
  });
}

test("reading a Buffer leaves it as it was", () => {
  const buffer = Buffer.from(encodeG1(G1.generator));
  const before = buffer.toString("hex");
  decodeG1(buffer);
  assert.equal(buffer.toString("hex"), before);
});

test("what is wrong is said of what it is wrong with", () => {
  assert.throws(() => decodeG1(new Uint8Array(48), "the BLS signature"), /^Error: the BLS signature is not in compressed form$/);
});

test("the generators and a public key have their well-known texts", () => {
  assert.equal(toHex(encodeG1(G1.generator)).slice(0, 16), "97f1d3a73197d794");
  assert.equal(toHex(encodeG2(G2.generator)).slice(0, 16), "93e02b6052719f60");
  const { publicKey } = quicknet().info;
  assert.deepEqual(encodeG2(decodeG2(publicKey)), fromHex(toHex(publicKey)));
});

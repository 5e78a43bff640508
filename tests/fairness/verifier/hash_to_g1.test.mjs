import assert from "node:assert/strict";
import test from "node:test";

import { bigEndian, toHex, utf8 } from "../../../fairness/verifier/bytes.js";
import { G1 } from "../../../fairness/verifier/bls12381_curves.js";
import { Fp, P } from "../../../fairness/verifier/bls12381_fields.js";
import { expandMessage, hashToField, hashToG1, mapToG1 } from "../../../fairness/verifier/hash_to_g1.js";
import { vectors } from "./vectors.mjs";

const SUITE = vectors("rfc9380_bls12381g1");
const text = (coordinate) => toHex(bigEndian(coordinate, 48));
const texts = ({ x, y }) => ({ x: text(x), y: text(y) });

for (const { msg, P: point, u, Q0, Q1 } of SUITE.vectors) {
  test(`RFC 9380, appendix J.9.1: "${msg.slice(0, 16)}", ${msg.length} bytes`, async () => {
    const elements = await hashToField(utf8(msg), utf8(SUITE.dst), 2);
    assert.deepEqual(elements.map(text), u);
    assert.deepEqual(elements.map(mapToG1).map(texts), [Q0, Q1]);
    assert.deepEqual(texts(await hashToG1(utf8(msg), utf8(SUITE.dst))), point);
  });
}

// RFC 9380, appendix K.1.
test("messages expand as in RFC 9380, appendix K.1", async () => {
  const dst = utf8("QUUX-V01-CS02-with-expander-SHA256-128");
  assert.equal(
    toHex(await expandMessage(utf8(""), dst, 32)),
    "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235",
  );
  assert.equal(
    toHex(await expandMessage(utf8("abc"), dst, 32)),
    "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615",
  );
});

test("a tag has 1 to 255 bytes, and an expansion at most 255 hashes", async () => {
  const message = new Uint8Array();
  await assert.rejects(hashToG1(message, new Uint8Array()), /tag has 0 bytes/);
  await assert.rejects(hashToG1(message, new Uint8Array(256)), /tag has 256 bytes/);
  await assert.rejects(expandMessage(message, utf8("tag"), 0), /cannot expand to 0 bytes/);
  await assert.rejects(expandMessage(message, utf8("tag"), 255 * 32 + 1), /cannot expand/);
  assert.equal((await expandMessage(message, utf8("tag"), 255 * 32)).length, 255 * 32);
});

test("what is hashed is in the subgroup, and any element maps to the curve", async () => {
  for (let i = 0; i < 5; i++) {
    assert.ok(G1.isInSubgroup(await hashToG1(Uint8Array.of(i), utf8("tag"))));
    assert.ok(G1.isOnCurve(mapToG1(BigInt(i))));
  }
});

test("the poles of the isogeny are the identity", () => {
  // Elements that the first map takes to points of order 11 on E', the kernel of the isogeny; by its first and by its
  // second candidate for x. Found by inverting the map at multiples of points whose order is a power of 11.
  const first = "1377c0192d99508a317127abf17c64205c7aad448380027efb47ae73ea231dbd6ecd3f2841b63d309c35bb8fd13e48f0";
  const second = "854a3cb180882d5b1efc1c3cc5b3fb33b27cb739f1389986ca46e1c5cb5010d8a06fd781c63074868f316d95b8f8405";
  for (const hex of [first, second]) assert.equal(mapToG1(BigInt(`0x${hex}`)), null);
});

test("the map's exceptional elements reach the curve: zero, and u with Z u^2 = -1", () => {
  assert.ok(G1.isOnCurve(mapToG1(0n)));
  const root = Fp.sqrt(Fp.neg(Fp.inv(11n)));
  assert.ok(G1.isOnCurve(mapToG1(root)));
  assert.ok(G1.isOnCurve(mapToG1(P - root)));
});

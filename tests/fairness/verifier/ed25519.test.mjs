import assert from "node:assert/strict";
import test from "node:test";

import { concat, fromHex, fromLittleEndian, littleEndian, toHex } from "../../../fairness/verifier/bytes.js";
import {
  BASE, IDENTITY, L, P, add, clearCofactor, decodePoint, decodePublicKey, double, encodePoint, isIdentity, multiply,
  negate, verifyEd25519, verifyOnCurve,
} from "../../../fairness/verifier/ed25519.js";
import { flipBit, randomBytes } from "./vectors.mjs";

// RFC 8032, section 7.1, tests 1 to 3: public key, message, signature.
const SIGNATURES = [
  [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
].map((texts) => texts.map(fromHex));

test("the standard's signatures hold, and no other message, key or signature does", async () => {
  for (const [key, message, signature] of SIGNATURES) {
    assert.equal(await verifyEd25519(key, message, signature), true);
    assert.equal(await verifyEd25519(key, concat(message, Uint8Array.of(0)), signature), false);
    assert.equal(await verifyEd25519(key, message, flipBit(signature, 0)), false);
    assert.equal(await verifyEd25519(key, message, flipBit(signature, 256)), false);
  }
  assert.equal(await verifyEd25519(SIGNATURES[0][0], SIGNATURES[1][1], SIGNATURES[1][2]), false);
});

test("a signature's s plus the order is the same signature, and refused", async () => {
  const [key, message, signature] = SIGNATURES[0];
  const s = littleEndian(fromLittleEndian(signature.subarray(32)) + L, 32);
  await assert.rejects(verifyEd25519(key, message, concat(signature.subarray(0, 32), s)), /its s is not below/);
});

test("a signature or a key of another length is refused", async () => {
  const [key, message, signature] = SIGNATURES[0];
  await assert.rejects(verifyEd25519(key, message, signature.subarray(1)), /the signature has 63 bytes/);
  await assert.rejects(verifyEd25519(key.subarray(1), message, signature), /the public key has 31 bytes/);
  await assert.rejects(verifyEd25519(toHex(key), message, signature), /the public key is not a Uint8Array/);
});

test("a platform without Ed25519 is answered by the curve itself, alike", async () => {
  for (const [publicKey, message, signature] of SIGNATURES) {
    const key = { point: decodePublicKey(publicKey), publicKey };
    const [r, s] = [signature.subarray(0, 32), fromLittleEndian(signature.subarray(32))];
    assert.equal(await verifyOnCurve(key, message, { r, s }), true);
    assert.equal(await verifyOnCurve(key, concat(message, Uint8Array.of(0)), { r, s }), false);
    assert.equal(await verifyOnCurve(key, message, { r, s: s - 1n }), false);
  }
});

test("a key with a part of small order is no key", () => {
  const mixed = encodePoint(add(BASE, decodePoint(littleEndian(P - 1n, 32))));
  assert.throws(() => decodePublicKey(mixed), /not in the prime-order subgroup/);
});

/** All eight points whose order divides the cofactor. */
function smallOrderPoints() {
  const found = new Map();
  for (let y = 2n; found.size < 8; y++) {
    let point;
    try {
      point = multiply(decodePoint(littleEndian(y, 32)), L);
    } catch {
      continue;
    }
    for (let i = 0n; i < 8n; i++) {
      const multiple = multiply(point, i);
      found.set(toHex(encodePoint(multiple)), multiple);
    }
  }
  return found;
}

test("the eight points of small order are no keys", async () => {
  const points = smallOrderPoints();
  assert.equal(points.size, 8);
  // RFC 9381, section 5.6.1, names the order-8 points' y.
  assert.ok(points.has("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"));
  assert.ok(points.has("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"));
  for (const text of points.keys()) {
    assert.throws(() => decodePublicKey(fromHex(text)), /small order/);
    await assert.rejects(verifyEd25519(fromHex(text), new Uint8Array(), SIGNATURES[0][2]), /small order/);
  }
});

test("a point has one text: y below the prime, no sign on x = 0", () => {
  const signed = 2n ** 255n;
  for (let excess = 0n; excess < 19n; excess++) {
    assert.throws(() => decodePoint(littleEndian(P + excess, 32)), /its y is not below/);
    assert.throws(() => decodePoint(littleEndian((P + excess) | signed, 32)), /its y is not below/);
  }
  assert.throws(() => decodePoint(littleEndian(1n | signed, 32)), /its x is zero and has a sign/);
  assert.throws(() => decodePoint(littleEndian((P - 1n) | signed, 32)), /its x is zero and has a sign/);
  assert.throws(() => decodePoint(littleEndian(2n, 32)), /not on the curve/);
});

test("every point is read as it was written", () => {
  for (let i = 0; i < 20; i++) {
    const text = encodePoint(multiply(BASE, fromLittleEndian(randomBytes(32))));
    assert.deepEqual(encodePoint(decodePoint(text)), text);
  }
  assert.equal(toHex(encodePoint(BASE)), `58${"66".repeat(31)}`);
});

test("the curve is a group of order 8 L", () => {
  const same = (p, q) => assert.deepEqual(encodePoint(p), encodePoint(q));
  const a = fromLittleEndian(randomBytes(32));
  const b = fromLittleEndian(randomBytes(32));
  same(add(multiply(BASE, a), multiply(BASE, b)), multiply(BASE, a + b));
  same(multiply(multiply(BASE, a), b), multiply(BASE, (a * b) % L));
  same(add(BASE, BASE), double(BASE));
  same(add(BASE, IDENTITY), BASE);
  assert.ok(isIdentity(multiply(BASE, L)));
  assert.ok(isIdentity(multiply(BASE, 0n)));
  assert.ok(isIdentity(add(BASE, negate(BASE))));
  same(clearCofactor(BASE), multiply(BASE, 8n));
});

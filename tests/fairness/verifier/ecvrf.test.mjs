import assert from "node:assert/strict";
import test from "node:test";

import { concat, fromHex, fromLittleEndian, littleEndian, toHex } from "../../../fairness/verifier/bytes.js";
import { encodeToCurve, verifyEcvrf } from "../../../fairness/verifier/ecvrf.js";
import { L, P, add, decodePoint, encodePoint } from "../../../fairness/verifier/ed25519.js";
import { expandSecret, prove } from "./ecvrf_prover.mjs";
import { flipBit, randomBytes, vectors } from "./vectors.mjs";

const EXAMPLES = vectors("rfc9381_ecvrf_edwards25519_sha512_tai").suites["ECVRF-EDWARDS25519-SHA512-TAI"];
const [{ pk, alpha, pi }] = EXAMPLES;
const KEY = fromHex(pk);
const ALPHA = fromHex(alpha);
const PROOF = fromHex(pi);

for (const example of EXAMPLES) {
  test(`RFC 9381, example ${example.example}`, async () => {
    const [key, input] = [fromHex(example.pk), fromHex(example.alpha)];
    assert.equal(toHex(encodePoint(await encodeToCurve(key, input))), example.h);
    assert.equal(toHex(await verifyEcvrf(key, input, fromHex(example.pi))), example.beta);
    assert.equal(toHex(await prove(fromHex(example.sk), input)), example.pi);
  });
}

test("proofs of any key and input hold", async () => {
  for (let i = 0; i < 10; i++) {
    const [secret, input] = [randomBytes(32), randomBytes(7 * i)];
    const { publicKey } = await expandSecret(secret);
    assert.equal((await verifyEcvrf(publicKey, input, await prove(secret, input))).length, 64);
  }
});

test("a proof with any one byte changed is refused", async () => {
  for (let byte = 0; byte < 80; byte++) {
    await assert.rejects(verifyEcvrf(KEY, ALPHA, flipBit(PROOF, 8 * byte + (byte % 8))), /VRF proof/, `byte ${byte}`);
  }
});

test("a proof for another input or of another key is refused", async () => {
  await assert.rejects(verifyEcvrf(KEY, Uint8Array.of(0), PROOF), /does not fit the key and the input/);
  await assert.rejects(verifyEcvrf(fromHex(EXAMPLES[1].pk), ALPHA, PROOF), /does not fit the key and the input/);
});

test("a proof has one length, one s, one Gamma", async () => {
  await assert.rejects(verifyEcvrf(KEY, ALPHA, PROOF.subarray(0, 79)), /has 79 bytes, must have 80/);
  await assert.rejects(verifyEcvrf(KEY, ALPHA, concat(PROOF, Uint8Array.of(0))), /has 81 bytes, must have 80/);
  const sPlusOrder = littleEndian(fromLittleEndian(PROOF.subarray(48)) + L, 32);
  await assert.rejects(verifyEcvrf(KEY, ALPHA, concat(PROOF.subarray(0, 48), sPlusOrder)), /its s is not below/);
  const gamma = littleEndian(P + 1n, 32);
  await assert.rejects(verifyEcvrf(KEY, ALPHA, concat(gamma, PROOF.subarray(32))), /Gamma is not canonical/);
  await assert.rejects(verifyEcvrf(KEY, ALPHA, concat(littleEndian(2n, 32), PROOF.subarray(32))), /Gamma is not on the curve/);
});

test("a key of small order, not canonical or not on the curve is refused", async () => {
  await assert.rejects(verifyEcvrf(littleEndian(1n, 32), ALPHA, PROOF), /public key has small order/);
  await assert.rejects(verifyEcvrf(littleEndian(P + 1n, 32), ALPHA, PROOF), /public key is not canonical/);
  await assert.rejects(verifyEcvrf(littleEndian(2n, 32), ALPHA, PROOF), /public key is not on the curve/);
  await assert.rejects(verifyEcvrf(KEY.subarray(1), ALPHA, PROOF), /public key has 31 bytes/);
});

test("a holder who adds a point of small order to Gamma proves nothing, also where the challenge would fit", async () => {
  const secret = fromHex(EXAMPLES[0].sk);
  const ofOrderTwo = decodePoint(littleEndian(P - 1n, 32));
  for (let i = 0; i < 16; i++) {
    const proof = await prove(secret, ALPHA, { extra: ofOrderTwo, tweak: Uint8Array.of(i) });
    await assert.rejects(verifyEcvrf(KEY, ALPHA, proof), /Gamma is not in the prime-order subgroup/);
  }
});

test("a key with a part of small order is refused, and so is a Gamma that is the identity", async () => {
  const mixed = encodePoint(add(decodePoint(KEY), decodePoint(littleEndian(P - 1n, 32))));
  await assert.rejects(verifyEcvrf(mixed, ALPHA, PROOF), /public key is not in the prime-order subgroup/);
  const identity = concat(littleEndian(1n, 32), PROOF.subarray(32));
  await assert.rejects(verifyEcvrf(KEY, ALPHA, identity), /Gamma has small order/);
});

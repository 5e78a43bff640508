import assert from "node:assert/strict";
import test from "node:test";

import { bigEndian, fromBigEndian, utf8 } from "../../../fairness/verifier/bytes.js";
import { verifyG1Signature } from "../../../fairness/verifier/bls12381.js";
import { G1, G2 } from "../../../fairness/verifier/bls12381_curves.js";
import { Fp12, ORDER, P, power } from "../../../fairness/verifier/bls12381_fields.js";
import { finalExponentiation, millerLoop, productOfPairingsIsOne } from "../../../fairness/verifier/bls12381_pairing.js";
import { hashToG1 } from "../../../fairness/verifier/hash_to_g1.js";
import { encodeG1, encodeG2, withFlags } from "./bls12381_encoding.mjs";
import { flipBit, randomBytes } from "./vectors.mjs";

const randomScalar = () => 1n + (fromBigEndian(randomBytes(48)) % (ORDER - 1n));
const pairing = (p, q) => finalExponentiation(millerLoop([[p, q]]));

test("the final exponentiation is the power 3 (P^12 - 1) / r", () => {
  const f = millerLoop([[G1.generator, G2.generator]]);
  assert.equal((P ** 12n - 1n) % ORDER, 0n);
  assert.deepEqual(finalExponentiation(f), power(Fp12, f, (3n * (P ** 12n - 1n)) / ORDER));
});

test("the pairing is bilinear, and of the groups' order", () => {
  const one = pairing(G1.generator, G2.generator);
  const [a, b] = [randomScalar(), randomScalar()];
  const [aP, bQ] = [G1.multiply(G1.generator, a), G2.multiply(G2.generator, b)];
  assert.notDeepEqual(one, Fp12.one);
  assert.deepEqual(power(Fp12, one, ORDER), Fp12.one);
  assert.deepEqual(pairing(aP, bQ), power(Fp12, one, (a * b) % ORDER));
  assert.deepEqual(pairing(aP, bQ), pairing(G1.multiply(aP, b), G2.generator));
  assert.deepEqual(pairing(G1.negate(aP), bQ), Fp12.conjugate(pairing(aP, bQ)));
});

test("a product of pairings is one where the exponents add up to zero, and only there", () => {
  const [a, b] = [randomScalar(), randomScalar()];
  const p = (k) => G1.multiply(G1.generator, k);
  const q = (k) => G2.multiply(G2.generator, k);
  assert.equal(productOfPairingsIsOne([[p(a), q(b)], [G1.negate(p((a * b) % ORDER)), q(1n)]]), true);
  assert.equal(productOfPairingsIsOne([[p(a), q(b)], [p((a * b) % ORDER), q(1n)]]), false);
  assert.equal(productOfPairingsIsOne([[p(2n), q(3n)], [p(4n), q(5n)], [G1.negate(p(26n)), q(1n)]]), true);
  assert.equal(productOfPairingsIsOne([[p(2n), q(3n)], [p(4n), q(5n)], [G1.negate(p(25n)), q(1n)]]), false);
  assert.equal(productOfPairingsIsOne([[p(1n), q(1n)]]), false);
  assert.equal(productOfPairingsIsOne([]), true);
});

const DST = utf8("a tag of the tests");
const MESSAGE = utf8("message");

async function signer() {
  const secret = randomScalar();
  const publicKey = encodeG2(G2.multiply(G2.generator, secret));
  return { publicKey, sign: async (message, dst) => encodeG1(G1.multiply(await hashToG1(message, dst), secret)) };
}

test("a signature holds for its key, message and tag alone", async () => {
  const [one, other] = [await signer(), await signer()];
  const signature = await one.sign(MESSAGE, DST);
  assert.equal(await verifyG1Signature(one.publicKey, MESSAGE, signature, DST), true);
  assert.equal(await verifyG1Signature(other.publicKey, MESSAGE, signature, DST), false);
  assert.equal(await verifyG1Signature(one.publicKey, utf8("messages"), signature, DST), false);
  assert.equal(await verifyG1Signature(one.publicKey, MESSAGE, signature, utf8("another tag")), false);
  assert.equal(await verifyG1Signature(one.publicKey, MESSAGE, flipBit(signature, 5), DST), false);
});

test("the identity, which would fit any message under its like, is neither key nor signature", async () => {
  const { publicKey, sign } = await signer();
  const identity = (length) => Uint8Array.of(0xc0, ...new Uint8Array(length - 1));
  await assert.rejects(verifyG1Signature(publicKey, MESSAGE, identity(48), DST), /BLS signature is the identity/);
  const signature = await sign(MESSAGE, DST);
  await assert.rejects(verifyG1Signature(identity(96), MESSAGE, signature, DST), /BLS public key is the identity/);
});

test("a key outside the subgroup is refused", async () => {
  const { sign } = await signer();
  const key = Uint8Array.from(withFlags(bigEndian(2n, 96), false));
  await assert.rejects(verifyG1Signature(key, MESSAGE, await sign(MESSAGE, DST), DST), /BLS public key is outside the subgroup/);
});

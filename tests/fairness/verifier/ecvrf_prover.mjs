// A prover for the tests, with secrets it does not protect: RFC 9381, section 5.1.

import { concat, fromLittleEndian, littleEndian } from "../../../fairness/verifier/bytes.js";
import { encodeToCurve, generateChallenge } from "../../../fairness/verifier/ecvrf.js";
import { BASE, IDENTITY, L, add, encodePoint, multiply } from "../../../fairness/verifier/ed25519.js";
import { sha512 } from "../../../fairness/verifier/hashes.js";

/** Secret scalar and nonce prefix of a 32-byte secret key (RFC 8032, section 5.1.5). */
export async function expandSecret(secret) {
  const hash = await sha512(secret);
  hash[0] &= 0xf8;
  hash[31] = (hash[31] & 0x7f) | 0x40;
  const scalar = fromLittleEndian(hash.subarray(0, 32));
  return { scalar, prefix: hash.slice(32), publicKey: encodePoint(multiply(BASE, scalar)) };
}

/** A proof; `extra` is added to Gamma, and `tweak` makes other nonces than the standard's. */
export async function prove(secret, alpha, { extra = IDENTITY, tweak = new Uint8Array() } = {}) {
  const { scalar, prefix, publicKey } = await expandSecret(secret);
  const h = await encodeToCurve(publicKey, alpha);
  const gamma = add(multiply(h, scalar), extra);
  const nonce = fromLittleEndian(await sha512(concat(prefix, encodePoint(h), tweak))) % L;
  const points = [multiply(BASE, scalar), h, gamma, multiply(BASE, nonce), multiply(h, nonce)];
  const challenge = await generateChallenge(points);
  const s = (nonce + fromLittleEndian(challenge) * scalar) % L;
  return concat(encodePoint(gamma), challenge, littleEndian(s, 32));
}

// The verifiable random function of a draw's contributors: ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, section 5.5).

import { concat, equal, fromLittleEndian, requireLength } from "./bytes.js";
import {
  BASE, L, add, clearCofactor, decodePoint, decodePublicKey, decodeSubgroupPoint, encodePoint, isIdentity, multiply,
  negate,
} from "./ed25519.js";
import { sha512 } from "./hashes.js";

const SUITE = 0x03;
const CHALLENGE_BYTES = 16;
const PROOF_BYTES = 32 + CHALLENGE_BYTES + 32;

/**
 * The output that a proof proves for a key and an input (RFC 9381, section 5.3, with validate_key).
 * @param {Uint8Array} publicKey 32 bytes
 * @param {Uint8Array} alpha the input
 * @param {Uint8Array} proof 80 bytes: Gamma, c, s
 * @returns {Promise<Uint8Array>} beta, 64 bytes
 * @throws {Error} that says what is wrong with the key or the proof
 */
export async function verifyEcvrf(publicKey, alpha, proof) {
  const key = decodePublicKey(publicKey);
  const { gamma, c, s } = decodeProof(proof);
  const h = await encodeToCurve(publicKey, alpha);
  const u = add(multiply(BASE, s), negate(multiply(key, c)));
  const v = add(multiply(h, s), negate(multiply(gamma, c)));
  const challenge = await generateChallenge([key, h, gamma, u, v]);
  if (!equal(challenge, proof.subarray(32, 32 + CHALLENGE_BYTES))) {
    throw new Error("the VRF proof does not fit the key and the input");
  }
  return gammaToHash(gamma);
}

/**
 * A proof's parts (RFC 9381, section 5.4.4).
 * @param {Uint8Array} proof 80 bytes
 * @returns {{gamma: bigint[], c: bigint, s: bigint}}
 * @throws {Error} on another length, a Gamma that is not a canonical point of the prime-order subgroup (narrower than the
 *   standard, so that a proof has one text), or s not below the group's order
 */
export function decodeProof(proof) {
  requireLength(proof, PROOF_BYTES, "the VRF proof");
  const gamma = decodeSubgroupPoint(proof.subarray(0, 32), "the VRF proof's Gamma");
  const c = fromLittleEndian(proof.subarray(32, 32 + CHALLENGE_BYTES));
  const s = fromLittleEndian(proof.subarray(32 + CHALLENGE_BYTES));
  if (s >= L) throw new Error("the VRF proof is not canonical: its s is not below the group's order");
  return { gamma, c, s };
}

/**
 * The input as a point of the prime-order subgroup, by try and increment (RFC 9381, section 5.4.1.1).
 * @param {Uint8Array} salt the public key's bytes
 * @param {Uint8Array} alpha
 * @returns {Promise<bigint[]>} a point
 * @throws {Error} if none of 256 tries is a point, which happens to nobody
 */
export async function encodeToCurve(salt, alpha) {
  for (let counter = 0; counter < 256; counter++) {
    const hash = await sha512(concat(Uint8Array.of(SUITE, 0x01), salt, alpha, Uint8Array.of(counter, 0x00)));
    let point;
    try {
      point = decodePoint(hash.subarray(0, 32));
    } catch {
      continue;
    }
    const cleared = clearCofactor(point);
    if (!isIdentity(cleared)) return cleared;
  }
  throw new Error("the VRF's input has no point on the curve");
}

/**
 * The challenge over five points (RFC 9381, section 5.4.3).
 * @param {bigint[][]} points key, H, Gamma, U, V
 * @returns {Promise<Uint8Array>} 16 bytes
 */
export async function generateChallenge(points) {
  const parts = [Uint8Array.of(SUITE, 0x02), ...points.map(encodePoint), Uint8Array.of(0x00)];
  return (await sha512(concat(...parts))).slice(0, CHALLENGE_BYTES);
}

/**
 * The output of a proof that was verified (RFC 9381, section 5.2).
 * @param {bigint[]} gamma
 * @returns {Promise<Uint8Array>} beta, 64 bytes
 */
function gammaToHash(gamma) {
  return sha512(concat(Uint8Array.of(SUITE, 0x03), encodePoint(clearCofactor(gamma)), Uint8Array.of(0x00)));
}

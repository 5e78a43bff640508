// Ed25519 (RFC 8032): signatures by the platform, keys refused before it sees them, and the curve for the VRF.
//
// A point is extended homogeneous coordinates [X, Y, Z, T] of bigints: x = X/Z, y = Y/Z, xy = T/Z (section 5.1.4).

import { concat, equal, fromLittleEndian, littleEndian, requireLength } from "./bytes.js";
import { sha512 } from "./hashes.js";

/** The field's prime (RFC 8032, section 5.1). */
export const P = 2n ** 255n - 19n;
/** The order of the base point (section 5.1). */
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;

const mod = (a) => {
  const rest = a % P;
  return rest < 0n ? rest + P : rest;
};

function power(base, exponent) {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % P;
    if (bit === "1") result = (result * base) % P;
  }
  return result;
}

const inverse = (a) => power(a, P - 2n);

const D = mod(-121665n * inverse(121666n));
const SQRT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

export const IDENTITY = [0n, 1n, 1n, 0n];
/** The base point: y = 4/5 and an even x (section 5.1). */
export const BASE = decodePoint(littleEndian(mod(4n * inverse(5n)), 32));

/**
 * The point that 32 bytes write (RFC 8032, section 5.1.3), in any subgroup.
 * @param {Uint8Array} bytes
 * @param {string} [what] named in the error
 * @returns {bigint[]} a point
 * @throws {Error} on another length, y not below the prime, no such point, or a sign on x = 0
 */
export function decodePoint(bytes, what = "the point") {
  requireLength(bytes, 32, what);
  const number = fromLittleEndian(bytes);
  const sign = number >> 255n;
  const y = number & (2n ** 255n - 1n);
  if (y >= P) throw new Error(`${what} is not canonical: its y is not below 2^255 - 19`);
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(mod(u * v ** 7n), (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * SQRT_OF_MINUS_ONE);
  if (mod(v * x * x) !== u) throw new Error(`${what} is not on the curve`);
  if (x === 0n && sign === 1n) throw new Error(`${what} is not canonical: its x is zero and has a sign`);
  if ((x & 1n) !== sign) x = mod(-x);
  return [x, y, 1n, mod(x * y)];
}

/**
 * A point's 32 bytes (RFC 8032, section 5.1.2).
 * @param {bigint[]} point
 * @returns {Uint8Array}
 */
export function encodePoint([X, Y, Z]) {
  const zInverse = inverse(Z);
  const x = mod(X * zInverse);
  const y = mod(Y * zInverse);
  return littleEndian(y | ((x & 1n) << 255n), 32);
}

/**
 * The sum of two points, any two (RFC 8032, section 5.1.4: the formulas are complete).
 * @param {bigint[]} p
 * @param {bigint[]} q
 * @returns {bigint[]}
 */
export function add([X1, Y1, Z1, T1], [X2, Y2, Z2, T2]) {
  const a = mod((Y1 - X1) * (Y2 - X2));
  const b = mod((Y1 + X1) * (Y2 + X2));
  const c = mod(2n * D * T1 * T2);
  const d = mod(2n * Z1 * Z2);
  const e = b - a;
  const f = d - c;
  const g = d + c;
  const h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/**
 * Twice a point (RFC 8032, section 5.1.4).
 * @param {bigint[]} point
 * @returns {bigint[]}
 */
export function double([X, Y, Z]) {
  const a = mod(X * X);
  const b = mod(Y * Y);
  const c = mod(2n * Z * Z);
  const h = a + b;
  const e = h - mod((X + Y) * (X + Y));
  const g = a - b;
  const f = c + g;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/** @param {bigint[]} point @returns {bigint[]} its inverse */
export const negate = ([X, Y, Z, T]) => [mod(-X), Y, Z, mod(-T)];

/**
 * A multiple of a point. Not constant-time: a verifier has no secrets.
 * @param {bigint[]} point
 * @param {bigint} scalar not negative
 * @returns {bigint[]}
 */
export function multiply(point, scalar) {
  let result = IDENTITY;
  for (const bit of scalar.toString(2)) {
    result = double(result);
    if (bit === "1") result = add(result, point);
  }
  return result;
}

/** @param {bigint[]} point @returns {bigint[]} eight times the point, in the subgroup of order L */
export const clearCofactor = (point) => double(double(double(point)));

/** @param {bigint[]} point @returns {boolean} */
export const isIdentity = ([X, Y, Z]) => X === 0n && Y === Z;

/**
 * A point of the prime-order subgroup other than the identity: the only points that bind whoever shows them. Under one
 * of small order, or with a part of small order, one proof or signature fits more than one message or key.
 * @param {Uint8Array} bytes 32
 * @param {string} what named in the error
 * @returns {bigint[]} a point
 * @throws {Error} as `decodePoint`, or on another point
 */
export function decodeSubgroupPoint(bytes, what) {
  const point = decodePoint(bytes, what);
  if (isIdentity(clearCofactor(point))) throw new Error(`${what} has small order`);
  if (!isIdentity(multiply(point, L))) throw new Error(`${what} is not in the prime-order subgroup`);
  return point;
}

/**
 * @param {Uint8Array} publicKey 32 bytes
 * @returns {bigint[]} a point
 * @throws {Error} as `decodeSubgroupPoint`
 */
export const decodePublicKey = (publicKey) => decodeSubgroupPoint(publicKey, "the public key");

/**
 * Whether an Ed25519 signature is the key's over the message (RFC 8032, section 5.1.7).
 * @param {Uint8Array} publicKey 32 bytes
 * @param {Uint8Array} message
 * @param {Uint8Array} signature 64 bytes
 * @returns {Promise<boolean>} false for a well-formed signature that is not the key's over this message
 * @throws {Error} on a malformed key (as `decodePublicKey`), a signature of another length or with s not below L
 */
export async function verifyEd25519(publicKey, message, signature) {
  const point = decodePublicKey(publicKey);
  requireLength(signature, 64, "the signature");
  const s = fromLittleEndian(signature.subarray(32));
  if (s >= L) throw new Error("the signature is not canonical: its s is not below the group's order");
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  } catch {
    // WebCrypto came to Ed25519 late; a browser without it is not a forged signature.
    return verifyOnCurve({ point, publicKey }, message, { r: signature.subarray(0, 32), s });
  }
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

/**
 * The same by this module's own arithmetic: whether R is the text of sB - kA.
 * @param {{point: bigint[], publicKey: Uint8Array}} key the point and its bytes
 * @param {Uint8Array} message
 * @param {{r: Uint8Array, s: bigint}} signature
 * @returns {Promise<boolean>}
 */
export async function verifyOnCurve({ point, publicKey }, message, { r, s }) {
  const k = fromLittleEndian(await sha512(concat(r, publicKey, message))) % L;
  return equal(encodePoint(add(multiply(BASE, s), negate(multiply(point, k)))), r);
}

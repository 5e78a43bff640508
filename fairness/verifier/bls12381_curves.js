// The groups of BLS12-381: G1 on y^2 = x^3 + 4 over Fp, G2 on y^2 = x^3 + 4(1 + u) over Fp2.
//
// A point that leaves or enters a function is affine, {x, y}, or `null` for the identity. Sums inside a multiplication
// are Jacobian, {x, y, z}: (x / z^2, y / z^3).

import { fromBigEndian, requireLength } from "./bytes.js";
import { Fp, Fp2, ORDER, P } from "./bls12381_fields.js";

/**
 * The arithmetic of y^2 = x^3 + b over a field. Its curves have no point of order two, so y is never zero.
 * @param {typeof Fp | typeof Fp2} field
 * @param {any} b
 */
function curveOver(field, b) {
  const { add, sub, mul, sqr, neg, equal, inv, zero, one } = field;
  const twice = (a) => add(a, a);
  const identity = { x: one, y: one, z: zero };

  function doubled({ x, y, z }) {
    const xx = sqr(x);
    const yy = sqr(y);
    const s = twice(twice(mul(x, yy)));
    const m = add(twice(xx), xx);
    const x3 = sub(sqr(m), twice(s));
    const y3 = sub(mul(m, sub(s, x3)), twice(twice(twice(sqr(yy)))));
    return { x: x3, y: y3, z: twice(mul(y, z)) };
  }

  /** A Jacobian point plus an affine one. */
  function sum(p, q) {
    if (equal(p.z, zero)) return { x: q.x, y: q.y, z: one };
    const zz = sqr(p.z);
    const h = sub(mul(q.x, zz), p.x);
    const r = sub(mul(q.y, mul(zz, p.z)), p.y);
    if (equal(h, zero)) return equal(r, zero) ? doubled(p) : identity;
    const hh = sqr(h);
    const hhh = mul(hh, h);
    const v = mul(p.x, hh);
    const x3 = sub(sub(sqr(r), hhh), twice(v));
    return { x: x3, y: sub(mul(r, sub(v, x3)), mul(p.y, hhh)), z: mul(p.z, h) };
  }

  function affine({ x, y, z }) {
    if (equal(z, zero)) return null;
    const zInverse = inv(z);
    const zz = sqr(zInverse);
    return { x: mul(x, zz), y: mul(y, mul(zz, zInverse)) };
  }

  /** Negative scalars are not asked for. */
  function multiply(point, scalar) {
    if (point === null) return null;
    let result = identity;
    for (const bit of scalar.toString(2)) {
      result = doubled(result);
      if (bit === "1") result = sum(result, point);
    }
    return affine(result);
  }

  const rightSide = (x) => add(mul(sqr(x), x), b);

  return {
    rightSide,
    negate: (point) => point && { x: point.x, y: neg(point.y) },
    add(p, q) {
      if (p === null || q === null) return p ?? q;
      return affine(sum({ ...p, z: one }, q));
    },
    multiply,
    isOnCurve: ({ x, y }) => equal(sqr(y), rightSide(x)),
    /** Whether the point's order divides the groups' order: by definition, without an endomorphism to trust. */
    isInSubgroup: (point) => multiply(point, ORDER) === null,
  };
}

export const G1 = {
  ...curveOver(Fp, 4n),
  /** draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1. */
  generator: {
    x: BigInt("0x17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"),
    y: BigInt("0x08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"),
  },
};

export const G2 = {
  ...curveOver(Fp2, [4n, 4n]),
  /** draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1. */
  generator: {
    x: [
      BigInt("0x024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"),
      BigInt("0x13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"),
    ],
    y: [
      BigInt("0x0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"),
      BigInt("0x0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"),
    ],
  },
};

const COMPRESSED = 0x80;
const INFINITY = 0x40;
const LARGER_Y = 0x20;

/** The coordinates and the sign in a compressed point (draft-irtf-cfrg-pairing-friendly-curves, appendix C). */
function readCompressed(bytes, coordinates, what) {
  requireLength(bytes, 48 * coordinates, what);
  const flags = bytes[0];
  if (!(flags & COMPRESSED)) throw new Error(`${what} is not in compressed form`);
  const rest = Uint8Array.from(bytes);
  rest[0] &= 0x1f;
  if (flags & INFINITY) {
    const hasValue = flags & LARGER_Y || rest.some((byte) => byte !== 0);
    if (hasValue) throw new Error(`${what} is not canonical: infinity with a value`);
    throw new Error(`${what} is the identity`);
  }
  const numbers = [];
  for (let i = 0; i < coordinates; i++) numbers.push(fromBigEndian(rest.subarray(48 * i, 48 * (i + 1))));
  if (numbers.some((number) => number >= P)) {
    throw new Error(`${what} is not canonical: a coordinate is not below the prime`);
  }
  return { numbers, larger: Boolean(flags & LARGER_Y) };
}

function finishPoint(group, x, y, wantsOther, what) {
  const point = { x, y };
  const signed = wantsOther(y) ? group.negate(point) : point;
  if (!group.isInSubgroup(signed)) throw new Error(`${what} is outside the subgroup`);
  return signed;
}

/**
 * A point of G1 from its compressed form, and never the identity.
 * @param {Uint8Array} bytes 48 bytes
 * @param {string} [what] named in the error
 * @returns {{x: bigint, y: bigint}}
 * @throws {Error} that says which check failed: length, flags, range, identity, curve, subgroup
 */
export function decodeG1(bytes, what = "the point") {
  const { numbers: [x], larger } = readCompressed(bytes, 1, what);
  const y = Fp.sqrt(G1.rightSide(x));
  if (y === null) throw new Error(`${what} is not on the curve`);
  return finishPoint(G1, x, y, (root) => isLarger(root) !== larger, what);
}

/**
 * A point of G2 from its compressed form, and never the identity.
 * @param {Uint8Array} bytes 96 bytes: the coefficient of u comes first
 * @param {string} [what] named in the error
 * @returns {{x: bigint[], y: bigint[]}}
 * @throws {Error} as `decodeG1`
 */
export function decodeG2(bytes, what = "the point") {
  const { numbers: [x1, x0], larger } = readCompressed(bytes, 2, what);
  const x = [x0, x1];
  const y = Fp2.sqrt(G2.rightSide(x));
  if (y === null) throw new Error(`${what} is not on the curve`);
  return finishPoint(G2, x, y, ([y0, y1]) => isLarger(y1 === 0n ? y0 : y1) !== larger, what);
}

/** Whether a coordinate is the larger of itself and its negative. */
const isLarger = (a) => 2n * a > P;

// The optimal ate pairing of BLS12-381, as a check that a product of pairings is one.

import { Fp, Fp12, Fp2 } from "./bls12381_fields.js";

/**
 * The curve's parameter is -X (draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1). The Miller loop runs over X, so
 * its pairing is the inverse of the usual one, which is as good: a product is one where its inverse is.
 */
const X = 0xd201000000010000n;

/**
 * Whether e(P1, Q1) · e(P2, Q2) · … = 1, with one final exponentiation for all.
 * @param {Array<[{x: bigint, y: bigint}, {x: bigint[], y: bigint[]}]>} pairs points of G1 and G2, none the identity
 * @returns {boolean}
 */
export function productOfPairingsIsOne(pairs) {
  return Fp12.equal(finalExponentiation(millerLoop(pairs)), Fp12.one);
}

/**
 * The product of the Miller functions of all pairs, before the final exponentiation.
 * @param {Array<[{x: bigint, y: bigint}, {x: bigint[], y: bigint[]}]>} pairs as above
 * @returns an element of Fp12
 */
export function millerLoop(pairs) {
  let f = Fp12.one;
  const running = pairs.map(([, q]) => q);
  for (const bit of X.toString(2).slice(1)) {
    f = Fp12.sqr(f);
    pairs.forEach(([p], i) => {
      const slope = tangentSlope(running[i]);
      f = Fp12.mul(f, line(slope, running[i], p));
      running[i] = next(slope, running[i], running[i]);
    });
    if (bit === "0") continue;
    pairs.forEach(([p, q], i) => {
      const slope = chordSlope(running[i], q);
      f = Fp12.mul(f, line(slope, running[i], p));
      running[i] = next(slope, running[i], q);
    });
  }
  return f;
}

// In the loop a point is a multiple kQ with 1 <= k < X, far below the order: neither slope ever divides by zero.

const tangentSlope = ({ x, y }) => Fp2.mul(Fp2.scale(Fp2.sqr(x), 3n), Fp2.inv(Fp2.add(y, y)));

const chordSlope = (t, q) => Fp2.mul(Fp2.sub(q.y, t.y), Fp2.inv(Fp2.sub(q.x, t.x)));

function next(slope, t, q) {
  const x = Fp2.sub(Fp2.sqr(slope), Fp2.add(t.x, q.x));
  return { x, y: Fp2.sub(Fp2.mul(slope, Fp2.sub(t.x, x)), t.y) };
}

/**
 * The line through t with a slope, both on the twist, at p. A point (x, y) of the twist is (x / w^2, y / w^3) on the
 * curve over Fp12, where the line is y_p - y_t / w^3 - (slope / w)(x_p - x_t / w^2). It is multiplied by w^3, which
 * lies in Fp4 and so vanishes in the final exponentiation; with w^2 = v:
 * (slope x_t - y_t) - slope x_p v + y_p v w.
 */
function line(slope, t, p) {
  const constant = Fp2.sub(Fp2.mul(slope, t.x), t.y);
  return [
    [constant, Fp2.scale(slope, Fp.neg(p.x)), Fp2.zero],
    [Fp2.zero, [p.y, 0n], Fp2.zero],
  ];
}

/**
 * f to the power 3 (P^12 - 1) / r. The 3 changes no check, since it does not divide r, and gives the exponent a form
 * of few powers of x: 3 (P^4 - P^2 + 1) / r = (x - 1)^2 (x + P) (x^2 + P^2 - 1) + 3 (Hayashida, Hayasaka, Teruya,
 * "Efficient final exponentiation via cyclotomic structure", IACR ePrint 2020/875).
 * @param f an element of Fp12, not zero
 * @returns an element of GT
 */
export function finalExponentiation(f) {
  const { mul, sqr, conjugate, frobenius } = Fp12;
  let unitary = mul(conjugate(f), Fp12.inv(f));
  unitary = mul(frobenius(frobenius(unitary)), unitary);

  let t = minusOne(minusOne(unitary));
  t = mul(toTheParameter(t), frobenius(t));
  const squaredTwice = toTheParameter(toTheParameter(t));
  t = mul(mul(squaredTwice, frobenius(frobenius(t))), conjugate(t));
  return mul(t, mul(sqr(unitary), unitary));

  function minusOne(a) {
    return mul(toTheParameter(a), conjugate(a));
  }
}

/** a to the power -X, for unitary a, whose inverse is its conjugate. */
function toTheParameter(a) {
  let result = Fp12.one;
  for (const bit of X.toString(2)) {
    result = Fp12.sqr(result);
    if (bit === "1") result = Fp12.mul(result, a);
  }
  return Fp12.conjugate(result);
}

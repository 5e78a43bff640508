// The fields of BLS12-381, as a tower: Fp2 = Fp[u]/(u^2 + 1), Fp6 = Fp2[v]/(v^3 - (1 + u)), Fp12 = Fp6[w]/(w^2 - v).
//
// An element of Fp is a bigint in [0, P); of Fp2 a pair [c0, c1]; of Fp6 a triple of Fp2; of Fp12 a pair of Fp6.
// Nothing here is constant-time: a verifier has no secrets.

/** The field's prime (RFC 9380, section 8.8.1). */
export const P = BigInt("0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab");
/** The order of the groups G1, G2 and GT (draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1). */
export const ORDER = BigInt("0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");

const mod = (a) => {
  const rest = a % P;
  return rest < 0n ? rest + P : rest;
};

/**
 * A power by squaring and multiplying in any field here.
 * @param {{one: any, sqr: Function, mul: Function}} field
 * @param {any} base
 * @param {bigint} exponent not negative
 */
export function power(field, base, exponent) {
  let result = field.one;
  for (const bit of exponent.toString(2)) {
    result = field.sqr(result);
    if (bit === "1") result = field.mul(result, base);
  }
  return result;
}

/** The inverse by Euclid's algorithm. */
function inverseOf(a) {
  if (a === 0n) throw new Error("zero has no inverse");
  let [r0, r1, s0, s1] = [P, a, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [s0, s1] = [s1, s0 - quotient * s1];
  }
  return mod(s0);
}

/** Fp. `inv` throws on zero; `sqrt` answers null for what is no square (RFC 9380, appendix I.1: P = 3 mod 4). */
export const Fp = {
  zero: 0n,
  one: 1n,
  add: (a, b) => (a + b) % P,
  sub: (a, b) => mod(a - b),
  neg: (a) => (a === 0n ? 0n : P - a),
  mul: (a, b) => (a * b) % P,
  sqr: (a) => (a * a) % P,
  equal: (a, b) => a === b,
  inv: inverseOf,
  sqrt(a) {
    const root = power(Fp, a, (P + 1n) / 4n);
    return Fp.sqr(root) === a ? root : null;
  },
};

const HALF = (P + 1n) / 2n;

/** Fp2. `inv` throws on zero; `sqrt` answers null for what is no square. */
export const Fp2 = {
  zero: [0n, 0n],
  one: [1n, 0n],
  add: ([a0, a1], [b0, b1]) => [(a0 + b0) % P, (a1 + b1) % P],
  sub: ([a0, a1], [b0, b1]) => [mod(a0 - b0), mod(a1 - b1)],
  neg: ([a0, a1]) => [Fp.neg(a0), Fp.neg(a1)],
  mul([a0, a1], [b0, b1]) {
    const low = a0 * b0;
    const high = a1 * b1;
    return [mod(low - high), ((a0 + a1) * (b0 + b1) - low - high) % P];
  },
  sqr: ([a0, a1]) => [mod((a0 + a1) * (a0 - a1)), (2n * a0 * a1) % P],
  scale: ([a0, a1], k) => [(a0 * k) % P, (a1 * k) % P],
  /** Times 1 + u, whose cube root is v. */
  timesXi: ([a0, a1]) => [mod(a0 - a1), (a0 + a1) % P],
  conjugate: ([a0, a1]) => [a0, Fp.neg(a1)],
  equal: ([a0, a1], [b0, b1]) => a0 === b0 && a1 === b1,
  inv([a0, a1]) {
    const factor = inverseOf(mod(a0 * a0 + a1 * a1));
    return [(a0 * factor) % P, (Fp.neg(a1) * factor) % P];
  },
  sqrt([a0, a1]) {
    if (a1 === 0n) {
      const root = Fp.sqrt(a0);
      // Either a0 or -a0 is a square of Fp, and u^2 = -1.
      return root === null ? [0n, Fp.sqrt(Fp.neg(a0))] : [root, 0n];
    }
    // (x0 + x1 u)^2 = a gives x0^2 = (a0 ± norm) / 2 and x1 = a1 / (2 x0), the norm being x0^2 + x1^2.
    const norm = Fp.sqrt(mod(a0 * a0 + a1 * a1));
    if (norm === null) return null;
    const x0 = Fp.sqrt(mod((a0 + norm) * HALF)) ?? Fp.sqrt(mod((a0 - norm) * HALF));
    return [x0, (a1 * inverseOf((2n * x0) % P)) % P];
  },
};

/** Fp6. `inv` throws on zero. */
export const Fp6 = {
  zero: [Fp2.zero, Fp2.zero, Fp2.zero],
  one: [Fp2.one, Fp2.zero, Fp2.zero],
  add: (a, b) => a.map((c, i) => Fp2.add(c, b[i])),
  sub: (a, b) => a.map((c, i) => Fp2.sub(c, b[i])),
  neg: (a) => a.map(Fp2.neg),
  mul([a0, a1, a2], [b0, b1, b2]) {
    const { add, sub, mul, timesXi } = Fp2;
    const p0 = mul(a0, b0);
    const p1 = mul(a1, b1);
    const p2 = mul(a2, b2);
    const p12 = sub(mul(add(a1, a2), add(b1, b2)), add(p1, p2));
    const p01 = sub(mul(add(a0, a1), add(b0, b1)), add(p0, p1));
    const p02 = sub(mul(add(a0, a2), add(b0, b2)), add(p0, p2));
    return [add(p0, timesXi(p12)), add(p01, timesXi(p2)), add(p02, p1)];
  },
  sqr: (a) => Fp6.mul(a, a),
  timesV: ([a0, a1, a2]) => [Fp2.timesXi(a2), a0, a1],
  inv([a0, a1, a2]) {
    const { add, sub, mul, sqr, timesXi } = Fp2;
    const t0 = sub(sqr(a0), timesXi(mul(a1, a2)));
    const t1 = sub(timesXi(sqr(a2)), mul(a0, a1));
    const t2 = sub(sqr(a1), mul(a0, a2));
    const factor = Fp2.inv(add(mul(a0, t0), timesXi(add(mul(a2, t1), mul(a1, t2)))));
    return [mul(t0, factor), mul(t1, factor), mul(t2, factor)];
  },
};

/** Fp12. `inv` throws on zero; `conjugate` is the power P^6, the inverse of a unitary element. */
export const Fp12 = {
  one: [Fp6.one, Fp6.zero],
  mul([a0, a1], [b0, b1]) {
    const p0 = Fp6.mul(a0, b0);
    const p1 = Fp6.mul(a1, b1);
    const cross = Fp6.mul(Fp6.add(a0, a1), Fp6.add(b0, b1));
    return [Fp6.add(p0, Fp6.timesV(p1)), Fp6.sub(cross, Fp6.add(p0, p1))];
  },
  sqr([a0, a1]) {
    const product = Fp6.mul(a0, a1);
    const square = Fp6.mul(Fp6.add(a0, a1), Fp6.add(a0, Fp6.timesV(a1)));
    return [Fp6.sub(square, Fp6.add(product, Fp6.timesV(product))), Fp6.add(product, product)];
  },
  conjugate: ([a0, a1]) => [a0, Fp6.neg(a1)],
  inv([a0, a1]) {
    const factor = Fp6.inv(Fp6.sub(Fp6.sqr(a0), Fp6.timesV(Fp6.sqr(a1))));
    return [Fp6.mul(a0, factor), Fp6.neg(Fp6.mul(a1, factor))];
  },
  equal: (a, b) => a.every((c, i) => c.every((d, j) => Fp2.equal(d, b[i][j]))),
  /** The power P: conjugates each coefficient of w^i and multiplies it by (1 + u)^(i (P - 1) / 6). */
  frobenius: (a) => a.map((c, i) => c.map((d, j) => Fp2.mul(Fp2.conjugate(d), FROBENIUS_FACTORS[2 * j + i]))),
};

const FROBENIUS_FACTORS = [0n, 1n, 2n, 3n, 4n, 5n].map((i) => power(Fp2, [1n, 1n], (i * (P - 1n)) / 6n));

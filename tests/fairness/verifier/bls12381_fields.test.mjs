import assert from "node:assert/strict";
import test from "node:test";

import { fromBigEndian } from "../../../fairness/verifier/bytes.js";
import { Fp, Fp12, Fp2, Fp6, P, power } from "../../../fairness/verifier/bls12381_fields.js";
import { randomBytes } from "./vectors.mjs";

const randomFp = () => fromBigEndian(randomBytes(64)) % P;
const randomFp2 = () => [randomFp(), randomFp()];
const randomFp6 = () => [randomFp2(), randomFp2(), randomFp2()];
const randomFp12 = () => [randomFp6(), randomFp6()];

const FIELDS = [["Fp", Fp, randomFp], ["Fp2", Fp2, randomFp2], ["Fp6", Fp6, randomFp6], ["Fp12", Fp12, randomFp12]];

for (const [name, field, random] of FIELDS) {
  test(`${name} multiplies, squares and inverts as a field does`, () => {
    for (let i = 0; i < 5; i++) {
      const [a, b, c] = [random(), random(), random()];
      assert.deepEqual(field.mul(a, b), field.mul(b, a));
      assert.deepEqual(field.mul(field.mul(a, b), c), field.mul(a, field.mul(b, c)));
      assert.deepEqual(field.sqr(a), field.mul(a, a));
      assert.deepEqual(field.mul(a, field.inv(a)), field.one);
      assert.deepEqual(field.mul(a, field.one), a);
    }
  });
}

for (const [name, field, random] of FIELDS.slice(0, 3)) {
  test(`${name} adds as a field does`, () => {
    const [a, b, c] = [random(), random(), random()];
    assert.deepEqual(field.mul(a, field.add(b, c)), field.add(field.mul(a, b), field.mul(a, c)));
    assert.deepEqual(field.sub(field.add(a, b), b), a);
    assert.deepEqual(field.add(a, field.neg(a)), field.zero);
    assert.deepEqual(field.sub(field.zero, a), field.neg(a));
    assert.deepEqual(field.neg(field.zero), field.zero);
  });
}

test("u^2 = -1, v^3 = 1 + u, w^2 = v", () => {
  const [zero, one] = [Fp2.zero, Fp2.one];
  const v = [zero, one, zero];
  const w = [Fp6.zero, Fp6.one];
  assert.deepEqual(Fp2.sqr([0n, 1n]), [P - 1n, 0n]);
  assert.deepEqual(Fp6.mul(v, Fp6.mul(v, v)), [[1n, 1n], zero, zero]);
  assert.deepEqual(Fp6.timesV(v), Fp6.mul(v, v));
  assert.deepEqual(Fp12.sqr(w), [v, Fp6.zero]);
  assert.deepEqual(Fp2.timesXi([3n, 5n]), Fp2.mul([3n, 5n], [1n, 1n]));
});

test("zero has no inverse", () => {
  for (const field of [Fp, Fp2, Fp6]) assert.throws(() => field.inv(field.zero), /zero has no inverse/);
});

test("squares have roots and nothing else has", () => {
  let squares = 0;
  for (let i = 0; i < 40; i++) {
    for (const [field, a] of [[Fp, randomFp()], [Fp2, randomFp2()]]) {
      assert.deepEqual(field.sqr(field.sqrt(field.sqr(a))), field.sqr(a));
      const root = field.sqrt(a);
      if (root !== null) assert.deepEqual(field.sqr(root), a);
      squares += root !== null;
    }
  }
  assert.ok(squares > 10 && squares < 70);
});

test("every element of Fp has a root in Fp2, as has zero", () => {
  for (let i = 0; i < 10; i++) {
    const a = [randomFp(), 0n];
    assert.deepEqual(Fp2.sqr(Fp2.sqrt(a)), a);
    const b = [0n, randomFp()];
    const root = Fp2.sqrt(b);
    if (root !== null) assert.deepEqual(Fp2.sqr(root), b);
  }
  assert.deepEqual(Fp2.sqrt(Fp2.zero), Fp2.zero);
});

test("Frobenius is the power P, and conjugation its sixth", () => {
  const a = randomFp12();
  assert.deepEqual(Fp12.frobenius(a), power(Fp12, a, P));
  let sixth = a;
  for (let i = 0; i < 6; i++) sixth = Fp12.frobenius(sixth);
  assert.deepEqual(sixth, Fp12.conjugate(a));
});

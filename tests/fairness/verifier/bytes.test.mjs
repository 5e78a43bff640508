import assert from "node:assert/strict";
import test from "node:test";

import {
  bigEndian, compare, concat, equal, fromBase64, fromBigEndian, fromHex, fromLittleEndian, littleEndian, requireLength,
  toBase64, toHex, u16be, u32be, u64be, utf8,
} from "../../../fairness/verifier/bytes.js";
import { randomBytes } from "./vectors.mjs";

test("hexadecimal is read as it was written", () => {
  for (let length = 0; length < 40; length++) {
    const bytes = randomBytes(length);
    assert.deepEqual(fromHex(toHex(bytes)), bytes);
  }
  assert.equal(toHex(Uint8Array.of(0, 1, 254)), "0001fe");
});

for (const text of ["a", "AA", "0x00", " 00", "00\n", "0g", null, undefined, 12]) {
  test(`${JSON.stringify(text)} is not hexadecimal`, () => assert.throws(() => fromHex(text), /not lower-case hexadecimal/));
}

test("base64 is read as it was written", () => {
  for (let length = 0; length < 40; length++) {
    const bytes = randomBytes(length);
    assert.equal(toBase64(bytes), Buffer.from(bytes).toString("base64"));
    assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
  }
});

// RFC 4648, section 10.
for (const [text, base64] of [["", ""], ["f", "Zg=="], ["fo", "Zm8="], ["foo", "Zm9v"], ["foobar", "Zm9vYmFy"]]) {
  test(`the base64 of "${text}" is ${base64}`, () => {
    assert.equal(toBase64(utf8(text)), base64);
    assert.deepEqual(fromBase64(base64), utf8(text));
  });
}

for (const text of ["Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm 9v", "Zm9v\n", "Zm9\n", "-_8=", "Zg==Zg==", null]) {
  test(`${JSON.stringify(text)} is not canonical base64`, () => assert.throws(() => fromBase64(text), /base64/));
}

test("parts are put one after the other", () => {
  assert.deepEqual(concat(), new Uint8Array());
  assert.deepEqual(concat(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3));
});

test("a text is no part: it would become zeros", () => assert.throws(() => concat(Uint8Array.of(1), "2"), /not a Uint8Array/));

test("byte strings are ordered byte by byte, a prefix first", () => {
  const ordered = [[], [0], [0, 0], [0, 1], [1], [127], [128], [255], [255, 0]].map((list) => Uint8Array.from(list));
  ordered.forEach((a, i) => ordered.forEach((b, j) => {
    assert.equal(Math.sign(compare(a, b)), Math.sign(i - j));
    assert.equal(equal(a, b), i === j);
  }));
});

test("integers are written in a fixed length", () => {
  assert.equal(toHex(u16be(258)), "0102");
  assert.equal(toHex(u32be(0xfffffffe)), "fffffffe");
  assert.equal(toHex(u64be(2 ** 53 - 1)), "001fffffffffffff");
  assert.equal(toHex(u64be(2n ** 64n - 1n)), "ffffffffffffffff");
  assert.equal(toHex(littleEndian(258, 3)), "020100");
  assert.equal(fromBigEndian(Uint8Array.of(1, 2)), 258n);
  assert.equal(fromLittleEndian(Uint8Array.of(1, 2)), 513n);
  assert.equal(fromBigEndian(new Uint8Array()), 0n);
});

test("an integer that does not fit is refused", () => {
  assert.throws(() => u16be(65536), /does not fit/);
  assert.throws(() => u64be(2n ** 64n), /does not fit/);
  assert.throws(() => u32be(-1), /negative/);
  assert.throws(() => u32be(1.5), /not a safe integer/);
  assert.throws(() => u64be(2 ** 53), /not a safe integer/);
  assert.throws(() => bigEndian(NaN, 4), /not a safe integer/);
});

test("reading little-endian leaves a Buffer as it was", () => {
  const buffer = Buffer.from([1, 2, 3]);
  assert.equal(fromLittleEndian(buffer), 0x030201n);
  assert.deepEqual([...buffer], [1, 2, 3]);
});

test("a length is required by name", () => {
  requireLength(new Uint8Array(2), 2, "the key");
  assert.throws(() => requireLength(new Uint8Array(3), 2, "the key"), /the key has 3 bytes, must have 2/);
  assert.throws(() => requireLength("ab", 2, "the key"), /the key is not a Uint8Array/);
});

import assert from "node:assert/strict";
import test from "node:test";

import { utf8 } from "../../../fairness/verifier/bytes.js";
import { DEEPEST, decode, decodeText, encode } from "../../../fairness/verifier/canonical.js";
import { requireHex, requireMembers, requireName, requireProof } from "../../../fairness/verifier/shapes.js";

test("values are written in one way, names by UTF-16 code units", () => {
  assert.equal(encode({ b: [1, "x\n"], a: {}, 10: 0, 9: 1 }), '{"10":0,"9":1,"a":{},"b":[1,"x\\n"]}');
  // A surrogate pair comes before U+FFFF, though its code point comes after.
  assert.equal(encode({ "\uffff": 1, "\u{1d4b3}": 0 }), '{"\u{1d4b3}":0,"\uffff":1}');
  assert.equal(encode(decodeText('{"__proto__":1}')), '{"__proto__":1}');
});

const REFUSED = [
  '{"a":1,"a":1}', '{"b":1,"a":1}', '{ "a":1}', '{"a":1}\n', "1.0", "1e2", "-0", "-1", "01", "9007199254740992", "1.5",
  "null", "true", '"\\u0041"', '"\\/"', '"\\ud800"', "\ufeff1", "", "NaN", '{"a":1,}',
];
for (const text of REFUSED) {
  test(`refused: ${text}`, () => assert.throws(() => decodeText(text), { constructor: Error }));
}

test("bytes that are not UTF-8 are refused, and what is nested too deep", () => {
  assert.throws(() => decode(Uint8Array.of(0x22, 0xff, 0x22)), /not UTF-8/);
  const nested = (depth) => utf8("[".repeat(depth) + "]".repeat(depth));
  decode(nested(DEEPEST));
  assert.throws(() => decode(nested(DEEPEST + 1)), /nested more than/);
  assert.throws(() => decode(nested(1_000)), /nested more than/);
});

test("shapes are exact", () => {
  requireName("\u{1d4b3}".repeat(200), "it");
  for (const name of ["", "x".repeat(201), "a\u0085", "a\u007f", "a\n", 1]) assert.throws(() => requireName(name, "it"));
  assert.throws(() => requireMembers({ a: 1 }, ["a", "b"], "it"), /no b/);
  assert.throws(() => requireMembers({ a: 1, c: 1 }, ["a"], "it"), /not of it: c/);
  assert.throws(() => requireMembers({}, ["toString"], "it"), /no toString/);
  assert.throws(() => requireHex("AB", 1, "it"), /lower-case/);
  assert.throws(() => requireHex("ab\n", 1, "it"), /lower-case/);
  assert.throws(() => requireProof(["AA=="], "it"), /1 bytes/);
});

import assert from "node:assert/strict";
import test from "node:test";

import { toHex } from "../../../fairness/verifier/bytes.js";
import { BASE, L, add, decodePoint, encodePoint, multiply } from "../../../fairness/verifier/ed25519.js";
import { DEFAULT_TRUST, parseTrust } from "../../../fairness/verifier/trust.js";
import { vectors } from "./vectors.mjs";

const { cosignature_vkeys: keys, cosigned } = vectors("notes");
const [W1, W2, LOG] = [keys.vkeys[0], cosigned.vkey, keys.log_vkeys[0]];
const KEY = toHex(encodePoint(multiply(BASE, 5n)));
const HASH = "ab".repeat(32);

test("what a file says is believed, and the rest is as the specification has it", () => {
  const trust = parseTrust(
    `# who\n\n \tlog ${LOG} https://log.test\nwitness a ${W1}\nwitness b\t${W2} url \ngroup both all a b\nquorum both\n`
    + `contributor 公证处 ${KEY}\nchain here ${HASH}\nlead 5\n`,
  );
  assert.deepEqual([trust.logs.length, trust.witnesses.size, trust.lead, trust.margin], [1, 2, 5, 600]);
  assert.deepEqual([...trust.contributors], [[KEY, "公证处"]]);
  assert.deepEqual([trust.isQuorum(new Set(["a"])), trust.isQuorum(new Set(["a", "b"]))], [false, true]);
  const none = parseTrust(DEFAULT_TRUST);
  assert.deepEqual([none.logs.length, none.chains.size, none.lead, none.asksForWitnesses], [0, 1, 86_400, false]);
  assert.equal(parseTrust("# \ufffd\nquorum none\n").margin, 600);
  parseTrust(Uint8Array.of(0x23, 0xb9, 0x0a, ...new TextEncoder().encode("quorum none\n")));
});

test("groups of groups, any and numbers", () => {
  const lines = `witness a ${W1}\nwitness b ${W2}\ngroup one any a\ngroup two 1 one b\nquorum two\n`;
  const { isQuorum } = parseTrust(lines);
  assert.deepEqual([[], ["a"], ["b"], ["c"]].map((names) => isQuorum(new Set(names))), [false, true, true, false]);
});

/** A point of the curve that is not in the prime-order subgroup and not of small order. */
function mixedPoint() {
  const small = multiply(decodePoint(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 3 : 0))), L);
  return toHex(encodePoint(add(BASE, small)));
}

const witnesses = `witness a ${W1}\nwitness b ${W2}\n`;
const REFUSED = [
  ["", 1], ["# nothing\n", 2], ["quorum none", 1], ["quorum none\r\n", 1], ["quorum none\nquorum none\n", 2],
  ["quorum a\n", 1], ["\0\n", 1], ["# \x7f\n", 1], ["odd x\n", 1], ["constructor x\n", 1], ["quorum\n", 1],
  [`log ${W1}\n`, 1], [`witness a ${LOG}\n`, 1], [`log ${LOG}\nlog ${LOG}\n`, 2], [`witness none ${W1}\n`, 1],
  [`witness a ${W1}\nwitness a ${W2}\n`, 2], [`witness a ${W1}\nwitness b ${W1}\n`, 2], [`log ${LOG} url more\n`, 1],
  [`${witnesses}group g 0 a\n`, 3], [`${witnesses}group g 3 a b\n`, 3], [`${witnesses}group g 01 a b\n`, 3],
  [`${witnesses}group g all a a\n`, 3], [`${witnesses}group g all a\ngroup h all a\n`, 4], [`${witnesses}group g any\n`, 3],
  [`${witnesses}group g any c\n`, 3], [`${witnesses}group none any a\n`, 3], [`${witnesses}group a any b\n`, 3],
  [`contributor x ${"0".repeat(64)}\n`, 1], [`contributor x ${KEY.toUpperCase()}\n`, 1], [`contributor x ${mixedPoint()}\n`, 1],
  [`contributor x ${KEY}\ncontributor y ${KEY}\n`, 2], [`chain x ${HASH}\nchain x ${"cd".repeat(32)}\n`, 2], ["chain x ab\n", 1],
  ["lead -1\n", 1], ["lead 01\n", 1], ["lead 1\nlead 1\n", 2], ["margin 1.5\n", 1], ["margin 9007199254740992\n", 1],
];
for (const [file, line] of REFUSED) {
  test(`line ${line} is refused: ${JSON.stringify(file.slice(0, 60))}`, () => {
    assert.throws(() => parseTrust(file), new RegExp(`^Error: line ${line}: `));
  });
}

import assert from "node:assert/strict";
import test from "node:test";

import { utf8 } from "../../../fairness/verifier/bytes.js";
import { encode } from "../../../fairness/verifier/canonical.js";
import { RECEIPT_STEPS, checkReceipt } from "../../../fairness/verifier/receipt.js";
import { EN } from "../../../fairness/verifier/texts_en.js";
import { sentencesOf } from "../../../fairness/verifier/texts.js";
import { parseTlogProof } from "../../../fairness/verifier/tlog_proof.js";
import { DEFAULT_TRUST, parseTrust } from "../../../fairness/verifier/trust.js";
import { verify } from "../../../fairness/verifier/verify.js";
import { vectors } from "./vectors.mjs";

const { receipts, bundle, trust: trustText } = vectors("draw_v1");
const trust = parseTrust(trustText);

async function* source(text) {
  yield utf8(text);
}

test("the published receipts hold, alone and with the bundle", async () => {
  const draw = await verify(source(bundle), trust, { demo: true });
  for (const [name, text] of Object.entries(receipts)) {
    const alone = await checkReceipt(utf8(text), trust);
    const both = await checkReceipt(utf8(text), trust, draw);
    assert.deepEqual([alone.holds, both.holds, alone.line], [true, true, null]);
    assert.deepEqual([both.listed !== null, both.line !== null], Array(2).fill(name === "listed"));
    for (const language of ["zh-CN", "en"]) {
      assert.ok(sentencesOf(language, both, draw).every((sentence) => !sentence.includes("undefined")));
      assert.ok(sentencesOf(language, alone, null).length > 2);
    }
  }
});

test("a trust file that believes no log, and a draw that does not hold, refuse a receipt", async () => {
  const steps = async (...more) => (await checkReceipt(utf8(receipts.listed), ...more)).failure?.name;
  assert.equal(await steps(parseTrust(DEFAULT_TRUST)), "log");
  assert.equal(await steps(trust, await verify(source(bundle), trust)), "bundle");
});

test("every step has its sentence", () => {
  for (const name of RECEIPT_STEPS) assert.ok(EN[`receipt_step_${name}`], name);
});

test("what is no receipt fails at the first step", async () => {
  const told = JSON.parse(receipts.listed);
  for (const bad of [{}, { ...told, lines: {} }, { ...told, freeze: 1 }, { ...told, lines: ["x"] }, { ...told, log: [] }]) {
    const { failure } = await checkReceipt(utf8(`${encode(bad)}\n`), trust);
    assert.equal(failure.name, "read", encode(bad));
  }
  assert.equal((await checkReceipt(new Uint8Array(4 * 1024 * 1024 + 1), trust)).failure.name, "read");
});

test("a proof of the log is taken apart, and nothing else", () => {
  const { log } = JSON.parse(receipts.listed);
  const [format, index, hash] = log.split("\n");
  const parsed = parseTlogProof(log);
  assert.deepEqual([`index ${parsed.index}`, parsed.proof[0].length], [index, 32]);
  assert.ok(log.endsWith(`\n\n${parsed.note}`));
  assert.equal(parseTlogProof(log.replace(index, `extra AAAA\n${index}`)).index, parsed.index);
  const bad = [
    "", format, `${format}\n\n`, log.replace(index, "index 06"), log.replace(index, "index -1"), log.replace(index, "extra AAAA"),
    log.replace(index, `extra \n${index}`), log.replace(index, "index 99999999999999999999"), log.replace(hash, "AAAA"),
    log.replace(hash, `${hash}\n`.repeat(64).trimEnd()), log.replace("@v1", "@v2"),
  ];
  for (const text of bad) assert.throws(() => parseTlogProof(text), { constructor: Error }, text);
});

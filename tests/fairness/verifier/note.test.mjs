import assert from "node:assert/strict";
import test from "node:test";

import { fromBase64 } from "../../../fairness/verifier/bytes.js";
import { decodeUtf8 } from "../../../fairness/verifier/canonical.js";
import { openCheckpoint, parseCheckpoint } from "../../../fairness/verifier/checkpoint.js";
import { openNote, parseNote, parseVerifierKey } from "../../../fairness/verifier/note.js";
import { parseTrust } from "../../../fairness/verifier/trust.js";
import { vectors } from "./vectors.mjs";

const NOTES = vectors("notes");
const { text, signature, vkey } = NOTES.go_note;

test("other people's notes and cosignatures hold", async () => {
  const key = parseVerifierKey(vkey);
  const { signers } = await openNote(`${text}\n${signature}`, [key]);
  assert.deepEqual(signers, [{ key, time: null }]);
  const { vkey: witness, note_base64: note } = NOTES.cosigned;
  const cosigned = await openNote(decodeUtf8(fromBase64(note)), [parseVerifierKey(witness)]);
  assert.equal(cosigned.signers[0].time > 0n, true);
});

test("a believed key's bad signature, or its second, refuses the note; a stranger's is nothing", async () => {
  const key = parseVerifierKey(vkey);
  await assert.rejects(openNote(`x${text}\n${signature}`, [key]), /does not fit/);
  await assert.rejects(openNote(`${text}\n${signature}${signature}`, [key]), /signed twice/);
  assert.deepEqual((await openNote(`x${text}\n${signature}`, [])).signers, []);
});

test("keys are read strictly", () => {
  for (const { vkeys, log_vkeys: logs } of [NOTES.cosignature_vkeys]) [...vkeys, ...logs].forEach(parseVerifierKey);
  for (const bad of [...NOTES.go_note.bad_vkeys, ...NOTES.cosignature_vkeys.bad_vkeys]) {
    assert.throws(() => parseVerifierKey(bad), { constructor: Error }, bad);
  }
});

test("notes are read strictly", () => {
  assert.equal(parseNote(NOTES.signed_note.note).signatures.length, 1);
  const bad = [
    "text\n", "text\n\n", `${text}${signature}`, `${text}\n${signature.trimEnd()}`, `${text}\n${signature}\n`,
    `a\tb\n\n${signature}`, `${text}\n${signature.replace("—", "-")}`, `${text}\n${signature.replace(" ", "  ")}`,
    `${text}\n— a+b AAAAAAA=\n`, `${text}\n— a\u3000b AAAAAAA=\n`, `${text}\n— a AAAA\n`, `${text}\n— a AAAAAAB=\n`,
    `${text}\n${"— a AAAAAAA=\n".repeat(101)}`,
  ];
  for (const note of bad) assert.throws(() => parseNote(note), { constructor: Error }, JSON.stringify(note));
});

test("checkpoints are read strictly", async () => {
  const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  assert.equal(parseCheckpoint(`log\n12\n${root}\nmore\n`).size, 12);
  const bad = [`log\n012\n${root}\n`, `log\n-1\n${root}\n`, `log\n1e3\n${root}\n`, `log\n9007199254740992\n${root}\n`,
    `log\n1\nAAAA\n`, `log\n1\n`, `\n1\n${root}\n`, `log\n1\n${root}\n\n`];
  for (const one of bad) assert.throws(() => parseCheckpoint(one), { constructor: Error }, one);
  const { vkey: log, old } = NOTES.grown;
  const trust = parseTrust(`log ${log}\nquorum none\n`);
  assert.equal((await openCheckpoint(old, trust)).size, 5);
  await assert.rejects(openCheckpoint(old, parseTrust("quorum none\n")), /no log of the trust file/);
});

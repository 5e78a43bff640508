import assert from "node:assert/strict";
import test from "node:test";

import { utf8 } from "../../../fairness/verifier/bytes.js";
import { encode } from "../../../fairness/verifier/canonical.js";
import { readEntry } from "../../../fairness/verifier/entries.js";
import { readHistory } from "../../../fairness/verifier/history.js";
import { EN } from "../../../fairness/verifier/texts_en.js";
import { ZH } from "../../../fairness/verifier/texts_zh.js";
import { languageOf, sentence } from "../../../fairness/verifier/texts.js";
import { requireTimes } from "../../../fairness/verifier/times.js";
import { DEFAULT_TRUST, parseTrust } from "../../../fairness/verifier/trust.js";
import { STEPS, verify } from "../../../fairness/verifier/verify.js";

const HEX = "ab".repeat(32);
const KEY = { key: HEX, kind: "draw.key", name: "notary", version: 1 };
const VOID = { draw: "d", freeze: HEX, kind: "draw.voided", reason: "why", version: 1 };

test("an entry has its members and no others", () => {
  assert.equal(readEntry(encode(KEY)).name, "notary");
  assert.equal(readEntry(encode({ ...VOID, reason: "\u{1d4b3}".repeat(2_000) })).draw, "d");
  const bad = [
    { ...KEY, more: 1 }, { ...KEY, version: 2 }, { ...KEY, kind: "draw.odd" }, { ...KEY, kind: "toString" },
    { ...KEY, key: HEX.toUpperCase() }, { ...KEY, name: "" }, { ...VOID, reason: "" }, { ...VOID, reason: "x".repeat(2_001) }, [],
  ];
  for (const told of bad) assert.throws(() => readEntry(encode(told)), { constructor: Error }, encode(told));
});

test("entries of no draw are no history", () => {
  const entries = [{ text: encode(KEY), index: 4 }];
  assert.throws(() => readHistory({ draw: "d", round: 1, entries }), /the announcement: 0 entries/);
  assert.throws(() => readHistory({ draw: "x", round: 1, entries: [{ text: encode(VOID), index: 4 }] }), /of the draw "d"/);
});

// Keys at 0 and 1, the freeze at 3, a contribution at 4; due at 1000.
const HISTORY = { keyIndexes: [0, 1], frozenIndex: 3, contributions: [{ index: 4 }] };
const TRUST = { lead: 100, margin: 10, asksForWitnesses: true, isQuorum: (cosigned) => cosigned.size >= 2 };
const checkpoint = (size, ...times) => ({ size, times: new Map(times.map((time, number) => [`w${number}`, BigInt(time)])) });
const timesOf = (checkpoints, trust = TRUST) => requireTimes(HISTORY, checkpoints, trust, 1_000n);

test("times are those of a quorum: the second of the early, the second of the late", () => {
  const good = [checkpoint(2, 100, 900, 200), checkpoint(3, 300, 900, 200), checkpoint(5, 990, 980, 2_000)];
  assert.deepEqual(timesOf(good), { early: 10n, lead: 100n });
  assert.throws(() => timesOf([good[0], checkpoint(3, 299, 900, 200), good[2]]), /last seen 99 seconds after/);
  assert.throws(() => timesOf([good[0], good[1], checkpoint(5, 991, 980, 2_000)]), /1 seconds too late/);
  assert.throws(() => timesOf([good[0], checkpoint(4, 300, 900), good[2]]), /last seen 0 seconds after/);
  assert.throws(() => timesOf([good[2]]), /no checkpoint shows/);
  assert.throws(() => timesOf([good[0]]), /witnessed never/);
  assert.deepEqual(timesOf([good[2]], { ...TRUST, lead: 0 }), { early: 10n, lead: null });
  assert.throws(() => timesOf(good, { ...TRUST, asksForWitnesses: false }), /asks for no witness/);
});

test("what no bundle is fails at the first step, and a failing source is not a verdict", async () => {
  const trust = parseTrust(DEFAULT_TRUST);
  const { verified, failure, steps } = await verify(source("{}\n"), trust);
  assert.deepEqual([verified, failure.step, failure.name, steps], [false, 0, "read", []]);
  const failing = (async function* () { throw new Error("gone"); })();
  await assert.rejects(verify(failing, trust), /gone/);
});

async function* source(text) {
  yield utf8(text);
}

test("every sentence is there in both languages, with the same braces", () => {
  assert.deepEqual(Object.keys(ZH), Object.keys(EN));
  const braces = (text) => text.match(/\{\w+\}/g)?.sort() ?? [];
  for (const name of Object.keys(EN)) assert.deepEqual(braces(ZH[name]), braces(EN[name]), name);
  for (const name of STEPS) assert.ok(EN[`step_${name}`] && EN[`note_${name}`], name);
  assert.deepEqual([["zh-TW"], ["fr", "en-GB"], []].map(languageOf), ["zh-CN", "en", "en"]);
  assert.equal(sentence("en", "progress", { done: 1000, of: 2000 }), "1,000 of 2,000");
  assert.throws(() => sentence("en", "odd"), /no sentence/);
});

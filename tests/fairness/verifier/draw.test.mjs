import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import test from "node:test";

import { compare, concat, fromHex, toHex, u32be, utf8 } from "../../../fairness/verifier/bytes.js";
import { LineReader, Unreadable } from "../../../fairness/verifier/bundle.js";
import { breathe } from "../../../fairness/verifier/breathe.js";
import { categorySeed, contributionInput, rank, scoreOf, seedOf } from "../../../fairness/verifier/draw.js";
import { readEntrants } from "../../../fairness/verifier/entrants.js";
import { CompactRange, leafHash } from "../../../fairness/verifier/merkle.js";
import { figuresOf, requireOutcomes, requireRanking } from "../../../fairness/verifier/ranking.js";
import { lookUp } from "../../../fairness/verifier/own_line.js";

const sha256 = (...parts) => Uint8Array.from(createHash("sha256").update(concat(...parts)).digest());
const hmac = (key, ...parts) => Uint8Array.from(createHmac("sha256", key).update(concat(...parts)).digest());
const SEED = sha256(utf8("seed"));
const CATEGORIES = ["A", "\"新\"", "empty"];
const QUOTAS = new Map([['"新"', 700], ["A", 25], ["empty", 4]]);
const silent = () => {};

const ENTRANTS = Array.from({ length: 3_000 }, (_, number) => ({
  idHash: sha256(utf8(`salt ${number}`)), weight: 1 + (number % 4), category: CATEGORIES[number % 2],
})).sort((a, b) => compare(a.idHash, b.idHash));

const linesOf = (entrants) =>
  entrants.map(({ idHash, weight, category }) => `["${toHex(idHash)}",${weight},${JSON.stringify(category)}]\n`).join("");

/** Bytes in pieces of one length. */
async function* pieces(text, length) {
  const bytes = utf8(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

function frozenOf(entrants) {
  const tree = new CompactRange();
  for (const { idHash, weight, category } of entrants) tree.append(leafHash(concat(idHash, u32be(weight), utf8(category))));
  const tickets = entrants.reduce((sum, { weight }) => sum + weight, 0);
  return { entrants: entrants.length, tickets, root: tree.root(), quotas: QUOTAS };
}

const listOf = (entrants, frozen = frozenOf(entrants)) =>
  readEntrants(new LineReader(pieces(linesOf(entrants), 777)), frozen, silent);

/** Section 6 as it is written, with Node's own hashes. */
function ranked(category) {
  const seed = hmac(SEED, utf8("category\n"), utf8(category), Uint8Array.of(1));
  const scored = ENTRANTS.filter((one) => one.category === category).map((one) => {
    const keys = Array.from({ length: one.weight }, (_, j) => sha256(seed, one.idHash, u32be(j)));
    return { ...one, score: keys.sort(compare)[0] };
  });
  return scored.sort((a, b) => compare(a.score, b.score) || compare(a.idHash, b.idHash)).slice(0, QUOTAS.get(category));
}

test("the seed and the input of the proofs are section 4's and 6's", async () => {
  const [freeze, signature, betas] = [sha256(utf8("D")), new Uint8Array(48).fill(7), [new Uint8Array(64), new Uint8Array(64).fill(1)]];
  assert.equal(toHex(contributionInput(freeze)), toHex(concat(utf8("gongdao/vrf/v1\n"), freeze)));
  assert.deepEqual(await seedOf(freeze, signature, betas), hmac(utf8("gongdao/seed/v1"), freeze, signature, ...betas));
});

test("the ranking is section 6's, with fewer and with more places than entrants", async () => {
  const list = await listOf(ENTRANTS);
  const outcomes = await rank(list, QUOTAS, SEED, silent);
  for (const outcome of outcomes) {
    const expected = ranked(outcome.name);
    assert.deepEqual(outcome.winners.map((entrant) => toHex(list.idHash(entrant))), expected.map(({ idHash }) => toHex(idHash)));
    assert.deepEqual(outcome.scores, expected.map(({ score }) => score));
  }
  assert.deepEqual(outcomes.map(({ name }) => name), [...QUOTAS.keys()]);
  assert.equal(figuresOf(outcomes[2]).cutoff, "");
  const said = new Map(outcomes.map((outcome) => [outcome.name, figuresOf(outcome)]));
  requireOutcomes(said, outcomes);
  said.delete("A");
  assert.throws(() => requireOutcomes(said, outcomes), /leaves out/);
  await assert.rejects(requireRanking(new LineReader(pieces("", 1)), outcomes, list), /ends before/);
  const everybody = await rank(list, new Map([...QUOTAS.keys()].map((name) => [name, 9_999])), SEED, silent);
  assert.deepEqual(everybody.map(({ winners }) => winners.length), [1_500, 1_500, 0]);
});

test("equal scores fall to the smaller id_hash: a weight of one is one hash", async () => {
  const seed = await categorySeed(SEED, "A");
  assert.deepEqual(scoreOf(seed, ENTRANTS[0].idHash, 1), sha256(seed, ENTRANTS[0].idHash, u32be(0)));
  const keys = Array.from({ length: 300 }, (_, j) => sha256(seed, ENTRANTS[0].idHash, u32be(j)));
  assert.deepEqual(scoreOf(seed, ENTRANTS[0].idHash, 300), keys.sort(compare)[0]);
});

test("one's own line is found by id and salt", async () => {
  const salt = toHex(sha256(utf8("my salt")));
  const mine = { idHash: sha256(fromHex(salt), utf8("张三")), weight: 3, category: "A" };
  const all = [...ENTRANTS, mine].sort((a, b) => compare(a.idHash, b.idHash));
  const entrants = await listOf(all);
  const outcomes = await rank(entrants, new Map([...QUOTAS.keys()].map((name) => [name, 9_999])), SEED, silent);
  const line = lookUp({ entrants, outcomes }, "张三", ` ${salt.toUpperCase()} `);
  assert.deepEqual([line.listed, line.category, line.weight], [true, "A", 3]);
  assert.equal(toHex(outcomes[1].scores[line.rank - 1]), line.score);
  assert.equal(lookUp({ entrants, outcomes }, "李四", salt).listed, false);
  assert.throws(() => lookUp({ entrants, outcomes }, "张三", "12"), /64 digits/);
});

const [first, second] = ENTRANTS;
const written = linesOf([first]).trimEnd();
const BENT = {
  "weight 0": written.replace(/,\d+,/, ",0,"),
  "weight above": written.replace(/,\d+,/, ",1000001,"),
  "weight with a zero": written.replace(/,(\d+),/, ",0$1,"),
  "weight with a sign": written.replace(/,(\d+),/, ",+$1,"),
  "no weight": written.replace(/,\d+,/, ",,"),
  "a member more": written.replace("]", ',1]'),
  "another category": written.replace(/"[^"]*"\]$/, '"Z"]').replace(/"\\"新\\""\]$/, '"Z"]'),
  "capitals": written.toUpperCase().replaceAll("新", "新"),
  "cut": written.slice(0, 60),
  "nothing": "",
  "a space behind": `${written} `,
};
for (const [name, line] of Object.entries(BENT)) {
  test(`an entrant's line is refused: ${name}`, async () => {
    const lines = new LineReader(pieces(`${line}\n`, 50));
    await assert.rejects(readEntrants(lines, frozenOf([first]), silent), /entrant 1 of 1/);
  });
}

test("lists out of order, of another number, sum or root are refused", async () => {
  await assert.rejects(listOf([second, first]), /not above/);
  await assert.rejects(listOf([first, first]), /not above/);
  await assert.rejects(listOf([first], { ...frozenOf([first]), entrants: 2 }), /ends before it/);
  await assert.rejects(listOf([first], { ...frozenOf([first]), tickets: 99 }), /tickets/);
  await assert.rejects(listOf([first], { ...frozenOf([first]), root: SEED }), /root/);
});

test("lines come whole out of pieces of any length, and no longer than they may be", async () => {
  for (const length of [1, 2, 3, 100]) {
    const lines = new LineReader(pieces("ab\n\nc\n", length));
    const found = [];
    for (let line = await lines.next(); line !== null; line = await lines.next()) found.push(line.length);
    assert.deepEqual(found, [2, 0, 1]);
  }
  await assert.rejects(new LineReader(pieces("ab", 1)).next(), /no line feed/);
  await assert.rejects(new LineReader(pieces("x".repeat(5_000), 512)).next(), /longer than 4096/);
  await assert.rejects(new LineReader(pieces(`${"x".repeat(4_096)}\n`, 9_999)).next(), /longer than 4096/);
  const blob = new LineReader(new Blob(["a\n"]).stream());
  assert.equal((await blob.next()).length, 1);
  await blob.close();
  const failing = (async function* () { throw new Error("gone"); })();
  await assert.rejects(new LineReader(failing).next(), Unreadable);
  await breathe();
});

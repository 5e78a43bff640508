// The verifier of draws: the steps of section 8, in their order, up to the first that fails.

import { equal, toHex, utf8 } from "./bytes.js";
import { breathe } from "./breathe.js";
import { LineReader, readHeader } from "./bundle.js";
import { openCheckpoint } from "./checkpoint.js";
import { contributionInput, rank, seedOf } from "./draw.js";
import { hashChain, openChain, verifyRound } from "./drand.js";
import { verifyEcvrf } from "./ecvrf.js";
import { readEntrants } from "./entrants.js";
import { readHistory } from "./history.js";
import { leafHash, requireConsistency, requireInclusion } from "./merkle.js";
import { requireOutcomes, requireRanking } from "./ranking.js";
import { requireTimes } from "./times.js";

const DEMONSTRATION = "demo";

/**
 * The steps by number. Each takes what the earlier ones found, adds what it found, and gives the values of its note;
 * it throws an `Error` with the reason when it fails.
 * @type {{name: string, run: (draw: any) => Promise<Record<string, string | number>>}[]}
 */
const RUN = [
  { name: "read", run: read },
  { name: "witnesses", run: openCheckpoints },
  { name: "log", run: checkLog },
  { name: "entries", run: readEntries },
  { name: "trust", run: checkTrust },
  { name: "times", run: checkTimes },
  { name: "entrants", run: readList },
  { name: "contributions", run: verifyContributions },
  { name: "beacon", run: verifyBeacon },
  { name: "seed", run: checkSeed },
  { name: "ranking", run: checkRanking },
];

/** The steps' names by number. */
export const STEPS = RUN.map(({ name }) => name);

/**
 * @typedef {object} Step
 * @property {number} step
 * @property {string} name
 * @property {Record<string, string | number>} note values for a sentence about the step
 * @property {boolean} demo whether the beacon says of itself that it is a demonstration
 */

/**
 * @typedef {object} Verdict
 * @property {boolean} verified
 * @property {boolean} demo whether the beacon says of itself that it is a demonstration
 * @property {string | null} draw its name, if the header was read
 * @property {Step[]} steps those that hold
 * @property {{step: number, name: string, reason: string} | null} failure
 * @property {string | null} freeze C in hex, null unless verified
 * @property {string | null} seed in hex
 * @property {import("./draw.js").Outcome[]} outcomes the categories' results, empty unless verified
 * @property {import("./entrants.js").EntrantList | null} entrants
 */

/**
 * Verifies an evidence bundle.
 * @param {ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>} source the bundle's bytes
 * @param {import("./trust.js").Trust} trust
 * @param {object} [options]
 * @param {boolean} [options.demo] accept a demonstration's beacon, which proves nothing
 * @param {(step: number, done: number, of: number) => void} [options.progress] within a step
 * @param {(step: Step) => void} [options.onStep] after each step that holds
 * @returns {Promise<Verdict>}
 * @throws {import("./bundle.js").Unreadable} if the source fails; and whatever but a plain `Error` `progress` and `onStep`
 *   throw, which ends the verification
 */
export async function verify(source, trust, { demo = false, progress = () => {}, onStep = () => {} } = {}) {
  const draw = { lines: new LineReader(source), trust, demo };
  const steps = [];
  let failure = null;
  try {
    for (const [step, { name, run }] of RUN.entries()) {
      draw.progress = (done, of) => progress(step, done, of);
      draw.progress(0, 1);
      await breathe();
      const note = await run(draw);
      const held = { step, name, note, demo: isDemonstration(draw.header.chain) };
      steps.push(held);
      onStep(held);
    }
  } catch (error) {
    // Reasons are plain errors; whatever else there is says nothing about the draw.
    if (error.constructor !== Error) throw error;
    failure = { step: steps.length, name: STEPS[steps.length], reason: error.message };
  } finally {
    await draw.lines.close();
  }
  const verified = failure === null;
  return {
    verified,
    demo: draw.header !== undefined && isDemonstration(draw.header.chain),
    draw: draw.header?.draw ?? null,
    steps,
    failure,
    freeze: verified ? toHex(draw.history.freeze) : null,
    seed: verified ? toHex(draw.seed) : null,
    outcomes: verified ? draw.outcomes : [],
    entrants: verified ? draw.list : null,
  };
}

const isDemonstration = ({ beaconId }) => beaconId.startsWith(DEMONSTRATION);

async function read(draw) {
  draw.header = await readHeader(draw.lines);
  return { draw: draw.header.draw, round: String(draw.header.round) };
}

async function openCheckpoints(draw) {
  const { checkpoints } = draw.header;
  draw.checkpoints = [];
  let logs = null;
  for (const [number, { note, proof }] of checkpoints.entries()) {
    const opened = await about(`checkpoint ${number + 1}`, () => openCheckpoint(note, draw.trust));
    // One origin, and one key of it that has signed them all.
    const origin = draw.checkpoints[0]?.origin ?? opened.origin;
    logs = (logs ?? opened.logs).filter((key) => opened.logs.includes(key));
    if (opened.origin !== origin || logs.length === 0) throw new Error(`checkpoint ${number + 1} is of another log than the first`);
    draw.checkpoints.push({ ...opened, proof });
    draw.progress(number + 1, checkpoints.length);
    await breathe();
  }
  return { checkpoints: checkpoints.length, log: draw.checkpoints[0].origin };
}

async function checkLog({ header, checkpoints }) {
  const last = checkpoints.at(-1);
  for (const [number, checkpoint] of checkpoints.entries()) {
    if (number > 0 && checkpoint.size <= checkpoints[number - 1].size) {
      throw new Error(`checkpoint ${number + 1} has no more entries than the one before it`);
    }
    await about(`checkpoint ${number + 1}`, () => requireConsistency(checkpoint, last, checkpoint.proof));
  }
  let before = -1;
  for (const { text, index, proof } of header.entries) {
    if (index <= before) throw new Error(`the entry at ${index} comes after the one at ${before}`);
    before = index;
    await about(`the entry at ${index}`, () => requireInclusion(leafHash(utf8(text)), index, last.size, proof, last.root));
  }
  return { entries: header.entries.length, size: last.size };
}

/** A reason says of what. */
async function about(what, check) {
  try {
    return await check();
  } catch (error) {
    throw error.constructor === Error ? new Error(`${what}: ${error.message}`, { cause: error }) : error;
  }
}

async function readEntries(draw) {
  draw.history = readHistory(draw.header);
  const { freeze, contributions } = draw.history;
  return { freeze: toHex(freeze), contributors: contributions.length };
}

async function checkTrust(draw) {
  const { header, history, trust, demo } = draw;
  const hash = await hashChain(header.chain);
  const announced = history.announced.beacon.chain;
  if (!equal(hash, announced)) throw new Error(`the beacon's parts give the chain ${toHex(hash)}, announced was ${toHex(announced)}`);
  const chain = trust.chains.get(toHex(hash));
  if (chain === undefined) throw new Error(`the chain ${toHex(hash)} is not in the trust file`);
  if (isDemonstration(header.chain) && !demo) {
    throw new Error("its beacon is a demonstration, whose secret one party knows: it proves nothing");
  }
  const names = history.frozen.contributors.map((key) => {
    const name = trust.contributors.get(toHex(key));
    if (name === undefined) throw new Error(`the contributor ${toHex(key)} is not in the trust file`);
    return name;
  });
  draw.chain = await openChain(header.chain, hash);
  return { chain, contributors: names.join(", ") };
}

async function checkTimes({ header, history, checkpoints, trust }) {
  const due = BigInt(header.chain.genesisTime) + BigInt(header.chain.period) * (BigInt(header.round) - 1n);
  const { early, lead } = requireTimes(history, checkpoints, trust, due);
  return { early: String(early), lead: lead === null ? "" : String(lead) };
}

async function readList(draw) {
  draw.list = await readEntrants(draw.lines, draw.history.frozen, draw.progress);
  return { entrants: draw.list.length, tickets: draw.list.tickets };
}

async function verifyContributions(draw) {
  const { contributions, freeze } = draw.history;
  const alpha = contributionInput(freeze);
  draw.betas = [];
  for (const { key, proof, index } of contributions) {
    draw.betas.push(await about(`the contribution at ${index}`, () => verifyEcvrf(key, alpha, proof)));
    draw.progress(draw.betas.length, contributions.length);
    await breathe();
  }
  return { contributions: contributions.length };
}

async function verifyBeacon({ chain, header, history }) {
  const randomness = await verifyRound(chain, header.round, header.signature);
  if (!equal(randomness, history.finished.randomness)) {
    throw new Error(`the round's randomness is ${toHex(randomness)}, the result says ${toHex(history.finished.randomness)}`);
  }
  return { round: String(header.round), randomness: toHex(randomness) };
}

async function checkSeed(draw) {
  draw.seed = await seedOf(draw.history.freeze, draw.header.signature, draw.betas);
  const said = draw.history.finished.seed;
  if (!equal(draw.seed, said)) throw new Error(`the seed is ${toHex(draw.seed)}, the result says ${toHex(said)}`);
  return { seed: toHex(draw.seed) };
}

async function checkRanking(draw) {
  const { frozen, finished } = draw.history;
  draw.outcomes = await rank(draw.list, frozen.quotas, draw.seed, draw.progress);
  await requireRanking(draw.lines, draw.outcomes, draw.list);
  requireOutcomes(finished.categories, draw.outcomes);
  return { winners: draw.outcomes.reduce((sum, { winners }) => sum + winners.length, 0), categories: draw.outcomes.length };
}

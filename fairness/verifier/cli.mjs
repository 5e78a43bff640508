#!/usr/bin/env node
// node cli.mjs BUNDLE [--trust FILE] [--demo] [--json]
// node cli.mjs receipt FILE [--bundle BUNDLE] [--trust FILE] [--demo] [--json]
//
// Verifies an evidence bundle, or an entrant's receipt; names the first step that fails. No network, nothing to install.
// Exit codes: 0 good, 1 the draw or the receipt is refused, 2 unusable input.

import { createReadStream, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { Unreadable } from "./bundle.js";
import { figuresOf } from "./ranking.js";
import { RECEIPT_STEPS, checkReceipt } from "./receipt.js";
import { noteOf, sentence, sentencesOf } from "./texts.js";
import { DEFAULT_TRUST, parseTrust } from "./trust.js";
import { STEPS, verify } from "./verify.js";

const USAGE = `usage: node cli.mjs BUNDLE [--trust FILE] [--demo] [--json]
       node cli.mjs receipt FILE [--bundle BUNDLE] [--trust FILE] [--demo] [--json]`;
const BAR = 30;

/** Input that cannot be used; the message says what would be right. */
class Unusable extends Error {}

async function main(words) {
  const { bundle, receipt, trust, demo, json } = readWords(words);
  const believed = readTrust(trust);
  const text = receipt === undefined ? null : readReceipt(receipt);
  const draw = bundle === undefined ? null : await verifyBundle(bundle, believed, demo);
  if (text === null) {
    process.stdout.write(json ? `${JSON.stringify(asJson(draw))}\n` : asText(draw));
    return draw.verified ? 0 : 1;
  }
  const checked = await checkReceipt(text, believed, draw);
  process.stdout.write(json ? `${JSON.stringify(receiptAsJson(checked, draw))}\n` : receiptAsText(checked, draw));
  return checked.holds ? 0 : 1;
}

async function verifyBundle(path, believed, demo) {
  const progress = process.stderr.isTTY ? showBar : undefined;
  try {
    return await verify(bytesOf(path), believed, { demo, progress });
  } catch (error) {
    if (error instanceof Unreadable) throw new Unusable(error.message, { cause: error });
    throw error;
  }
}

function readReceipt(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Unusable(error.message, { cause: error });
  }
}

/** A file's bytes; opened when the first are asked for, so that whoever asks hears of a file that is not there. */
async function* bytesOf(path) {
  yield* createReadStream(path, { highWaterMark: 1 << 20 });
}

function readWords(words) {
  const flag = { type: "boolean" };
  const options = { bundle: { type: "string" }, trust: { type: "string" }, demo: flag, json: flag };
  try {
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
    const [first, second] = positionals;
    if (positionals.length === 2 && first === "receipt") return { receipt: second, ...values };
    if (positionals.length === 1 && values.bundle === undefined) return { ...values, bundle: first };
  } catch (error) {
    throw new Unusable(`${error.message}\n${USAGE}`, { cause: error });
  }
  throw new Unusable(USAGE);
}

function readTrust(path) {
  try {
    return parseTrust(path === undefined ? DEFAULT_TRUST : readFileSync(path));
  } catch (error) {
    throw new Unusable(`--trust: ${path}: ${error.message}`, { cause: error });
  }
}

function asJson({ verified, demo, draw, steps, failure, seed, outcomes }) {
  if (!verified) return { verified, step: failure.step, name: failure.name, reason: failure.reason };
  return {
    verified,
    demo,
    draw,
    seed,
    steps: Object.fromEntries(steps.map((step) => [step.name, noteOf("en", step)])),
    categories: Object.fromEntries(outcomes.map((outcome) => [outcome.name, figuresOf(outcome)])),
  };
}

function asText({ verified, demo, steps, failure, outcomes }) {
  const lines = steps.map((step) => labelled(step, noteOf("en", step)));
  if (!verified) lines.push(labelled(failure, `FAILS: ${failure.reason}`));
  for (const { name, winners, entrants, tickets } of outcomes) {
    lines.push(`${name}: ${winners.length} of ${entrants} entrants, ${tickets} tickets`);
  }
  if (verified) lines.push(demo ? "The procedure holds; its beacon is a demonstration and proves nothing." : "Verified.");
  return lines.map((line) => `${demo ? "DEMONSTRATION  " : ""}${line}\n`).join("");
}

function receiptAsJson({ holds, failure, draw: name, idHash, listed, times, line }, draw) {
  if (!holds) return { verified: holds, ...failure };
  const { category, weight, score, cutoff, rank } = line ?? {};
  return {
    verified: holds,
    demo: draw?.demo ?? false,
    draw: name,
    id_hash: idHash,
    listed: listed !== null,
    witnessed: Object.fromEntries([...times].map(([witness, time]) => [witness, Number(time)])),
    result: line && { category, weight, score, cutoff, rank },
  };
}

function receiptAsText(checked, draw) {
  const { holds, failure, line } = checked;
  const mark = draw?.demo ? "DEMONSTRATION  " : "";
  if (!holds) {
    const held = RECEIPT_STEPS.slice(0, failure.step).map((name, step) => labelled({ step, name }, "holds"));
    return [...held, labelled(failure, `FAILS: ${failure.reason}`)].map((text) => `${mark}${text}\n`).join("");
  }
  const lines = sentencesOf("en", checked, draw);
  if (line !== null) {
    const { category, rank, cutoff, score } = line;
    const count = draw.outcomes.find(({ name }) => name === category).winners.length;
    lines.push(sentence("en", rank !== null ? "won" : cutoff ? "lost" : "lost_no_places", { category, rank, count }));
    lines.push(`score  ${score}`, `cutoff ${cutoff || "none"}`);
  }
  if (draw?.demo) lines.push(sentence("en", "verified_demo"));
  return lines.map((text) => `${mark}${text}\n`).join("");
}

function labelled({ step, name }, text) {
  return `${`(${step})`.padEnd(5)}${name.padEnd(15)}${text}`;
}

function showBar(step, done, of) {
  const filled = Math.floor((BAR * done) / of);
  const bar = "#".repeat(filled).padEnd(BAR);
  process.stderr.write(`\r${STEPS[step].padEnd(14)}[${bar}] ${done} of ${of}${done === of ? "\n" : ""}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Unusable)) throw error;
  process.stderr.write(`Error: ${error.message}\n`);
  process.exitCode = 2;
}

#!/usr/bin/env node
// node cli.mjs BUNDLE [--trust FILE] [--demo] [--json]
//
// Verifies an evidence bundle; names the first step that fails. No network, nothing to install.
// Exit codes: 0 good, 1 the draw is refused, 2 unusable input.

import { createReadStream, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { Unreadable } from "./bundle.js";
import { figuresOf } from "./ranking.js";
import { noteOf } from "./texts.js";
import { DEFAULT_TRUST, parseTrust } from "./trust.js";
import { STEPS, verify } from "./verify.js";

const USAGE = "usage: node cli.mjs BUNDLE [--trust FILE] [--demo] [--json]";
const BAR = 30;

/** Input that cannot be used; the message says what would be right. */
class Unusable extends Error {}

async function main(words) {
  const { bundle, trust, demo, json } = readWords(words);
  const believed = readTrust(trust);
  const progress = process.stderr.isTTY ? showBar : undefined;
  let verdict;
  try {
    verdict = await verify(bytesOf(bundle), believed, { demo, progress });
  } catch (error) {
    if (error instanceof Unreadable) throw new Unusable(error.message, { cause: error });
    throw error;
  }
  process.stdout.write(json ? `${JSON.stringify(asJson(verdict))}\n` : asText(verdict));
  return verdict.verified ? 0 : 1;
}

/** A file's bytes; opened when the first are asked for, so that whoever asks hears of a file that is not there. */
async function* bytesOf(path) {
  yield* createReadStream(path, { highWaterMark: 1 << 20 });
}

function readWords(words) {
  const options = { trust: { type: "string" }, demo: { type: "boolean" }, json: { type: "boolean" } };
  try {
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
    if (positionals.length === 1) return { bundle: positionals[0], ...values };
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

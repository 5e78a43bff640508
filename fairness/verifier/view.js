// What the verifier's page shows, made of elements alone: nothing that was read becomes markup.

import { toHex } from "./bytes.js";
import { figuresOf } from "./ranking.js";
import { LANGUAGES, noteOf, sentence, sentencesOf } from "./texts.js";
import { STEPS } from "./verify.js";

const MOST_SHOWN = 100;

/** @param {string} id @returns {any} the element */
export const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sentences of one language. */
export class View {
  /** @param {string} language */
  constructor(language) {
    this.language = language;
    this.say = (name, values) => sentence(language, name, values);
  }

  /** What the page says whatever is checked. @param {(language: string) => void} onChoose */
  showTexts(onChoose) {
    document.documentElement.lang = this.language;
    document.title = this.say("title");
    for (const each of document.querySelectorAll("[data-text]")) each.textContent = this.say(each.dataset.text);
    const buttons = Object.entries(LANGUAGES).map(([code, name]) => {
      const pressed = String(code === this.language);
      const button = element("button", { type: "button", lang: code, "aria-pressed": pressed }, name);
      button.addEventListener("click", () => {
        onChoose(code);
        byId("languages").querySelector("[aria-pressed=true]").focus();
      });
      return button;
    });
    byId("languages").setAttribute("aria-label", this.say("language"));
    byId("languages").replaceChildren(...buttons);
  }

  /** @param {string} name "bundle", "trust" or "receipt" @param {File | null} file */
  showFile(name, file) {
    const size = file && this.#size(file.size);
    byId(`${name}-file`).textContent = file ? this.say("dropped", { name: file.name, size }) : this.say("no_file");
    byId(`drop-${name}`).classList.toggle("has", file !== null);
  }

  #size(bytes) {
    const [unit, divisor] = bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
    const style = { style: "unit", unit, maximumFractionDigits: 1 };
    return new Intl.NumberFormat(this.language, style).format(bytes / divisor);
  }

  /**
   * @param {import("./verify.js").Step[]} held
   * @param {{running: boolean, failure: {step: number, reason: string} | null}} state
   */
  showSteps(held, { running, failure }) {
    const demo = held.some((step) => step.demo);
    const rows = STEPS.map((name, number) => {
      const step = held[number];
      if (step !== undefined) return this.#row(number, "holds", { note: noteOf(this.language, step), demo });
      if (failure?.step === number) return this.#row(number, "fails", { note: failure.reason, demo, lang: "en" });
      if (failure !== null) return this.#row(number, "not_reached", { demo });
      return this.#row(number, running && number === held.length ? "runs" : "waits", { demo });
    });
    byId("steps").replaceChildren(...rows);
  }

  #row(number, state, { note = "", demo, lang = this.language }) {
    const title = this.say(`step_${STEPS[number]}`);
    const row = element(
      "li",
      { class: state === "not_reached" ? "waits" : state },
      element("span", { class: "number" }, String(number)),
      element("span", { class: "what" }, ...this.#badge(demo), title),
      element("span", { class: "state" }, this.say(state)),
    );
    if (note) row.append(element("p", { class: "note", lang }, note));
    if (state === "runs") row.append(element("progress", { max: "1", "aria-label": title }));
    return row;
  }

  /** Progress within the step that runs. @param {number} done @param {number} of */
  showProgress(done, of) {
    const bar = byId("steps").querySelector("progress");
    if (bar === null || of <= 1) return;
    bar.max = of;
    bar.value = done;
    const state = bar.parentElement.querySelector(".state");
    state.textContent = this.say("progress", { done, of });
  }

  #badge(demo) {
    return demo ? [element("span", { class: "badge" }, this.say("demonstration"))] : [];
  }

  /** @param {{kind: string, text: string} | null} trouble what stopped a check @param {any} verdict */
  showVerdict(trouble, verdict) {
    byId("verdict").replaceChildren(...(trouble ? [this.#trouble(trouble)] : verdict ? [this.#verdict(verdict)] : []));
  }

  #trouble({ name, values }) {
    return element("div", { class: "notice bad" }, element("p", {}, this.say(name, values)));
  }

  #verdict({ verified, demo, failure }) {
    const kind = !verified ? "bad" : demo ? "demo" : "good";
    const strong = verified
      ? this.say(demo ? "verified_demo" : "verified")
      : this.say("refused", { step: failure.step, name: this.say(`step_${failure.name}`) });
    const more = element("p", {});
    if (verified) {
      more.append(this.say("verified_more"));
    } else {
      const [before, after] = this.say("refused_more", { reason: "\n" }).split("\n");
      more.append(before, element("span", { lang: "en" }, failure.reason), after);
    }
    return element("div", { class: `notice ${kind}` }, element("p", { class: "strong" }, ...this.#badge(demo), strong), more);
  }

  /** @param {import("./verify.js").Verdict | null} verdict one that holds */
  showResult(verdict) {
    byId("result").hidden = verdict === null;
    if (verdict === null) {
      byId("outcomes").replaceChildren();
      return;
    }
    const { demo } = verdict;
    const facts = [
      [this.say("draw_name"), verdict.draw],
      [this.say("seed_name"), element("code", {}, verdict.seed)],
    ];
    byId("outcomes").replaceChildren(
      this.#facts(facts, demo),
      ...verdict.outcomes.map((outcome) => this.#outcome(outcome, verdict.entrants, demo)),
      element("p", { class: "hint" }, ...this.#badge(demo), this.say("odds_weight")),
    );
  }

  #facts(facts, demo) {
    const items = facts.flatMap(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, ...this.#badge(demo), value),
    ]);
    return element("dl", { class: "facts" }, ...items);
  }

  #outcome(outcome, list, demo) {
    const { winners, entrants, tickets, cutoff } = figuresOf(outcome);
    const figures = [["places", outcome.quota], ["entrants", entrants], ["tickets", tickets]];
    const share = new Intl.NumberFormat(this.language, { style: "percent", maximumSignificantDigits: 3 });
    const odds = entrants > 0 && winners === entrants
      ? this.say("odds_all", { entrants })
      : this.say("odds", { winners, entrants, percent: share.format(entrants ? winners / entrants : 0) });
    return element(
      "section",
      { class: "card" },
      element("h3", {}, ...this.#badge(demo), outcome.name),
      element(
        "dl",
        { class: "figures" },
        ...figures.map(([name, value]) =>
          element("div", {}, element("dt", {}, this.say(name)), element("dd", {}, value.toLocaleString(this.language)))),
      ),
      element("p", {}, ...this.#badge(demo), odds),
      this.#facts([[this.say("cutoff"), cutoff ? element("code", {}, cutoff) : this.say("none")]], demo),
      ...(winners ? [this.#winners(outcome, list, demo)] : []),
    );
  }

  #winners({ name, winners, scores }, list, demo) {
    const shown = winners.slice(0, MOST_SHOWN);
    const rows = shown.map((entrant, place) =>
      element(
        "li",
        {},
        element("span", { class: "rank" }, String(place + 1)),
        element("span", {}, ...this.#badge(demo), element("code", {}, toHex(list.idHash(entrant)))),
        element("span", { class: "weight" }, `${this.say("weight")} ${list.weight(entrant)}`),
        element("span", { class: "score" }, `${this.say("score")} `, element("code", {}, toHex(scores[place]))),
      ));
    const values = { shown: shown.length, count: winners.length };
    const count = this.say(winners.length > MOST_SHOWN ? "winners_count" : "winners_all", values);
    return element(
      "details",
      {},
      element("summary", {}, `${this.say("winners_title", { category: name })} · ${count}`),
      element("ol", { class: "winners" }, ...rows),
    );
  }

  /**
   * @param {import("./receipt.js").ReceiptVerdict | null} receipt
   * @param {import("./verify.js").Verdict | null} draw its bundle's, if that holds
   */
  showReceipt(receipt, draw) {
    const shown = receipt === null ? [] : receipt.holds ? [this.#receipt(receipt, draw)] : [this.#refusedReceipt(receipt)];
    byId("receipt-verdict").replaceChildren(...shown);
  }

  #receipt(receipt, draw) {
    const said = sentencesOf(this.language, receipt, draw);
    const demo = draw?.demo ?? false;
    const kind = receipt.listed === null ? "bad" : demo ? "demo" : "good";
    const outcome = draw?.outcomes.find(({ name }) => name === receipt.line?.category);
    return element(
      "section",
      { class: `notice ${kind}` },
      ...said.map((text, place) => element("p", { class: place ? "hint" : "strong" }, ...this.#badge(demo), text)),
      ...(receipt.line ? [this.#ownLine(receipt.line, outcome.winners.length, demo)] : [this.#facts([[this.say("id_hash"), element("code", {}, receipt.idHash)]], demo)]),
    );
  }

  #refusedReceipt({ failure: { step, name, reason } }) {
    return element(
      "div",
      { class: "notice bad" },
      element("p", { class: "strong" }, this.say("receipt_refused", { step, name: this.say(`receipt_step_${name}`) })),
      element("p", { lang: "en" }, reason),
    );
  }

  /**
   * @param {import("./own_line.js").OwnLine | null} line
   * @param {{wrong: string | null, count: number, demo: boolean}} more `wrong`: a sentence's name
   */
  showOwnLine(line, { wrong, count, demo }) {
    byId("line-wrong").textContent = wrong ? this.say(wrong) : "";
    byId("line-id").setAttribute("aria-invalid", String(wrong === "id_missing"));
    byId("line-salt").setAttribute("aria-invalid", String(wrong === "salt_wrong"));
    byId("line-found").replaceChildren(...(line ? [this.#ownLine(line, count, demo)] : []));
  }

  #ownLine(line, count, demo) {
    const { category, rank, cutoff } = line;
    const said = !line.listed ? "not_listed" : rank !== null ? "won" : cutoff ? "lost" : "lost_no_places";
    const kind = { not_listed: "bad", won: "good" }[said] ?? "";
    const facts = [[this.say("id_hash"), element("code", {}, line.idHash)]];
    if (line.listed) {
      facts.push([this.say("weight"), line.weight.toLocaleString(this.language)]);
      facts.push([this.say("score"), element("code", {}, line.score)]);
      facts.push([this.say("cutoff"), cutoff ? element("code", {}, cutoff) : this.say("none")]);
    }
    return element(
      "div",
      { class: `notice ${kind}` },
      element("p", { class: "strong" }, ...this.#badge(demo), this.say(said, { category, rank, count })),
      ...(line.listed ? [element("p", { class: "hint" }, ...this.#badge(demo), this.say("smaller_wins"))] : []),
      this.#facts(facts, demo),
    );
  }
}

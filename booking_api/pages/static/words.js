// The page's sentences, rendered into it by the server in its language.

export const page = document.getElementById("page");
export const lang = document.documentElement.lang;
const words = JSON.parse(page.dataset.words);

export function word(key, facts = {}) {
  const sentence = words[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

/** A refusal in the page's language: ours where there is one, else the sentence the API sent. */
export function problemWords(problem) {
  if (problem.code === "not_eligible") return ruleWords(problem);
  return words[`problem.${problem.code}`] ?? problem.detail ?? problem.code;
}

const dayFormat = new Intl.DateTimeFormat(lang, {
  timeZone: "Asia/Shanghai", month: "short", day: "numeric", weekday: "short",
});
const timeFormat = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit",
});

/** "Tue, Nov 24, 08:30–11:30" of a unit of the API. */
export function whenWords(unit) {
  if (!unit.starts_at) return "";
  const start = new Date(unit.starts_at);
  const end = unit.ends_at ? `–${timeFormat.format(new Date(unit.ends_at))}` : "";
  return `${dayFormat.format(start)} ${timeFormat.format(start)}${end}`;
}

export function titleWords(unit) {
  const title = unit.title[lang] ?? Object.values(unit.title)[0] ?? "";
  const quota = unit.attributes.quota === "priority" ? word("priority") : "";
  return [title, unit.attributes.class, quota].filter(Boolean).join(" · ");
}

/** Why the rules do not allow it: each rule with the person's facts, then the first day on which it would pass. */
function ruleWords(problem) {
  const rules = problem.rules.map(({ rule, facts }) => word(`rule.${rule}`, facts));
  const day = problem.first_day ? word("rules.first_day", { day: problem.first_day }) : word("rules.never");
  return word("rules.opening") + rules.join(word("rules.between")) + word("rules.end") + day;
}

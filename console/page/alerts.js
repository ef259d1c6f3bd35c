// The list of alerts: read once, then kept by the stream.

import { get } from "./api.js";
import { byId, make, show, time } from "./dom.js";
import { titleOf, word } from "./words.js";

const PAGE = 200;
const SCANNED_MAX = 2000;
const STATES = ["open", "acknowledged", "assigned", "arrived", "resolved", "closed", "withdrawn"];
const SEVERITIES = ["urgent", "serious", "minor", "notice"];
const KINDS = ["violation", "early_warning", "device"];
const FINISHED = ["closed", "withdrawn"];
const UNFINISHED = "unfinished";

const known = new Map();
let rules = [];
let next = null;
let chosen = null;
let reading = 0;

const filter = (name) => byId(`filter-${name}`).value;

function wanted(alert) {
  const state = filter("state") || UNFINISHED;
  const fits = (name, value) => filter(name) === "" || filter(name) === value;
  const isState = state === "any" || (state === UNFINISHED ? !FINISHED.includes(alert.state) : alert.state === state);
  return isState && !alert.trial && fits("severity", alert.severity) && fits("kind", alert.kind) && fits("rule", alert.rule);
}

/** How many alerts are not closed, of those that are known. */
export function unfinished() {
  return [...known.values()].filter((alert) => !FINISHED.includes(alert.state) && !alert.trial).length;
}

/** Reads the list anew. */
export async function load() {
  const turn = ++reading;
  const found = [];
  let cursor = null;
  do {
    const page = await get("alerts", { limit: PAGE, cursor });
    if (turn !== reading) return;
    found.push(...page.alerts);
    cursor = page.next;
  } while (cursor && found.length < SCANNED_MAX);
  known.clear();
  for (const alert of found) known.set(alert.id, alert);
  next = cursor;
  render();
}

export async function loadOlder() {
  const page = await get("alerts", { limit: PAGE, cursor: next });
  for (const alert of page.alerts) known.set(alert.id, alert);
  next = page.next;
  render();
}

export async function loadRules() {
  rules = (await get("rules")).rules;
  renderFilters();
}

/** Takes over an alert as it is now. */
export function take(alert) {
  const isNew = !known.has(alert.id);
  known.set(alert.id, alert);
  render();
  if (isNew) byId(`row-${alert.id}`)?.classList.add("fresh");
}

export function choose(id) {
  chosen = id;
  for (const row of byId("list").children) row.classList.toggle("chosen", row.id === `row-${id}`);
}

export function titleOfRule(id) {
  const rule = rules.find((rule) => rule.id === id);
  return rule ? titleOf(rule.title) : id;
}

/** The mark of how pressing an alert is. */
export function badge(alert) {
  return make("span", { class: `badge ${alert.severity}` }, word(`severity.${alert.severity}`));
}

/** What else must be known before anybody drives there. */
export function marks(alert) {
  const all = [alert.lead && "mark.lead", alert.trial && "mark.trial", alert.reconstructed && "mark.reconstructed"];
  return all.filter(Boolean).map((key) => make("span", { class: "mark" }, word(key)));
}

export function stateOf(alert) {
  return make("span", { class: `state ${alert.state}` }, word(`state.${alert.state}`));
}

function row(alert) {
  return make("li", { id: `row-${alert.id}`, class: alert.id === chosen ? "chosen" : null },
    make("a", { href: `#/alert/${alert.id}` },
      make("div", { class: "line" }, badge(alert), make("strong", {}, titleOf(alert.title)), marks(alert)),
      make("div", { class: "line" }, make("span", { class: "asset" }, alert.asset.name), make("span", { class: "quiet" }, time(alert.opened_at))),
      make("div", { class: "summary" }, alert.summary),
      make("div", { class: "line small" }, stateOf(alert),
        make("span", { class: `condition ${alert.condition}` }, word(`condition.${alert.condition}`)),
        make("span", { class: "quiet" }, word(`kind.${alert.kind}`)))));
}

function newestFirst(a, b) {
  return a.opened_at === b.opened_at ? (a.id < b.id ? -1 : 1) : (a.opened_at < b.opened_at ? 1 : -1);
}

export function render() {
  const shown = [...known.values()].filter(wanted).sort(newestFirst);
  byId("list").replaceChildren(...shown.map(row));
  show(byId("none"), shown.length === 0);
  show(byId("more"), next !== null);
}

function options(name, choices) {
  const select = byId(`filter-${name}`);
  const before = select.value;
  select.replaceChildren(...choices.map(([value, text]) => make("option", { value }, text)));
  if (choices.some(([value]) => value === before)) select.value = before;
}

export function renderFilters() {
  options("state", [[UNFINISHED, word("filter.unfinished")], ["any", word("filter.any-state")], ...STATES.map((state) => [state, word(`state.${state}`)])]);
  options("severity", [["", word("filter.any-severity")], ...SEVERITIES.map((severity) => [severity, word(`severity.${severity}`)])]);
  options("kind", [["", word("filter.any-kind")], ...KINDS.map((kind) => [kind, word(`kind.${kind}`)])]);
  options("rule", [["", word("filter.any-rule")], ...rules.map((rule) => [rule.id, titleOf(rule.title)])]);
}

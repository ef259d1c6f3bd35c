// The list of alerts: read once, then kept by the stream.

import { get } from "./api.js";
import { byId, make, refill, show, time } from "./dom.js";
import { summaryOf, titleOf, word } from "./words.js";

const PAGE = 200;
const PAGE_MAX = 500;
/** So many rows are drawn until more are asked for. */
const ROWS = 200;
const SETTLE_MS = 50;
const STATES = ["open", "acknowledged", "assigned", "arrived", "resolved", "closed", "withdrawn"];
const SEVERITIES = ["urgent", "serious", "minor", "notice"];
const KINDS = ["violation", "early_warning", "device"];
const FINISHED = ["closed", "withdrawn"];
const UNFINISHED = "unfinished";
const UNFINISHED_STATES = STATES.filter((state) => !FINISHED.includes(state));

const known = new Map();
let rules = [];
let next = null;
let chosen = null;
let reading = 0;
/** What the stream has said since the list began to be read: younger than what the list says. */
const since = new Map();
let rows = ROWS;
let isMoreUnfinished = false;
const fresh = new Set();
let settling = null;

const filter = (name) => byId(`filter-${name}`).value;

function wanted(alert) {
  const state = filter("state") || UNFINISHED;
  const fits = (name, value) => filter(name) === "" || filter(name) === value;
  const isState = state === "any" || (state === UNFINISHED ? !FINISHED.includes(alert.state) : alert.state === state);
  return isState && !alert.trial && fits("severity", alert.severity) && fits("kind", alert.kind) && fits("rule", alert.rule);
}

/** How many alerts are not closed, and whether there are more than are known. */
export function unfinished() {
  return [[...known.values()].filter((alert) => !FINISHED.includes(alert.state) && !alert.trial).length, isMoreUnfinished];
}

/** Reads the list anew: the latest of all, and of each state in which something is to be done. */
export async function load() {
  const turn = ++reading;
  since.clear();
  const [latest, ...pages] = await Promise.all([get("alerts", { limit: PAGE }),
    ...UNFINISHED_STATES.map((state) => get("alerts", { state, limit: PAGE_MAX }))]);
  if (turn !== reading) return;
  known.clear();
  fresh.clear();
  for (const alert of [latest, ...pages].flatMap((page) => page.alerts)) known.set(alert.id, alert);
  for (const [id, alert] of since) known.set(id, alert);
  isMoreUnfinished = pages.some((page) => page.next !== null);
  next = latest.next;
  render();
}

/** Draws more rows, and reads older alerts where all are drawn. */
export async function loadOlder() {
  rows += ROWS;
  if (next && matching().length < rows) {
    const page = await get("alerts", { limit: PAGE, cursor: next });
    for (const alert of page.alerts) known.set(alert.id, alert);
    next = page.next;
  }
  render();
}

export async function loadRules() {
  rules = (await get("rules")).rules;
  renderFilters();
}

/** Takes over an alert as it is now. */
export function take(alert) {
  if (!known.has(alert.id) && !alert.trial) {
    fresh.add(alert.id);
    byId("said").textContent = word("list.fresh", `${titleOf(alert.title)}, ${alert.asset.name}`);
  }
  known.set(alert.id, alert);
  since.set(alert.id, alert);
  settling ??= setTimeout(render, SETTLE_MS);
}

export function choose(id) {
  chosen = id;
  fresh.delete(id);
  render();
}

/** What is known of a rule. */
export function ruleOf(id) {
  return rules.find((rule) => rule.id === id);
}

export function titleOfRule(id) {
  const rule = ruleOf(id);
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
  const kind = [alert.id === chosen && "chosen", fresh.has(alert.id) && "fresh"].filter(Boolean).join(" ");
  return make("li", { id: `row-${alert.id}`, class: kind || null },
    make("a", { id: `open-${alert.id}`, href: `#/alert/${alert.id}` },
      make("div", { class: "line" }, badge(alert), make("strong", {}, titleOf(alert.title)), marks(alert)),
      make("div", { class: "line" }, make("span", { class: "asset" }, alert.asset.name), make("span", { class: "quiet" }, time(alert.opened_at))),
      make("div", { class: "summary" }, summaryOf(alert)),
      make("div", { class: "line small" }, stateOf(alert),
        make("span", { class: `condition ${alert.condition}` }, word(`condition.${alert.condition}`)),
        make("span", { class: "quiet" }, word(`kind.${alert.kind}`)))));
}

function newestFirst(a, b) {
  return a.opened_at === b.opened_at ? (a.id < b.id ? -1 : 1) : (a.opened_at < b.opened_at ? 1 : -1);
}

function matching() {
  return [...known.values()].filter(wanted).sort(newestFirst);
}

export function render() {
  clearTimeout(settling);
  settling = null;
  const all = matching();
  refill(byId("list"), all.slice(0, rows).map(row));
  show(byId("none"), all.length === 0);
  show(byId("more"), next !== null || all.length > rows);
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

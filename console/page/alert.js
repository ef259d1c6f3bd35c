// One alert: what was seen, on what it rests, what was done and what can be done.

import { command, get } from "./api.js";
import { badge, marks, ruleOf, stateOf, take, titleOfRule } from "./alerts.js";
import { charts, history } from "./chart.js";
import { byId, figure, make, refill, show, time } from "./dom.js";
import { devicesOf } from "./lists.js";
import { leadOf, reasonOf, summaryOf, titleOf, word, wordOr, wrongOf } from "./words.js";

const ORDER = ["open", "acknowledged", "assigned", "arrived", "resolved", "closed"];
const WORDS_MAX = 1300; // 4096 bytes of Chinese

let current = null;
let evidence = null;
let past = new Map();
let opening = 0;
let mayAct = false;

/** Whether the reader may act, or only look. */
export function permit(may) {
  mayAct = may;
}

/** Which alert is shown. */
export function shown() {
  return current?.id ?? null;
}

export async function open(id) {
  const turn = ++opening;
  if (current?.id !== id) {
    current = null;
    evidence = null;
    past = new Map();
    refill(byId("alert"));
  }
  try {
    const [alert, found] = await Promise.all([get(`alerts/${encodeURIComponent(id)}`), get(`alerts/${encodeURIComponent(id)}/evidence`)]);
    if (turn !== opening) return;
    const isNew = current === null;
    current = alert;
    evidence = found.messages;
    render();
    if (isNew) byId("title").focus({ preventScroll: true });
  } catch (error) {
    if (turn === opening) refill(byId("alert"), back(), make("p", { class: "wrong" }, error.status === 404 ? word("alert.unknown") : wrongOf(error)));
    return;
  }
  const found = await history(current, ruleOf(current.rule), devicesOf(current.asset.id));
  if (turn !== opening) return;
  past = found;
  renderCharts();
}

export function close() {
  opening += 1;
  current = null;
  refill(byId("alert"), make("p", { class: "quiet hint" }, word("list.choose")));
}

function back() {
  return make("a", { class: "back", href: "#/" }, `‹ ${word("list.back")}`);
}

export function render() {
  if (!current) return;
  const typed = byId("reason")?.value ?? "";
  const isOpen = (id) => byId(id)?.open ?? false;
  refill(byId("alert"), back(), head(current), mayAct ? actions(current, typed) : make("p", { class: "quiet" }, word("act.only-look")),
    facts(current), clause(current), make("h3", {}, word("alert.chart")), make("div", { id: "charts" }),
    events(current), values(current, isOpen("values")), proof(current, isOpen("evidence")));
  renderCharts();
}

/** Draws the charts as wide as there is room. */
export function renderCharts() {
  if (current) refill(byId("charts"), charts(current, ruleOf(current.rule), evidence, past, byId("charts").clientWidth));
}

function head(alert) {
  return make("div", { class: "head" },
    make("h2", { id: "title", tabindex: -1 }, titleOf(alert.title)),
    make("div", { class: "line" }, badge(alert), stateOf(alert), make("span", { class: `condition ${alert.condition}` }, word(`condition.${alert.condition}`)),
      make("span", { class: "quiet" }, word(`kind.${alert.kind}`)), marks(alert)),
    make("p", { class: "summary" }, summaryOf(alert)),
    alert.lead && leadOf(alert) && make("p", { class: "lead" }, `${word("alert.lead")}: ${leadOf(alert)}`));
}

function possible(state) {
  const at = ORDER.indexOf(state);
  if (state === "closed") return ["reopen"];
  if (at < 0) return [];
  const all = [["acknowledge", 1], ["resolve", 4], ["close", 5]];
  return all.filter(([, target]) => at < target).map(([action]) => action);
}

function actions(alert, typed) {
  const wrong = make("p", { id: "wrong", class: "wrong", role: "alert", hidden: true });
  const reason = make("textarea", { id: "reason", rows: 2, maxlength: WORDS_MAX, placeholder: word("act.reason"), "aria-label": word("act.reason") });
  reason.value = typed;
  const button = (action, place) => make("button", { type: "button", id: `do-${action}`, class: place === 0 ? "main" : null, onclick: () => act(action) }, word(`act.${action}`));
  return make("div", { class: "actions" }, reason,
    make("div", { class: "buttons" }, possible(alert.state).map(button), button("note", -1)), wrong);
}

async function act(action) {
  const id = current.id;
  const buttons = document.querySelectorAll(".buttons button");
  for (const button of buttons) button.disabled = true;
  try {
    const after = await command(id, action, byId("reason").value.trim());
    const { events: _, ...alert } = after;
    take(alert);
    if (current?.id !== id) return;
    byId("reason").value = "";
    current = after;
    render();
  } catch (error) {
    byId("wrong").textContent = wrongOf(error);
    show(byId("wrong"), true);
    for (const button of buttons) button.disabled = false;
  }
}

function pair(name, ...value) {
  return make("div", { class: "pair" }, make("dt", {}, name), make("dd", {}, ...value));
}

function plain(value) {
  if (typeof value === "boolean") return word(value ? "chart.yes" : "chart.no");
  return figure(value);
}

function facts(alert) {
  const { position, asset } = alert;
  return make("dl", { class: "facts" },
    pair(word("alert.asset"), asset.name, " ", make("span", { class: "quiet" }, wordOr(`asset-kind.${asset.kind}`, asset.kind)), " ", make("code", {}, asset.id)),
    pair(word("alert.responsible"), alert.responsible.length === 0 ? "–" : alert.responsible.map((unit) => make("span", { class: "unit" }, unit))),
    pair(word("alert.began"), time(alert.began_at)),
    pair(word("alert.opened"), time(alert.opened_at)),
    alert.cleared_at && pair(word("alert.cleared"), time(alert.cleared_at)),
    alert.grid && pair(word("alert.grid"), alert.grid),
    position && pair(word("alert.position"), `${position.lat.toFixed(5)}, ${position.lon.toFixed(5)}`));
}

/** Everything the rule computed, for whoever checks it. */
function values(alert, isOpen) {
  const limits = new Map((ruleOf(alert.rule)?.limits ?? []).map((limit) => [limit.name, limit]));
  const line = ([name, value]) => {
    const limit = limits.get(name);
    return make("tr", {}, make("td", {}, make("code", {}, name)), make("td", {}, make("b", {}, plain(value)), limit ? ` ${limit.unit}` : ""),
      make("td", { class: "quiet" }, limit?.source ?? ""));
  };
  return make("details", { id: "values", open: isOpen },
    make("summary", {}, word("alert.values")),
    make("p", { class: "small" }, `${word("alert.rule")}: ${titleOfRule(alert.rule)} `, make("code", {}, alert.rule)),
    make("table", { class: "values" },
      make("thead", {}, make("tr", {}, ["", word("alert.value"), word("alert.source")].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, [...Object.entries(alert.values), ...Object.entries(alert.limits)].map(line))));
}

function clause(alert) {
  if (!alert.clause) return null;
  return make("blockquote", {},
    make("div", { class: "quiet" }, `${word("alert.clause")} ${alert.clause.reference} · ${word("alert.item", alert.clause.item)}`),
    make("p", { lang: "zh" }, alert.clause.text));
}

function events(alert) {
  const step = (event) => make("li", {},
    time(event.at), " ",
    make("b", {}, word(`event.${event.event}`)), " ",
    event.update && `${wordOr(`update.${event.update}`, event.update)} `,
    event.violation && [make("a", { href: `#/alert/${event.violation}` }, word("alert.see-violation")), " "],
    event.receiver && `${event.receiver} `,
    make("span", { class: "quiet" }, wordOr(`who.${event.who}`, event.who)),
    event.why && make("div", { class: "why" }, reasonOf(event.why)));
  return make("section", {}, make("h3", {}, word("alert.events")), make("ol", { class: "events" }, alert.events.map(step)));
}

function proof(alert, isOpen) {
  const message = (one) => make("li", {},
    make("div", { class: "small quiet" }, `#${one.offset} `, time(one.received_at), ` ${one.topic}${one.payload === undefined ? word("alert.binary") : ""}`),
    make("pre", {}, one.payload ?? one.payload_base64));
  const { journal, digest } = alert.evidence;
  return make("section", {}, make("h3", {}, word("alert.evidence")),
    make("p", { class: "small quiet" }, `${word("alert.offsets")} ${journal.first}–${journal.last} · ${word("alert.digest")} `, make("code", {}, digest)),
    make("details", { id: "evidence", open: isOpen },
      make("summary", {}, word("alert.messages", evidence.length)),
      make("ol", { class: "messages" }, evidence.map(message))));
}

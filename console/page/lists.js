// What could not be decided, and which devices are silent.

import { get } from "./api.js";
import { titleOfRule } from "./alerts.js";
import { byId, make, show, time } from "./dom.js";
import { word } from "./words.js";

let undecided = [];
let devices = [];

function count(tab, number) {
  const mark = byId(`count-${tab}`);
  mark.textContent = String(number);
  show(mark, number > 0);
}

export { count };

export async function load() {
  const [unsure, faults, heard] = await Promise.all([get("verdicts", { verdict: "undecided" }), get("verdicts", { verdict: "fault" }), get("devices")]);
  undecided = [...faults.verdicts, ...unsure.verdicts];
  devices = heard.devices;
  render();
}

function grid(columns, rows) {
  return make("table", {},
    make("thead", {}, make("tr", {}, columns.map((name) => make("th", {}, name)))),
    make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell, place) => make("td", { "data-name": columns[place] }, cell))))));
}

function verdictRow(line) {
  return [make("span", { class: `state ${line.verdict}` }, word(`verdict.${line.verdict}`)), titleOfRule(line.rule), make("code", {}, line.asset), line.reason ?? "", time(line.since)];
}

function rank(device) {
  if (device.silent) return 0;
  return device.heard_at ? 2 : 1;
}

function deviceRow(device) {
  const state = device.silent ? ["silent", "devices.silent"] : device.heard_at ? ["well", "devices.well"] : ["never", "devices.never"];
  return [make("span", { class: `state ${state[0]}` }, word(state[1])), make("code", {}, device.id), device.kind, make("code", {}, device.asset),
    device.interval_s ? `${device.interval_s} s` : "–", time(device.heard_at)];
}

export function render() {
  count("verdicts", undecided.length);
  count("devices", devices.filter((device) => device.silent).length);
  byId("verdicts").replaceChildren(make("h2", {}, word("verdicts.title")), undecided.length === 0
    ? make("p", { class: "quiet" }, word("verdicts.none"))
    : grid([word("verdicts.verdict"), word("alert.rule"), word("alert.asset"), word("verdicts.reason"), word("verdicts.since")], undecided.map(verdictRow)));
  const sorted = [...devices].sort((a, b) => rank(a) - rank(b));
  byId("devices").replaceChildren(make("h2", {}, word("devices.title")), devices.length === 0
    ? make("p", { class: "quiet" }, word("devices.none"))
    : grid([word("devices.state"), word("devices.device"), word("devices.kind"), word("alert.asset"), word("devices.interval"), word("devices.heard")], sorted.map(deviceRow)));
}

// What could not be decided, which devices are silent, and which messages nobody understood.

import { get } from "./api.js";
import { titleOfRule } from "./alerts.js";
import { byId, make, refill, show, time } from "./dom.js";
import { reasonOf, word, wordOr } from "./words.js";

const ROWS_MAX = 500;

let undecided = [];
let devices = [];
let names = new Map();
let letters = { counts: {}, recent: [], notifications: [] };

export function count(tab, number, isMore = false) {
  const mark = byId(`count-${tab}`);
  mark.textContent = `${number}${isMore ? "+" : ""}`;
  show(mark, number > 0);
}

export async function load() {
  const [unsure, faults, heard, dead] = await Promise.all([
    get("verdicts", { verdict: "undecided" }), get("verdicts", { verdict: "fault" }), get("devices"), get("deadletters")]);
  undecided = [...faults.verdicts, ...unsure.verdicts];
  devices = heard.devices;
  letters = dead;
  render();
}

export async function loadNames() {
  const { assets } = await get("assets");
  names = new Map(assets.map((asset) => [asset.id, asset.name]));
}

/** The devices of an asset, by their ids. */
export function devicesOf(asset) {
  return devices.filter((device) => device.asset === asset).map((device) => device.id);
}

function grid(columns, rows) {
  return make("table", {},
    make("thead", {}, make("tr", {}, columns.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, rows.slice(0, ROWS_MAX).map((cells) => make("tr", {}, cells.map((cell, place) => make("td", { "data-name": columns[place] }, make("div", {}, cell)))))));
}

function section(title, none, columns, rows) {
  return [make("h2", {}, title), rows.length === 0 ? make("p", { class: "quiet" }, none) : grid(columns, rows),
    rows.length > ROWS_MAX && make("p", { class: "quiet" }, `… ${rows.length - ROWS_MAX}`)];
}

function assetOf(id) {
  const name = names.get(id);
  return name ? [name, " ", make("code", {}, id)] : make("code", {}, id);
}

function verdictRow(line) {
  return [make("span", { class: `state ${line.verdict}` }, word(`verdict.${line.verdict}`)), titleOfRule(line.rule), assetOf(line.asset),
    reasonOf(line.reason ?? ""), time(line.since)];
}

function rank(device) {
  if (device.silent) return 0;
  return device.heard_at ? 2 : 1;
}

function deviceRow(device) {
  const state = device.silent ? ["silent", "devices.silent"] : device.heard_at ? ["well", "devices.well"] : ["never", "devices.never"];
  return [make("span", { class: `state ${state[0]}` }, word(state[1])), make("code", {}, device.id), wordOr(`device-kind.${device.kind}`, device.kind), assetOf(device.asset),
    device.interval_s ? `${device.interval_s} s` : "–", time(device.heard_at)];
}

function letterRow(letter) {
  return [time(letter.received_at), wordOr(`dead.${letter.reason}`, letter.reason), make("code", {}, letter.topic), letter.detail];
}

function renderLetters() {
  const counts = Object.entries(letters.counts).filter(([, number]) => number > 0);
  count("letters", counts.reduce((sum, [, number]) => sum + number, 0) + letters.notifications.length);
  const undelivered = letters.notifications.map((one) => [time(one.at), one.receiver, make("code", {}, one.notification), one.why]);
  refill(byId("letters"),
    section(word("letters.title"), word("letters.none"), [word("letters.when"), word("verdicts.reason"), word("letters.topic"), word("letters.detail")], letters.recent.map(letterRow)),
    counts.length > 0 && make("p", { class: "small quiet" }, counts.map(([reason, number]) => `${wordOr(`dead.${reason}`, reason)} ${number}`).join(" · ")),
    undelivered.length > 0 && section(word("letters.undelivered"), "", [word("letters.when"), word("letters.receiver"), word("letters.what"), word("verdicts.reason")], undelivered));
}

export function render() {
  const silent = devices.filter((device) => device.silent).length;
  count("verdicts", undecided.length);
  count("devices", silent);
  refill(byId("verdicts"), section(word("verdicts.title"), word("verdicts.none"),
    [word("verdicts.verdict"), word("alert.rule"), word("alert.asset"), word("verdicts.reason"), word("verdicts.since")], undecided.map(verdictRow)));
  const sorted = [...devices].sort((a, b) => rank(a) - rank(b));
  refill(byId("devices"), section(word("devices.title"), word("devices.none"),
    [word("devices.state"), word("devices.device"), word("devices.kind"), word("alert.asset"), word("devices.interval"), word("devices.heard")], sorted.map(deviceRow)),
    silent > 0 && make("p", { class: "quiet" }, word("devices.how-many", silent)));
  renderLetters();
}

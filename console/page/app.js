// Joins the parts: where the reader is, what happens meanwhile, and how the service is.

import * as alert from "./alert.js";
import * as alerts from "./alerts.js";
import { enter, follow, get, hasToken, health, leave, whenRefused } from "./api.js";
import { byId, liveIn, make, show } from "./dom.js";
import * as lists from "./lists.js";
import { language, switchLanguage, word, wordOr } from "./words.js";

const LOOK_EVERY_MS = 5000;
const SETTLE_MS = 150;
const LISTS = ["verdicts", "devices", "letters"];

let isLive = false;
let isFollowing = false;
let state = null;

function translate() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  byId("language").textContent = word("language.other");
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-word-title]")) {
    element.title = word(element.dataset.wordTitle);
    element.setAttribute("aria-label", element.title);
  }
}

function renderAll() {
  translate();
  alerts.renderFilters();
  alerts.render();
  if (alert.shown()) alert.render();
  else alert.close();
  lists.render();
  renderHealth();
  renderCount();
}

function renderCount() {
  const [open, isMore] = alerts.unfinished();
  lists.count("alerts", open, isMore);
  document.title = open > 0 ? `(${open}) CityWarden` : "CityWarden";
}

function renderHealth() {
  const line = byId("health");
  const faults = (state?.parts ?? []).filter((part) => !part.ready);
  line.className = !isLive || faults.length > 0 ? "ill" : "well";
  if (faults.length > 0) line.textContent = word("health.ill") + faults.map((part) => `${wordOr(`part.${part.name}`, part.name)} (${part.detail ?? ""})`).join("; ");
  else if (!isLive) line.textContent = word("health.lost");
  else line.replaceChildren(make("span", { class: "pulse" }), `${word("health.well")} · ${word("health.live")}`);
}

async function look() {
  try {
    state = await health();
    if (isLive) await lists.load();
  } catch {
    // the line says that the connection is lost
  }
  renderHealth();
}

/** Shows what the address names. */
function go() {
  const [, place = "", id = ""] = location.hash.split("/");
  const tab = LISTS.includes(place) ? place : "alerts";
  for (const name of ["alerts", ...LISTS]) show(byId(name), name === tab);
  for (const link of byId("tabs").children) {
    link.classList.toggle("here", link.dataset.tab === tab);
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const isOne = place === "alert" && id !== "";
  show(byId("alert"), tab === "alerts");
  byId("main").className = tab === "alerts" ? (isOne ? "one" : "all") : "wide";
  alerts.choose(isOne ? id : null);
  if (isOne && isLive) alert.open(id);
  else if (!isOne) alert.close();
  if (isOne) scrollTo(0, 0);
}

async function reload() {
  const session = await get("session");
  liveIn(session.timezone);
  alert.permit(session.role !== "view");
  show(byId("who"), hasToken());
  byId("user").textContent = session.user;
  await Promise.all([alerts.loadRules(), alerts.load(), lists.loadNames(), lists.load()]);
  renderCount();
  go();
}

let settling = null;
function happened(message) {
  if (message === null) {
    reload().catch(() => {});
    return;
  }
  alerts.take(message.alert);
  renderCount();
  if (message.alert.id === alert.shown()) {
    clearTimeout(settling);
    settling = setTimeout(() => message.alert.id === alert.shown() && alert.open(message.alert.id), SETTLE_MS);
  }
}

async function start() {
  if (isFollowing) return;
  isFollowing = true;
  await follow({
    connected: () => {
      isLive = true;
      show(byId("token"), false);
      show(byId("main"), true);
      reload().catch(() => {});
      renderHealth();
    },
    happened,
    lost: () => {
      isLive = false;
      renderHealth();
    },
  });
  isFollowing = false;
}

whenRefused((hadToken) => {
  isLive = false;
  show(byId("main"), false);
  show(byId("who"), false);
  show(byId("token"), true);
  show(byId("token-wrong"), hadToken);
  byId("token-text").focus();
});

byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("token-text").value.trim(), byId("token-keep").checked);
  byId("token-text").value = "";
  start();
});
byId("language").addEventListener("click", () => {
  switchLanguage();
  renderAll();
});
byId("filters").addEventListener("change", () => alerts.render());
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => alerts.loadOlder().then(renderCount).catch(() => {}));
byId("leave").addEventListener("click", () => {
  leave();
  location.reload();
});
addEventListener("hashchange", go);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && alert.shown()) location.hash = "#/";
});
let sizing = null;
addEventListener("resize", () => {
  clearTimeout(sizing);
  sizing = setTimeout(alert.renderCharts, SETTLE_MS);
});

translate();
alerts.renderFilters();
go();
start();
look();
setInterval(look, LOOK_EVERY_MS);

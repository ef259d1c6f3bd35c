// The readings around the moment, drawn from the alert's own evidence: one small chart for each quantity.

import { clock, draw, figure, make } from "./dom.js";
import { word, wordOr } from "./words.js";

const WIDTH = 640;
const HEIGHT = 150;
const EDGE = { left: 52, right: 12, top: 18, bottom: 22 };
const CHARTS_MAX = 6;
const YES_HEIGHT = 62;

/** The units in which quantities come; a limit is drawn where its unit is the quantity's. */
const UNITS = {
  pm10: "µg/m³", pm25: "µg/m³", tsp: "µg/m³", sound_level: "dB(A)", background_level: "dB(A)", fume: "mg/m³",
  nmhc: "mg/m³", speed: "km/h", humidity: "%", temperature: "°C", wind_speed: "m/s", water_flow: "L/s",
  pump_pressure: "MPa", purifier_current: "A", rainfall: "mm/h", gross_mass: "t",
};

/** What a message says: its observed time and its readings. What is no such message says nothing. */
function readings(message) {
  try {
    const said = JSON.parse(message.payload ?? "");
    return (Array.isArray(said) ? said : [said]).filter((one) => one && typeof one === "object").map((one) => {
      const at = new Date(one.ts ?? message.received_at).getTime();
      const speed = typeof one.position?.speed === "number" ? { speed: one.position.speed } : {};
      return { at, values: { ...speed, ...one.readings } };
    });
  } catch {
    return [];
  }
}

function series(messages) {
  const all = new Map();
  for (const { at, values } of messages.flatMap(readings)) {
    if (!Number.isFinite(at)) continue;
    for (const [name, value] of Object.entries(values)) {
      if (typeof value !== "number" && typeof value !== "boolean") continue;
      if (!all.has(name)) all.set(name, []);
      all.get(name).push([at, value]);
    }
  }
  for (const points of all.values()) points.sort((a, b) => a[0] - b[0]);
  return all;
}

/** First what the limit is about, then numbers, then what is only yes or no. */
function rank([name, points], alert) {
  if (UNITS[name] === alert.unit) return 0;
  return typeof points[0][1] === "number" ? 1 : 2;
}

export function charts(alert, messages) {
  const all = [...series(messages)].filter(([, points]) => points.length > 1);
  if (all.length === 0) return make("p", { class: "quiet" }, word("alert.no-chart"));
  all.sort((a, b) => rank(a, alert) - rank(b, alert));
  const times = all.flatMap(([, points]) => points.map(([at]) => at));
  const span = [Math.min(...times), Math.max(...times)];
  return make("div", { class: "charts" }, all.slice(0, CHARTS_MAX).map(([name, points]) => chart(alert, name, points, span)));
}

function chart(alert, name, points, span) {
  const title = make("figcaption", {}, wordOr(`quantity.${name}`, name), UNITS[name] ? make("span", { class: "quiet" }, ` ${UNITS[name]}`) : null);
  const isFlag = typeof points[0][1] === "boolean";
  const picture = isFlag ? flag(alert, points, span) : curve(alert, name, points, span);
  return make("figure", {}, title, picture);
}

function across(span) {
  const [from, to] = span;
  const room = WIDTH - EDGE.left - EDGE.right;
  return (at) => EDGE.left + (to === from ? room / 2 : ((at - from) / (to - from)) * room);
}

function limitsOf(alert, name) {
  if (UNITS[name] !== alert.unit) return [];
  const first = Object.entries(alert.limits).find(([, value]) => typeof value === "number");
  return first ? [first[1]] : [];
}

function curve(alert, name, points, span) {
  const limits = limitsOf(alert, name);
  const values = [...points.map(([, value]) => Number(value)), ...limits];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.12;
  const [bottom, top] = [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
  const x = across(span);
  const y = (value) => HEIGHT - EDGE.bottom - ((value - bottom) / (top - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const path = points.map(([at, value], place) => `${place === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(Number(value)).toFixed(1)}`).join("");
  const dots = points.length > 80 ? [] : points.map(([at, value]) => draw("circle", { cx: x(at), cy: y(Number(value)), r: 2.2, class: "dot" }));
  return frame(HEIGHT, alert, span,
    [bottom, (bottom + top) / 2, top].map((value) => rung(y(value), Number(value.toPrecision(3)))),
    limits.map((limit) => draw("g", {},
      draw("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(limit), y2: y(limit), class: "limit" }),
      draw("text", { x: WIDTH - EDGE.right, y: y(limit) - 4, class: "limit-text" }, word("chart.limit", figure(limit))))),
    draw("path", { d: path, class: "curve" }), dots);
}

function rung(y, value) {
  return draw("g", {},
    draw("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y, y2: y, class: "rung" }),
    draw("text", { x: EDGE.left - 6, y: y + 4, class: "scale" }, figure(value)));
}

/** A quantity that is yes or no: a bar wherever it is yes. */
function flag(alert, points, span) {
  const x = across(span);
  const bars = points.map(([at, value], place) => {
    const end = points[place + 1]?.[0] ?? at;
    return value && draw("rect", { x: x(at), y: EDGE.top, width: Math.max(2, x(end) - x(at)), height: YES_HEIGHT - EDGE.top - EDGE.bottom, class: "yes" });
  });
  return frame(YES_HEIGHT, alert, span, bars,
    draw("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: YES_HEIGHT - EDGE.bottom, y2: YES_HEIGHT - EDGE.bottom, class: "rung" }),
    draw("text", { x: EDGE.left - 6, y: EDGE.top + 16, class: "scale" }, word(points.at(-1)[1] ? "chart.yes" : "chart.no")));
}

function frame(height, alert, span, ...content) {
  const x = across(span);
  const label = (at, anchor) => draw("text", { x: x(at), y: height - 6, class: `moment-text ${anchor}` }, clock(at));
  return draw("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img" }, ...content,
    moment(alert.began_at, "began", x, span, height), moment(alert.opened_at, "opened", x, span, height),
    label(span[0], "first"), label(span[1], "last"));
}

/** When it began, and when it was raised, where that is in sight. */
function moment(text, name, x, [from, to], height) {
  const at = new Date(text).getTime();
  if (!(at >= from && at <= to + 1000)) return null;
  const place = Math.min(x(at), WIDTH - EDGE.right);
  return draw("g", {}, draw("line", { x1: place, x2: place, y1: EDGE.top - 4, y2: height - EDGE.bottom, class: `moment ${name}` }),
    draw("text", { x: place, y: EDGE.top - 7, class: `moment-text ${place > WIDTH / 2 ? "last" : "first"}` }, word(`chart.${name}`)));
}

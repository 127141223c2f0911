/** The streaming Markdown: the same tree however it is cut, and one that looks right after every character. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";
import { Tree, seen, stoppedAt, treeOf } from "./tree.mjs";
import { effortOf } from "../effort.mjs";

const EXAMPLES = {
  "a paragraph": ["one\ntwo", "<p>one\ntwo</p>"],
  "two paragraphs": ["one\n\ntwo\n", "<p>one</p><p>two</p>"],
  "carriage returns": ["one\r\ntwo\r\n\r\nthree", "<p>one\ntwo</p><p>three</p>"],
  headings: ["# One #\n## Two\n###### Six\n####### Seven", "<h1>One</h1><h2>Two</h2><h6>Six</h6><p>####### Seven</p>"],
  "a heading with marks": ["## C# and #x\n## a # b ##\n#", "<h2>C# and #x</h2><h2>a # b</h2><h1/>"],
  "underlined headings": ["One\n===\nTwo\n---\n", "<h1>One</h1><h2>Two</h2>"],
  emphasis: ["*a* _b_ **c** __d__ ***e***", "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <em><strong>e</strong></em></p>"],
  "nested emphasis": ["**a *b* c** *a **b** c*", "<p><strong>a <em>b</em> c</strong> <em>a <strong>b</strong> c</em></p>"],
  "emphasis that is none": ["2 * 3 * 4, 5*3*2, snake_case_name, *a and **b", "<p>2 * 3 * 4, 5*3*2, snake_case_name, *a and **b</p>"],
  "marks that do not match": ["*foo**bar* **a*", "<p><em>foo**bar</em> *<em>a</em></p>"],
  "emphasis without blanks": ["**重点：**内容，*很*好", "<p><strong>重点：</strong>内容，<em>很</em>好</p>"],
  strike: ["~~old~~ ~5 ~~ 6", "<p><del>old</del> ~5 ~~ 6</p>"],
  "code in text": ["`a` ``b ` c`` ` d `", "<p><code>a</code> <code>b ` c</code> <code>d</code></p>"],
  "code holds marks": ["`**a** [b](http://c.d) \\`", "<p><code>**a** [b](http://c.d) \\</code></p>"],
  "code without end": ["a `b and ` ``c", "<p>a <code>b and </code> ``c</p>"],
  escapes: ["\\*a\\* \\[b] c\\d \\(\\) \\\\(e\\\\)", "<p>*a* [b] c\\d () \\(e\\)</p>"],
  entities: ["&lt;b&gt; &amp;amp; &#65;&#x42; &nope; & &#0;", "<p><b> &amp; AB &nope; & \ufffd</p>"],
  "hard breaks": ["a  \nb\\\nc\nd  ", "<p>a<br/>b<br/>c\nd</p>"],
  "a fence": ["```python title=x\na = 1\n\n\tb\n```\nafter", "<fence python>a = 1\n\n\tb</fence><p>after</p>"],
  "a fence in a fence": ["````md\n```py\nx\n```\n````", "<fence md>```py\nx\n```</fence>"],
  "a fence of tildes": ["~~~\n```\n~~~", "<fence>```</fence>"],
  "three marks in a line": ["```not a fence``` here", "<p><code>not a fence</code> here</p>"],
  links: ['[a](http://b.c "T") [d *e*](<https://f g>) [h](mailto:i@j.k)', "<p><a http://b.c T>a</a> d <em>e</em> <a mailto:i@j.k>h</a></p>"],
  "brackets in an address": ["[a](https://b.c/d_(e)) [f](https://g.h/\\))", "<p><a https://b.c/d_(e)>a</a> <a https://g.h/)>f</a></p>"],
  "brackets that are no link": ["[1] [^2] a[0] [b] (c) [d](e f) [g", "<p>[1] [^2] a[0] [b] (c) [d](e f) [g</p>"],
  "links hold no links": ["[a [b](http://c.d) e](http://f.g)", "<p>[a <a http://c.d>b</a> e](<a http://f.g>http://f.g</a>)</p>"],
  "pictures are links": ["![a](http://b.c/d.png) ![](http://e.f) [![g](http://h.i)](http://j.k)", "<p><a http://b.c/d.png>a</a> <a http://e.f>http://e.f</a> <a http://j.k>g</a></p>"],
  "bare addresses": ["See https://a.b/c_(d). (www.e.f) **http://g.h**!", "<p>See <a https://a.b/c_(d)>https://a.b/c_(d)</a>. (<a http://www.e.f>www.e.f</a>) <strong><a http://g.h>http://g.h</a></strong>!</p>"],
  "addresses in angles": ["<https://a.b> <c@d.ef> <x:y> <b>", "<p><a https://a.b>https://a.b</a> <a mailto:c@d.ef>c@d.ef</a> <x:y> <b></p>"],
  "words like addresses": ["http https:/ www. ht xhttp://a.b", "<p>http https:/ www. ht xhttp://a.b</p>"],
  "a list": ["- a\n- b\n\n- c\n* d", "<ul><li><p>a</p></li><li><p>b</p></li><li><p>c</p></li></ul><ul><li><p>d</p></li></ul>"],
  "a numbered list": ["3. a\n4. b\n\n   more\n5. c\n\nend", "<ol 3><li><p>a</p></li><li><p>b</p><p>more</p></li><li><p>c</p></li></ol><p>end</p>"],
  "nested lists": ["1. a\n   - b\n     - c\n   - d\n2. e", "<ol><li><p>a</p><ul><li><p>b</p><ul><li><p>c</p></li></ul></li><li><p>d</p></li></ul></li><li><p>e</p></li></ol>"],
  "lists indented by two": ["1. a\n  - b\n  - c\n2. d", "<ol><li><p>a</p><ul><li><p>b</p></li><li><p>c</p></li></ul></li><li><p>d</p></li></ol>"],
  "lists indented by a tab": ["- a\n\t- b\n\t- c\n- d", "<ul><li><p>a</p><ul><li><p>b</p></li><li><p>c</p></li></ul></li><li><p>d</p></li></ul>"],
  "a list below a line": ["Of these:\n- a\n\nIn\n1986. no list", "<p>Of these:</p><ul><li><p>a</p></li></ul><p>In\n1986. no list</p>"],
  "a task list": ["- [ ] a\n- [x] b\n- [x](http://c.d)", "<ul><li o><p>a</p></li><li x><p>b</p></li><li><p><a http://c.d>x</a></p></li></ul>"],
  "a fence in a list": ["1. a\n   ```sh\n   ls\n     -l\n   ```\n2. b", "<ol><li><p>a</p><fence sh>ls\n  -l</fence></li><li><p>b</p></li></ol>"],
  "a list that starts bold": ["* **a** b\n* *c*\n***", "<ul><li><p><strong>a</strong> b</p></li><li><p><em>c</em></p></li></ul><hr/>"],
  quotes: ["> a\n> > b\nlazy\n\n> c\n- d", "<q><p>a</p><q><p>b\nlazy</p></q></q><q><p>c</p></q><ul><li><p>d</p></li></ul>"],
  "a quote with a list": ["> - a\n>   b\n>\n> c", "<q><ul><li><p>a\nb</p></li></ul><p>c</p></q>"],
  rules: ["***\n- - -\n___\n--", "<hr/><hr/><hr/><p>--</p>"],
  "a table": ["| a | b |\n|:-:|--:|\n| `x` \\| y | **z** |\n\nend", "<table><tr><th =>a</th><th >>b</th></tr><tr><td =><code>x</code> | y</td><td >><strong>z</strong></td></tr></table><p>end</p>"],
  "a table without outer bars": ["a | b\n--|--\n1 | 2", "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"],
  "a table below a line": ["So:\n| a |\n|---|\n| 1<br>2 |\n# x", "<p>So:</p><table><tr><th>a</th></tr><tr><td>1<br/>2</td></tr></table><h1>x</h1>"],
  "bars that are no table": ["| a | *b*\nc\n\n| d\n\n| e", "<p>| a | <em>b</em>\nc</p><p>| d</p><p>| e</p>"],
  "empty cells": ["|a||\n|-|-|\n||b|", "<table><tr><th>a</th><th/></tr><tr><td/><td>b</td></tr></table>"],
  "HTML is text": ["<script>alert(1)</script>\n\n<img src=x onerror=y> <!-- z -->", "<p><script>alert(1)</script></p><p><img src=x onerror=y> <!-- z --></p>"],
};

for (const [name, [source, tree]] of Object.entries(EXAMPLES)) {
  test(`${name}: is read`, () => assert.equal(String(treeOf(source)), tree));

  test(`${name}: gives the same tree however it is cut`, () => {
    assert.equal(fed([...source]), tree, "one character at a time");
    for (let cut = 1; cut < source.length; cut++) {
      assert.equal(fed([source.slice(0, cut), source.slice(cut)]), tree, `cut after ${JSON.stringify(source.slice(0, cut))}`);
    }
    for (let size = 2; size < 8; size++) assert.equal(fed(source.match(new RegExp(`.{1,${size}}`, "gs"))), tree);
  });

  test(`${name}: looks the same at every moment however it came there`, () => {
    for (let end = 1; end <= source.length; end++) {
      const tree = new Tree();
      const markdown = new Markdown(tree);
      for (const mark of source.slice(0, end)) markdown.feed(mark);
      assert.equal(String(tree), seen(source.slice(0, end)));
    }
  });
}

test("all examples in one answer, in random pieces", () => {
  const source = Object.values(EXAMPLES).map(([text]) => text).join("\n\n");
  const whole = String(treeOf(source));
  let state = 7;
  for (let round = 0; round < 60; round++) {
    const pieces = [];
    for (let at = 0; at < source.length; ) {
      state = (state * 1103515245 + 12345) % 2147483648;
      const size = 1 + (state >> 8) % 12;
      pieces.push(source.slice(at, at + size));
      at += size;
    }
    assert.equal(fed(pieces), whole);
  }
});

/** What models write, kind by kind. */
const KINDS = {
  "a numbered item after bullets": ["1. Install:\n- run a\n2. Configure:", "<ol><li><p>Install:</p></li></ol><ul><li><p>run a</p></li></ul><ol 2><li><p>Configure:</p></li></ol>"],
  "bullets indented by two below a number": ["10. a\n  - b\n11. c", "<ol 10><li><p>a</p><ul><li><p>b</p></li></ul></li><li><p>c</p></li></ol>"],
  "a reference whose definition comes later": ["see [a][1] and [b][]\n\n[1]: http://c.d\n[b]: <http://e.f> 'T'", "<p>see <a http://c.d>a</a> and <a http://e.f T>b</a></p>"],
  "a reference whose definition never comes": ["see [a][b] and [c]", "<p>see [a][b] and [c]</p>"],
  "a citation keeps its brackets": ["so [1]\n\n[1]: http://c.d", "<p>so <a http://c.d>[1]</a></p>"],
  "two indexes": ["a[i][j] = b[0][1]", "<p>a[i][j] = b[0][1]</p>"],
  "indented code": ["a:\n\n    b\n\n      c\n\nd", "<p>a:</p><fence>b\n\n  c</fence><p>d</p>"],
  "emphasis at the start of strong": ["***Note:* rest** ***b** c*", "<p><strong><em>Note:</em> rest</strong> <em><strong>b</strong> c</em></p>"],
  "a title in brackets": ["[b](http://c.d (title))", "<p><a http://c.d title>b</a></p>"],
  "an address in angles": ["[a](<http://b.c/d%20e>)", "<p><a http://b.c/d%20e>a</a></p>"],
  "a stray backtick": ["the ` key is **left**", "<p>the ` key is <strong>left</strong></p>"],
  "quotes around an address": ["“https://a.b/c” 'https://d.e' \"www.f.g\"", "<p>“<a https://a.b/c>https://a.b/c</a>” '<a https://d.e>https://d.e</a>' \"<a http://www.f.g>www.f.g</a>\"</p>"],
  "Han letters around an address": ["见https://a.b/c的说明，https://d.e。", "<p>见<a https://a.b/c>https://a.b/c</a>的说明，<a https://d.e>https://d.e</a>。</p>"],
  "an address of mail": ["to a.b_c@d.ef, or mailto:g@h.ij.", "<p>to <a mailto:a.b_c@d.ef>a.b_c@d.ef</a>, or <a mailto:g@h.ij>mailto:g@h.ij</a>.</p>"],
  "names of HTML": ["&eacute;&CounterClockwiseContourIntegral;&ngE;&nope;&copy", "<p>é∳≧̸&nope;&copy</p>"],
  "short and long rows": ["| a | b |\n|---|---|\n| 1 |\n| 2 | 3 | 4 |", "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td/></tr><tr><td>2</td><td>3</td></tr></table>"],
  "a table that is none": ["| a | b |\n|---|\n| c |", "<p>| a | b |\n|---|\n| c |</p>"],
  "a table with compact bars": ["|a|b|\n|-|-|\n|1|2|", "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"],
  "bars at a line's beginning": ["|x| is the absolute value of x.\n|y| too", "<p>|x| is the absolute value of x.\n|y| too</p>"],
  "a few tags": ["a<br>b<sub>c</sub><sup>*d*</sup><KBD>[</KBD> <b>e</b> <sub>f", "<p>a<br/>b<sub>c</sub><sup><em>d</em></sup><kbd>[</kbd> <b>e</b> <sub>f</p>"],
  "details": ["<details open>\n<summary>*a*</summary>\n\n- b\n\n</details>\nc", "<details><summary><em>a</em></summary><ul><li><p>b</p></li></ul></details><p>c</p>"],
  "details with attributes are text": ["<details onclick=x>\na", "<p><details onclick=x>\na</p>"],
  "formulas in text": ["\\(x_1*2*\\) $y_1$ $$z*$$ \\[a\\]", "<p><math>x_1*2*</math> <math>y_1</math> <math>z*</math> <math>a</math></p>"],
  "formulas in lines of their own": ["So:\n\\[\na\n+ b\n= c\n\\]\n$$\nd\n$$\ne", "<p>So:</p><math>a\n+ b\n= c</math><math>d</math><p>e</p>"],
  "a formula that has no end": ["$$\na\n\nb \\(c\n\n\\[ d", "<p>$$\na</p><p>b (c</p><p>[ d</p>"],
  "money": ["$5 and $6, $5-$6, US$7, 8$ and 9$, $1,000 or $2 million", "<p>$5 and $6, $5-$6, US$7, 8$ and 9$, $1,000 or $2 million</p>"],
  "variables of a shell": ["$HOME/bin and $PATH, ${A}$B", "<p>$HOME/bin and $PATH, ${A}$B</p>"],
  "numbers in formulas": ["$2^n$ $10$ $5x$", "<p><math>2^n</math> <math>10</math> <math>5x</math></p>"],
};

for (const [name, [source, tree]] of Object.entries(KINDS)) {
  test(`${name}: is read, however it is cut`, () => {
    assert.equal(String(treeOf(source)), tree);
    for (let size = 1; size < 6; size++) assert.equal(fed(source.match(new RegExp(`[^]{1,${size}}`, "g"))), tree);
    for (let cut = 1; cut < source.length; cut++) assert.equal(fed([source.slice(0, cut), source.slice(cut)]), tree, `cut at ${cut}`);
  });
}

test("a formula is shown as far as it has come, and an amount of money as it is", () => {
  assert.equal(seen("a \\(x^2"), "<p>a <math>x^2</math></p>");
  assert.equal(seen("a $x^2"), "<p>a <math>x^2</math></p>");
  assert.equal(seen("$$\nx = "), "<math>x =</math>");
  assert.equal(seen("a $x"), "<p>a</p>");
  assert.equal(seen("a $5 "), "<p>a $5</p>");
});

test("a reference whose definition comes later is resolved at once, and what stands stays", () => {
  const [before, after] = ["A [b][c] d.\n\n[c]: http://e.f", "\ng"].map((_, index) => seen(["A [b][c] d.\n\n[c]: http://e.f", "A [b][c] d.\n\n[c]: http://e.f\n\ng"][index]));
  assert.equal(before, "<p>A <a>b</a> d.</p>");
  assert.equal(after, "<p>A <a http://e.f>b</a> d.</p><p>g</p>");
});

const MOMENTS = [
  ["a **", "<p>a</p>"],
  ["a **bo", "<p>a <strong>bo</strong></p>"],
  ["a **bold*", "<p>a <strong>bold</strong></p>"],
  ["a **bold**", "<p>a <strong>bold</strong></p>"],
  ["a `co", "<p>a <code>co</code></p>"],
  ["a ~~o", "<p>a <del>o</del></p>"],
  ["[li", "<p><a>li</a></p>"],
  ["a [li", "<p>a <a>li</a></p>"],
  ["[link]", "<p><a>link</a></p>"],
  ["a [b][c]\n\n[lin", "<p>a <a>b</a></p>"],
  ["[link](https://exa", "<p><a>link</a></p>"],
  ["![pic](https://exa", "<p><a>pic</a></p>"],
  ["see [12", "<p>see </p>"],
  ["at https://exa", "<p>at <a>https://exa</a></p>"],
  ["``", ""],
  ["```", ""],
  ["```py\n", "<fence py/>"],
  ["```py\na\n``", "<fence py>a</fence>"],
  ["| a | b", "<table><tr><th>a</th><th>b</th></tr></table>"],
  ["| a | b |\n|--", "<table><tr><th>a</th><th>b</th></tr></table>"],
  ["| a |\n|---|\n| **x", "<table><tr><th>a</th></tr><tr><td><strong>x</strong></td></tr></table>"],
  ["-", ""],
  ["- a\n-", "<ul><li><p>a</p></li></ul>"],
  ["- [", ""],
  ["- [x] d", "<ul><li x><p>d</p></li></ul>"],
  ["##", ""],
  ["## T ##", "<h2>T</h2>"],
  ["text\n--", "<p>text</p>"],
  ["a &am", "<p>a</p>"],
  ["a\\", "<p>a</p>"],
];

for (const [source, tree] of MOMENTS) {
  test(`while it comes, ${JSON.stringify(source)} shows no marks`, () => assert.equal(seen(source), tree));
}

test("no mark that is completed later is ever shown on the way", () => {
  const source = "A **bold** and *soft* `code`, ~~old~~ and [a link](https://a.b/c) or ![one](https://d.e).";
  for (let end = 0; end <= source.length; end++) assert.doesNotMatch(seen(source.slice(0, end)), /[*`~[\]()!]/);
});

test("what was cut off stays as it looked", () => {
  assert.equal(stoppedAt("a **bo"), "<p>a <strong>bo</strong></p>");
  assert.equal(stoppedAt("a `co"), "<p>a <code>co</code></p>");
  assert.equal(stoppedAt("a [link](https://exa"), "<p>a link</p>");
  assert.equal(stoppedAt("| a | b"), "<table><tr><th>a</th><th>b</th></tr></table>");
  assert.equal(stoppedAt("```py\na"), "<fence py>a</fence>");
});

test("a tail is touched, never what stands before it", () => {
  const tree = new Tree();
  const markdown = new Markdown(tree);
  let settled = [];
  for (const mark of Object.values(EXAMPLES).map(([text]) => text).join("\n\n\n")) {
    markdown.feed(mark);
    settled.forEach((node, index) => assert.equal(tree.root.children[index], node));
    settled = tree.root.children.slice(0, -1);
  }
});

const FLOODS = {
  brackets: "[",
  "closing brackets": "]",
  stars: "*",
  "stars and letters": "*a",
  "double stars": "**a ",
  underscores: "_a_",
  quotes: ">",
  "quotes and blanks": "> ",
  bullets: "- ",
  "nested bullets": "- a\n  ",
  ticks: "`",
  "tick runs": "`a``b```c",
  tildes: "~~a",
  hashes: "#",
  "hashes and blanks": "# ",
  bars: "|",
  "bars and lines": "|a\n",
  backslashes: "\\",
  bangs: "![",
  "open links": "[a](",
  "open links with titles": "[a](b \"",
  "open addresses": "[a](b(",
  "closed links": "[a](http://b.c)",
  angles: "<",
  "angles and letters": "<a",
  ampersands: "&",
  entities: "&amp",
  schemes: "http://",
  "an address of marks": "http://a...",
  blanks: " ",
  "blanks and a letter": "  a",
  tabs: "\t",
  dashes: "-",
  "dashes and bars": "-|",
  lines: "\n",
  digits: "1",
  numbers: "1.",
  words: "the quick brown fox ",
  emoji: "👩‍🚀",
};

for (const [name, unit] of Object.entries(FLOODS)) {
  test(`a flood of ${name} takes work in proportion to it and gives a flat tree`, () => {
    const fill = (length) => {
      const tree = new Tree();
      const markdown = new Markdown(tree);
      for (const mark of unit.repeat(length / unit.length)) markdown.feed(mark);
      markdown.end();
      return tree;
    };
    const [short, long] = [4_000, 16_000].map((length) => effortOf(() => fill(length)));
    assert.ok(long < 5 * short, `${(long / short).toFixed(1)} times for four times the text: ${short}, then ${long}`);
    const tree = fill(20_000);
    assert.ok(tree.deepest < 40, `${tree.deepest} deep`);
    assert.ok(tree.operations < 12 * 20_000 + 100, `${tree.operations} operations`);
  });
}

test("nested lists end at a bounded depth", () => {
  const source = Array.from({ length: 2000 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n");
  const tree = treeOf(source);
  assert.ok(tree.deepest < 40);
  assert.equal(String(tree).match(/a/g).length, 2000);
});

test("a long answer of everything takes work in proportion to it", () => {
  const part = Object.values(EXAMPLES).map(([text]) => text).join("\n\n");
  const [short, long] = [5, 20].map((times) => effortOf(() => treeOf(part.repeat(times))));
  assert.ok(long < 5 * short, `${(long / short).toFixed(1)} times for four times the text: ${short}, then ${long}`);
});

function fed(pieces) {
  const tree = new Tree();
  const markdown = new Markdown(tree);
  for (const piece of pieces) markdown.feed(piece);
  markdown.end();
  return String(tree);
}

"""The page's own renderer in a browser, given operations of streamed Markdown by hand."""

from __future__ import annotations

BEGIN = """async () => {
  const { MarkdownRenderer } = await import("/headrace-static/answer/markdown-renderer.js");
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
  document.querySelector("#empty").hidden = true;
  window.root = document.createElement("div");
  root.className = "prose";
  document.querySelector("main").append(root);
  window.renderer = new MarkdownRenderer(root);
  window.until = async (holds) => { while (!holds()) await frame(); };
  window.frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}"""


def begin(page):
    """Put an empty answer on the page; `renderer` takes operations, and `violations` has breaches of the policy."""
    page.evaluate(BEGIN)


def show_node(page, kind, attributes, text, *, wait=None):
    """Show one node with its text, whole; wait until a selector is there."""
    page.evaluate(
        "([kind, attributes, text]) => {"
        " renderer.open(kind, attributes); renderer.text(text); renderer.flush(); renderer.close(); }",
        [kind, attributes, text],
    )
    if wait:
        page.wait_for_selector(wait, state="attached")


def show_code(page, language, code, *, wait=".code code [class^=hl-]"):
    """Show one fence with its code, whole; wait until the code is coloured."""
    show_node(page, "fence", {"language": language}, code, wait=wait)


def violations(page):
    return page.evaluate("violations")

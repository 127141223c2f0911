"""Formulas in a real browser: MathML while they come, their source where they are not valid, and nothing but MathML."""

import re

import pytest

from tests.page.rendering import begin, show_node

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

FORMULAS = [
    r"E = mc^2",
    r"\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt[3]{\pi}",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
    r"\begin{align} a &= b + c \\ &= \frac{d}{e} \end{align}",
    r"\sum_{i=1}^{n} \left(\frac{a_i}{b_i}\right)^2 \in \mathbb{R}^n",
    r"f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}",
    r"\begin{cases} x & \text{if } x > 0 \\ -x & \text{otherwise} \end{cases}",
    r"\underbrace{a + b}_{c} \overline{xyz} \boxed{E} \cancel{x} \vec{v} \operatorname{rank}(A)",
    r"\ce{2H2 + O2 -> 2H2O}",
    r"\textcolor{red}{a} \mathcal{L}\{f\} \quad \forall x\, \exists y \colon x \leq y",
]

GROW = """async (formulas) => {
  const { MathView } = await import("/headrace-static/answer/math-view.js");
  const views = formulas.map(() => new MathView(true));
  root.append(...views.map(({ element }) => element));
  const seen = formulas.map(() => []);
  const longest = Math.max(...formulas.map(({ length }) => length));
  for (let length = 1; length <= longest; length++) {
    formulas.forEach((tex, index) => length <= tex.length && views[index].append(tex[length - 1]));
    await frame();
    formulas.forEach((tex, index) => length <= tex.length && seen[index].push(look(views[index].element)));
  }
  views.forEach((view) => view.close());
  await frame();
  await frame();
  return [seen, views.map(({ element }) => look(element))];

  function look(element) {
    return {
      source: element.querySelector("annotation")?.textContent ?? "",
      rest: element.querySelector(":scope > code:not([hidden])")?.textContent ?? "",
      isMath: element.querySelectorAll(":scope > math").length,
      isShown: element.getBoundingClientRect().width > 0,
      errors: element.querySelectorAll("merror").length,
    };
  }
}"""

HOSTILE = [
    r"\href{javascript:alert(1)}{x}",
    r"\url{https://example.com}",
    r"\htmlData{part=send}{x}",
    r"\class{send}{x}",
    r"\id{question}{x}",
    r"\style{position:fixed}{x}",
    r"\includegraphics{https://example.com/a.png}",
    r"\begin{equation} x \label{question} \tag{1} \end{equation}",
    r"\begin{equation} x \end{equation} \ref{question} \eqref{question}",
    r"\text{<img src=x onerror=alert(1)>}",
    r"\def\a{\a\a}\a",
    r"\def\a{" + "x" * 400 + "}" + r"\a" * 300,
    r"\edef\a{xxxxxxxx}" + r"\edef\a{\a\a}" * 40 + r"\a",
    "{" * 5_000 + "x" + "}" * 5_000,
    r"\sqrt" * 5_000 + "x",
    "x^{" * 3_000,
    r"\frac" * 5_000,
    "x" * 200_000,
    r"\color{url(https://example.com)}x",
    r"\rule{1000000em}{1000000em}",
    r"\kern-1000em x\hspace{-1000em}\raisebox{-1000em}{y}",
    r"\fbox{\includegraphics[width=1em]{a}}",
    r"\gdef\x{1}\global\let\frac\relax",
    "\\unicode{x0}\x00\u202e",
    r"\@#$%^&*~`",
]

ELEMENT = (
    "math|semantics|annotation|m(row|i|n|o|text|space|s|frac|sqrt|root|style|padded|phantom|enclose|sub|sup|subsup|under|over|"
    "underover|multiscripts|prescripts|table|tr|td)|code"
)


def load_library(page):
    show_node(page, "math", {"display": False}, "x", wait=".math > math")
    page.evaluate("root.replaceChildren()")


def show(page, tex, *, display=True, wait=None):
    show_node(page, "math", {"display": display}, tex, wait=wait)


class TestGrowth:
    def test_a_formula_is_mathml_or_its_source_at_every_moment(self, answer):
        load_library(answer)
        seen, ends = answer.evaluate(GROW, FORMULAS)
        for tex, moments, end in zip(FORMULAS, seen, ends, strict=True):
            for length, moment in enumerate(moments, 1):
                assert moment["source"] + moment["rest"] == tex[:length]
                assert moment["isShown"]
                assert not moment["errors"]
            assert end == {"source": tex, "rest": "", "isMath": 1, "isShown": True, "errors": 0}
            unrendered = [moment["rest"] for moment in moments if len(moment["rest"]) > 12]
            assert len(unrendered) <= len(moments) / 3, f"{tex} is rendered while it comes: {unrendered}"

    def test_one_that_is_not_valid_at_its_end_is_its_source(self, answer):
        load_library(answer)
        for tex in (r"\frac{1}{2", r"\unknown{x}", r"x^2^3", r"\begin{matrix} a"):
            show(answer, tex)
        expect(answer.locator(".math")).to_have_text([r"\frac{1}{2", r"\unknown{x}", "x^2^3", r"\begin{matrix} a"])
        expect(answer.locator(".math > math")).to_have_count(0)

    def test_what_turns_out_to_be_text_is_its_source_and_its_marks(self, answer):
        load_library(answer)
        answer.evaluate(
            r"""async () => {
              renderer.open("paragraph", {});
              renderer.open("math", { display: false });
              renderer.text("x^2 + \\al");
              renderer.flush();
              await until(() => root.querySelector(".math > math"));
              renderer.unwrap("$");
              renderer.text(" dollars");
              renderer.close();
              await frame();
            }"""
        )
        assert answer.evaluate("root.innerHTML").endswith(r"$x^2 + \al dollars</p>")

    def test_definitions_of_one_formula_do_not_reach_the_next(self, answer):
        load_library(answer)
        show(answer, r"\gdef\mill{y}\mill", wait=".math > math")
        show(answer, r"\mill")
        expect(answer.locator(".math").last).to_have_text(r"\mill")

    def test_a_long_formula_is_rendered_ever_more_rarely_while_it_grows(self, answer):
        load_library(answer)
        renders = answer.evaluate(
            r"""async () => {
              const { temml } = globalThis;
              const { render } = temml;
              let count = 0;
              temml.render = (tex, ...rest) => { count += tex.length; return render(tex, ...rest); };
              renderer.open("math", { display: true });
              for (let i = 0; i < 900; i++) {
                renderer.text("a_{1} + \\pi ");
                renderer.flush();
                if (i % 3 === 0) await frame();
              }
              renderer.close();
              await frame();
              temml.render = render;
              return count;
            }"""
        )
        assert renders < 12 * 900 * 20


class TestPolicy:
    @pytest.mark.parametrize("tex", HOSTILE, ids=lambda tex: tex[:24])
    def test_hostile_tex_is_mathml_or_its_source_and_nothing_else(self, answer, tex):
        load_library(answer)
        show(answer, tex)
        answer.evaluate("frame().then(frame)")
        made = answer.evaluate(
            "[...root.querySelectorAll('.math *')].map((e) => [e.localName, e.getAttributeNames().join(' ')])"
        )
        assert all(re.fullmatch(ELEMENT, name) for name, _ in made)
        assert not {"id", "href", "src", "onerror"} & {name for _, names in made for name in names.split()}
        assert answer.evaluate("document.getElementById('question').localName") == "textarea"
        box = answer.locator(".math").bounding_box()
        assert box["width"] <= 1100
        assert answer.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        assert answer.evaluate("root.querySelectorAll('*').length") < 60_000

    def test_what_stands_beside_a_formula_is_not_covered_by_it(self, answer):
        load_library(answer)
        show_node(answer, "paragraph", {}, "Read this.")
        show(answer, r"\kern-30em \rule{20em}{20em} \raisebox{30em}{\rule{20em}{2em}}", wait=".math > math")
        covered = answer.evaluate(
            """() => {
              const box = root.querySelector("p").getBoundingClientRect();
              return document.elementFromPoint(box.left + 5, box.top + 5).closest(".math") !== null;
            }"""
        )
        assert not covered


class TestReaders:
    def test_what_is_copied_as_text_is_the_source_and_as_html_the_formula(self, answer):
        load_library(answer)
        answer.evaluate(
            r"""() => {
              renderer.open("paragraph", {});
              renderer.text("So ");
              renderer.open("math", { display: false });
              renderer.text("x^2");
              renderer.close();
              renderer.text(" is");
              renderer.close();
              renderer.open("math", { display: true });
              renderer.text("\\frac{a}{b}");
              renderer.close();
              renderer.flush();
            }"""
        )
        expect(answer.locator(".math > math")).to_have_count(2)
        answer.evaluate("getSelection().selectAllChildren(root)")
        answer.keyboard.press("Control+C")
        copied = answer.evaluate("navigator.clipboard.readText()")
        assert [line for line in copied.splitlines() if line] == ["So $x^2$ is", r"$$\frac{a}{b}$$"]
        html = answer.evaluate(
            "navigator.clipboard.read().then(([item]) => item.getType('text/html')).then((blob) => blob.text())"
        )
        assert "<math" in html
        assert "$$" not in html
        expect(answer.locator(".tex").first).to_be_hidden()

    def test_its_source_is_its_annotation(self, answer):
        show(answer, r"\frac{a}{b}", wait=".math > math")
        expect(answer.locator("annotation[encoding='application/x-tex']")).to_have_text(r"\frac{a}{b}")

    def test_one_that_is_wider_than_the_page_is_scrolled_by_keys(self, answer):
        load_library(answer)
        show(answer, "x", wait=".math > math")
        show(answer, " + ".join(f"x_{{{i}}}" for i in range(80)))
        wide = answer.get_by_role("group", name="Formula")
        expect(wide).to_have_count(1)
        wide.focus()
        answer.keyboard.press("ArrowRight")
        answer.evaluate("until(() => document.activeElement.scrollLeft > 0)")
        assert answer.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


class TestLibrary:
    def test_it_is_loaded_only_when_an_answer_has_a_formula(self, answer):
        requested = []
        answer.on("request", lambda request: requested.append(request.url))
        show_node(answer, "paragraph", {}, "No formula.", wait=".prose p")
        answer.evaluate("frame().then(frame)")
        assert requested == []
        show(answer, "x", wait=".math > math")
        show(answer, "y", wait=".math:nth-child(3) > math")
        assert len([url for url in requested if url.endswith("/temml.min.js")]) == 1

    def test_without_it_the_source_is_shown_and_nothing_is_said(self, open_page, service):
        page = open_page(
            service.url, lambda page: page.route("**/libraries/**", lambda route: route.fulfill(status=404))
        )
        begin(page)
        with page.expect_response("**/temml.min.js"):
            show(page, r"\frac{a}{b}")
        expect(page.locator(".math")).to_have_text(r"\frac{a}{b}")
        expect(page.locator(".math")).to_be_visible()
        page.evaluate("frame().then(frame)")
        expect(page.locator(".math > math")).to_have_count(0)

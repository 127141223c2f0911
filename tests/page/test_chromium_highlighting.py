"""Highlighted code in a real browser: coloured while it comes, its text never another one, and never moved."""

import pytest

from tests.page.rendering import begin, show_code
from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

PYTHON = 'import re\n\n\ndef find(text: str):\n    """Count\n    words."""\n    return len(text.split(" "))  # all\n'

KINDS = "comment keyword string number title type attribute meta addition deletion"


class TestGrowth:
    def test_an_answer_s_code_is_coloured_while_it_comes(self, page, upstream):
        upstream.answer(
            MODEL, openai_wire.answer("```python\nimport re\ndef fi", Gate("rest"), "nd(a):\n    return 1\n```\nDone.")
        )
        ask(page)
        code = prose(page).locator(".code code")
        expect(code.locator(".hl-keyword")).to_have_text(["import", "def"])
        assert code.text_content() == "import re\ndef fi"
        upstream.open_gate("rest")
        expect(last(page, "done")).to_be_visible()
        expect(code.locator(".hl-title")).to_have_text("find")
        assert code.text_content() == "import re\ndef find(a):\n    return 1"
        page.locator(".code .copy").click()
        assert page.evaluate("navigator.clipboard.readText()") == code.text_content()
        page.reload()
        expect(code.locator(".hl-keyword")).to_have_text(["import", "def", "return"])

    def test_its_text_is_that_of_the_answer_at_every_moment(self, answer):
        show_code(answer, "python", "1")
        texts = answer.evaluate(
            """async (code) => {
              renderer.open("fence", { language: "py" });
              const element = root.querySelector(".code:last-child code");
              const texts = [];
              for (const character of code) {
                renderer.text(character);
                renderer.flush();
                texts.push(element.textContent);
                await frame();
                texts.push(element.textContent);
              }
              renderer.close();
              await frame();
              texts.push(element.textContent);
              return texts;
            }""",
            PYTHON,
        )
        lengths = [1 + index // 2 for index in range(2 * len(PYTHON))]
        assert texts == [PYTHON[:length] for length in lengths] + [PYTHON]

    def test_what_only_a_later_line_decides_is_right_at_the_end(self, answer):
        code = "a: |\n  b: c\n  d\ne: f\n"
        answer.evaluate(
            """async (code) => {
              renderer.open("fence", { language: "yaml" });
              for (const line of code.split(/(?<=\\n)/)) {
                renderer.text(line);
                renderer.flush();
                await until(() => root.querySelector("[class^=hl-]"));
                await frame();
              }
              renderer.close();
              await frame();
            }""",
            code,
        )
        expect(answer.locator(".code .hl-string").first).to_have_text("|\n  b: c\n  d\n")

    def test_what_is_selected_stays_selected(self, answer):
        show_code(answer, "python", "1")
        selected = answer.evaluate(
            """async () => {
              renderer.open("fence", { language: "py" });
              renderer.text("def mill(a):\\n    return 1\\n");
              renderer.flush();
              const element = root.querySelector(".code:last-child code");
              await until(() => element.querySelector(".hl-title"));
              getSelection().selectAllChildren(element.querySelector(".hl-title"));
              for (let i = 0; i < 30; i++) {
                renderer.text("    b = [\\"c\\"]\\n");
                renderer.flush();
                await frame();
              }
              renderer.close();
              await frame();
              return getSelection().toString();
            }"""
        )
        assert selected == "mill"

    def test_100_kb_make_each_node_about_once(self, answer):
        show_code(answer, "python", "1")
        made, nodes, text = answer.evaluate(
            """async (code) => {
              renderer.open("fence", { language: "python" });
              const element = root.querySelector(".code:last-child code");
              let made = 0;
              const observer = new MutationObserver((changes) => changes.forEach((c) => (made += c.addedNodes.length)));
              observer.observe(element, { childList: true });
              for (let i = 0; i < code.length; i += 32) {
                renderer.text(code.slice(i, i + 32));
                renderer.flush();
                if (i % 128 === 0) await frame();
              }
              renderer.close();
              await until(() => element.lastChild.textContent.length < 2_000);
              await frame();
              observer.disconnect();
              return [made, element.childNodes.length, element.textContent];
            }""",
            (PYTHON * (100_000 // len(PYTHON) + 1))[:100_000],
        )
        assert text == (PYTHON * (100_000 // len(PYTHON) + 1))[:100_000]
        assert nodes > 10_000
        assert made < 4 * nodes

    def test_code_beyond_a_bound_stays_plain_and_is_there(self, answer):
        show_code(answer, "python", "1")
        code = "a = 1\n" * 50_000
        assert answer.evaluate(
            """async (code) => {
              renderer.open("fence", { language: "python" });
              const element = root.querySelector(".code:last-child code");
              for (let i = 0; i < code.length; i += 50_000) {
                renderer.text(code.slice(i, i + 50_000));
                renderer.flush();
                await frame();
              }
              renderer.close();
              await until(() => element.querySelectorAll(".hl-number").length >= 40_000);
              await frame();
              return element.textContent === code;
            }""",
            code,
        )


class TestLook:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize(("contrast", "least"), [("no-preference", 4.5), ("more", 7)])
    def test_each_colour_has_contrast(self, answer, scheme, contrast, least):
        answer.emulate_media(color_scheme=scheme, contrast=contrast)
        show_code(answer, "python", "1")
        ratios = answer.evaluate(
            """(kinds) => {
              const code = root.querySelector(".code code");
              const parse = (colour) => {
                const context = document.createElement("canvas").getContext("2d");
                context.fillStyle = colour;
                context.fillRect(0, 0, 1, 1);
                return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
              };
              const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
              const light = (colour) => {
                const [r, g, b] = parse(colour).map((v) => linear(v / 255));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const background = light(getComputedStyle(root.querySelector(".code")).backgroundColor);
              return kinds.map((kind) => {
                const span = document.createElement("span");
                span.className = `hl-${kind}`;
                code.append(span);
                const own = light(getComputedStyle(span).color);
                return [kind, (Math.max(own, background) + 0.05) / (Math.min(own, background) + 0.05)];
              });
            }""",
            KINDS.split(),
        )
        assert [(kind, ratio) for kind, ratio in ratios if ratio < least] == []

    def test_an_application_s_own_colours_win(self, answer):
        show_code(answer, "python", "import a")
        answer.evaluate(
            """() => {
              const sheet = new CSSStyleSheet();
              sheet.replaceSync(":root { --code-keyword: rgb(1, 2, 3) }");
              document.adoptedStyleSheets.unshift(sheet);
            }"""
        )
        expect(answer.locator(".hl-keyword")).to_have_css("color", "rgb(1, 2, 3)")

    def test_forced_colours_are_those_of_the_system(self, answer):
        answer.emulate_media(forced_colors="active")
        show_code(answer, "python", "import a")
        own = answer.locator(".hl-keyword").evaluate("(e) => getComputedStyle(e).color")
        assert own == answer.locator(".code code").evaluate("(e) => getComputedStyle(e).color")

    def test_text_does_not_move_when_it_is_coloured(self, open_page, service):
        held = []

        def hold(route):
            held.append(route)

        page = open_page(service.url, lambda page: page.route("**/core.min.js", hold))
        begin(page)
        code = "# **a**\n\n*b* and **c**\n\n" + "- d `e`\n" * 5
        show_code(page, "markdown", code, wait=".code code")
        places = """() => {
          const walker = document.createTreeWalker(root.querySelector(".code code"), NodeFilter.SHOW_TEXT);
          const places = [];
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            for (let i = 0; i < node.length; i++) {
              const range = new Range();
              range.setStart(node, i);
              range.setEnd(node, i + 1);
              const { left, top } = range.getBoundingClientRect();
              places.push(left, top);
            }
          }
          return places;
        }"""
        before = page.evaluate(places)
        while not held:
            page.wait_for_timeout(20)
        held[0].continue_()
        page.wait_for_selector(".code code .hl-strong")
        # A browser rounds to fractions of a pixel where an element begins.
        assert page.evaluate(places) == pytest.approx(before, abs=0.25)


class TestLibrary:
    def test_without_it_code_is_plain_and_nothing_is_said(self, open_page, service):
        page = open_page(
            service.url, lambda page: page.route("**/libraries/**", lambda route: route.fulfill(status=404))
        )
        begin(page)
        with page.expect_response("**/core.min.js"):
            show_code(page, "python", PYTHON, wait=".code code")
        page.evaluate("frame().then(frame)")
        assert page.locator(".code code").inner_html() == page.evaluate("(text) => new Option(text).innerHTML", PYTHON)

    def test_a_grammar_is_loaded_once_and_only_when_it_is_needed(self, answer):
        requested = []
        answer.on("request", lambda request: requested.append(request.url.rpartition("/")[2]))
        show_code(answer, "go", "func a() {}")
        show_code(answer, "go", "func b() {}", wait=".code:nth-child(2) .hl-keyword")
        assert sorted(name for name in requested if name.endswith(".min.js")) == ["core.min.js", "go.min.js"]

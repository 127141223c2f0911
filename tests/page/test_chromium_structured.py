"""An answer that is one JSON document, filling in a form in a real browser."""

import json

import pytest

from tests.page.road import Road
from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Ended, Gate, Reasoning, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

SCHEMA = {
    "title": "Mill",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "head_m": {"type": "number", "title": "Head in metres", "description": "Measured at low water"},
        "runs": {"type": "boolean"},
        "river": {"type": "object", "properties": {"name": {"type": "string"}, "source": {"type": "string"}}},
        "wheels": {"type": "array", "items": {"properties": {"kind": {"enum": ["overshot", "undershot"]}}}},
        "miller": {"type": "string"},
    },
    "required": ["name"],
}
BEGUN = ('{"name": "Sal', "zm\\u00fch", 'le", "head_m": 3')
MORE = ('.5, "runs": true, "river": {"na', 'me": "Alm"}, "wheels": [{"kind": "over', 'shot"}, {"kind": "und')
END = 'ershot"}]}'
WHEELS = ["Kindovershot", "Kindundershot"]
WHOLE = {
    "name": "Salzmühle",
    "head_m": 3.5,
    "runs": True,
    "river": {"name": "Alm"},
    "wheels": [{"kind": "overshot"}, {"kind": "undershot"}],
}

WATCH = """() => {
    window.touched = [];
    const observer = new MutationObserver((records) => window.touched.push(...records));
    for (const field of [...document.querySelectorAll('.form > .value > dl > .field')].slice(0, 4)) {
        observer.observe(field, { subtree: true, childList: true, characterData: true, attributes: true });
    }
}"""
"""Note whatever happens to the fields that are filled."""


def form(page):
    return page.locator(".turn:last-child .form")


def value(page, label):
    """Return the filled field of this label, outermost first."""
    named = page.locator("dt").get_by_text(label, exact=True)
    return form(page).locator(".field:not([data-empty])").filter(has=named).locator("dd").first


def use(page, schema=SCHEMA):
    """Ask for answers of this shape."""
    page.get_by_role("button", name="Structured").click()
    page.get_by_label("JSON Schema").fill(json.dumps(schema))
    page.keyboard.press("Escape")


def copied(page):
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.locator("footer").get_by_text("Copied")).to_be_visible()
    return page.evaluate("() => navigator.clipboard.readText()")


class TestForm:
    def test_it_stands_there_empty_and_fills_in_field_by_field_and_touches_none_again(self, page, upstream):
        upstream.answer(MODEL, answer(Gate("begun"), *BEGUN, Gate("more"), *MORE, Gate("end"), END))
        use(page)
        ask(page)
        labels = ["Name", "Head in metres", "Runs", "River", "Wheels", "Miller"]
        expect(form(page).locator("dt")).to_have_text(labels)
        expect(form(page).locator("[data-empty]")).to_have_count(6)
        expect(page.get_by_role("group", name="Mill")).to_be_visible()
        upstream.open_gate("begun")
        expect(value(page, "Name")).to_have_text("Salzmühle")
        # A number may go on as long as nothing has followed it.
        expect(form(page).locator("[data-empty]")).to_have_count(5)
        upstream.open_gate("more")
        expect(value(page, "Head in metres")).to_have_text("3.5")
        expect(value(page, "Runs")).to_have_text("Yes")
        expect(value(page, "River").locator("dl dd").first).to_have_text("Alm")
        expect(value(page, "Wheels").locator("li")).to_have_text(["Kindovershot", "Kindund"])
        expect(last(page, "flowing")).to_be_visible()
        page.evaluate(WATCH)
        upstream.open_gate("end")
        expect(last(page, "done").locator(".form li")).to_have_text(WHEELS)
        expect(form(page).get_by_text("Miller")).to_be_hidden()
        assert page.evaluate("() => window.touched.length") == 0
        assert prose(page).text_content() == ""
        sent = upstream.requests(MODEL)[-1].body["response_format"]
        assert sent["json_schema"]["schema"] == SCHEMA
        assert json.loads(copied(page)) == WHOLE

    def test_numbers_have_all_of_their_digits(self, page, upstream):
        numbers = ["9007199254740993", "1e400", "0.10000000000000000001", "1.50"]
        names = "abcd"
        text = "{" + ", ".join(f'"{name}": {digits}' for name, digits in zip(names, numbers, strict=True)) + "}"
        upstream.answer(MODEL, answer("Sure: ", text, "."))
        use(page, {"type": "object", "properties": {name: {"type": "number"} for name in names}})
        ask(page)
        expect(last(page, "done").locator(".form dd")).to_have_text(numbers)
        assert "".join(copied(page).split()) == text.replace(" ", "")

    def test_lists_keep_their_digits_and_a_schema_is_sent_with_its_own(self, page, upstream):
        numbers = ["9007199254740993", "0.10000000000000000001", "1.50"]
        document = f'{{"a": [{", ".join(numbers)}], "b": {{"c": [[{numbers[0]}]]}}}}'
        upstream.answer(MODEL, answer(*document))
        schema = '{"type": "object", "properties": {"a": {"items": {"maximum": 9007199254740993}}}}'
        page.get_by_role("button", name="Structured").click()
        page.get_by_label("JSON Schema").fill(schema)
        page.keyboard.press("Escape")
        with page.expect_request("**/api/chat") as sent:
            ask(page)
        assert f'"schema":{schema}' in sent.value.post_data
        expect(last(page, "done").locator(".form [data-kind=number]")).to_have_text([*numbers, numbers[0]])
        text = copied(page)
        assert "".join(text.split()) == document.replace(" ", "")
        assert text.splitlines()[1:3] == ['  "a": [', f"    {numbers[0]},"]

    def test_a_screen_reader_hears_fields_and_the_reasoning_waits(self, page, upstream):
        upstream.answer(MODEL, answer(Reasoning("A mill."), *(BEGUN[0] + BEGUN[1] + BEGUN[2] + "".join(MORE) + END)))
        page.evaluate("""() => {
            window.heard = [];
            new MutationObserver((records) => records.forEach(({ addedNodes }) =>
                addedNodes.forEach((node) => window.heard.push(node.textContent))
            )).observe(document.querySelector('#spoken'), { childList: true });
        }""")
        use(page)
        ask(page)
        expect(last(page, "done")).to_be_visible()
        assert page.evaluate("() => window.heard")[1:] == [
            "The model is thinking.",
            "Mill.",
            "Name: Salzmühle",
            "Head in metres: 3.5",
            "Runs: Yes",
            "River.",
            "Name: Alm",
            "Wheels.",
            "Item 1.",
            "Kind: overshot",
            "Item 2.",
            "Kind: undershot",
            "The answer is complete.",
        ]
        expect(page.get_by_text("Reasoning", exact=True)).to_be_visible()

    def test_what_a_model_writes_is_text_and_the_last_of_two_members_counts(self, page, upstream):
        markup = "<img src=x onerror=alert(1)>\n**no**"
        document = {"__proto__": {"b": ["x" * 300]}, markup: markup}
        upstream.answer(MODEL, answer('{"__proto__": {"a": [1]}, ', json.dumps(document)[1:]))
        page.set_viewport_size({"width": 320, "height": 700})
        use(page, {"type": "object"})
        ask(page)
        expect(last(page, "done").locator("dd").last).to_have_text(markup)
        expect(form(page).locator("img, strong")).to_have_count(0)
        expect(form(page).locator("li")).to_have_text("x" * 300)
        assert page.evaluate("() => document.scrollingElement.scrollWidth") <= 320


class TestReturn:
    def test_a_reload_and_a_lost_connection_lose_and_double_nothing(self, open_page, service, upstream):
        upstream.answer(MODEL, answer(*BEGUN, Gate("reloaded"), *MORE, Gate("back"), END))
        before = len(upstream.requests(MODEL))
        with Road(service.port) as road:
            page = open_page(road.url)
            use(page)
            ask(page)
            expect(value(page, "Name")).to_have_text("Salzmühle")
            page.reload()
            expect(value(page, "Name")).to_have_text("Salzmühle")
            upstream.open_gate("reloaded")
            expect(value(page, "Wheels").locator("li").last).to_have_text("Kindund")
            road.cut()
            expect(page.locator(".turn:last-child .lost")).to_be_visible()
            upstream.open_gate("back")
            road.mend()
            expect(last(page, "done").locator(".form li")).to_have_text(WHEELS, timeout=30_000)
            assert len(upstream.requests(MODEL)) - before == 1
            page.reload()
            expect(last(page, "done").locator(".form li")).to_have_text(WHEELS)
            assert json.loads(copied(page)) == WHOLE


class TestEnd:
    def test_what_does_not_fit_is_shown_with_the_reason_and_retry_takes_the_schema_as_it_is_then(self, page, upstream):
        upstream.answer(MODEL, answer('{"name": 7}'))
        use(page)
        ask(page)
        expect(last(page, "failed").get_by_role("alert")).to_contain_text('7 is not of type "string"')
        expect(value(page, "Name")).to_have_text("7")
        page.reload()
        expect(value(page, "Name")).to_have_text("7")
        use(page, {"type": "object"})
        page.get_by_role("button", name="Retry").click()
        expect(last(page, "done").locator("dd")).to_have_text("7")

    def test_a_stop_keeps_what_there_is(self, page, upstream):
        upstream.answer(MODEL, answer(*BEGUN, MORE[0], Gate("never")))
        use(page)
        ask(page)
        expect(value(page, "River").locator("dt").first).to_have_text("Name")
        number = len(upstream.requests(MODEL)) - 1
        page.get_by_role("button", name="Structured").click()
        page.keyboard.press("Escape")
        expect(page.get_by_label("JSON Schema")).to_be_hidden()
        expect(last(page, "flowing")).to_be_visible()
        page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_contain_text("You stopped this answer.")
        expect(value(page, "Head in metres")).to_have_text("3.5")
        assert upstream.ended(MODEL, number).ended is Ended.ABORTED
        assert json.loads(copied(page)) == {"name": "Salzmühle", "head_m": 3.5, "runs": True, "river": {}}

    def test_a_text_that_is_no_document_is_shown_as_it_came(self, page, upstream):
        texts = ("I would **rather** not.", '{"name": "Alm"}}')
        upstream.answer(MODEL, [answer(*text) for text in texts])
        use(page)
        for shown, fields in (("I would rather not.", 0), (texts[1], 1)):
            ask(page)
            expect(last(page, "failed").get_by_role("alert")).to_contain_text("it is not JSON")
            expect(prose(page).locator("p, code")).to_have_text(shown)
            expect(form(page).locator(".field:not([data-empty])")).to_have_count(fields)

    def test_a_restart_voids_the_form_and_the_calls(self, page):
        def frame(event, **fields):
            return (f"event: {event}\n" if event else "") + f"data: {json.dumps(fields)}\n\n"

        def call(name, arguments):
            begun = frame("tool", call=0, id="c", name=name)
            pieces = "".join(frame("tool", call=0, delta=piece) for piece in arguments)
            return begun + pieces + frame("tool", call=0, arguments=json.loads(arguments))

        void = call("look", "{}") + frame("", delta='{"name": "Void", "runs": fal')
        again = call("find", '{"q": "mill"}') + frame("", delta='{"name": "Salz')
        wire = void + frame("restart", reason="stall", model="b") + again + frame("cancelled", reason="shutdown")
        page.route("**/api/chat", lambda route: route.fulfill(body=wire, headers={"Content-Type": "text/event-stream"}))
        use(page)
        ask(page)
        expect(last(page, "stopped")).to_contain_text("shutdown")
        for _ in ("at once", "after a reload"):
            expect(page.get_by_role("list", name="Tool calls")).to_have_text('calls find({"q": "mill"})')
            expect(form(page).locator(".field:not([data-empty]) dd")).to_have_text("Salz")
            page.reload()


class TestPanel:
    def test_a_mistake_is_told_with_its_place_and_nothing_is_sent(self, page, upstream):
        upstream.answer(MODEL, answer("{}"))
        before = len(upstream.requests(MODEL))
        button = page.get_by_role("button", name="Structured")
        button.click()
        schema = page.get_by_label("JSON Schema")
        expect(schema).to_be_focused()
        schema.fill('{\n  "type": object\n}')
        expect(page.get_by_role("status")).to_have_text('Line 2, column 11: "o" stands where a value should.')
        expect(schema).to_have_attribute("aria-invalid", "true")
        page.keyboard.press("Escape")
        expect(button).to_be_focused()
        ask(page)
        expect(schema).to_be_focused()
        expect(page.get_by_label("Your question")).to_have_value("Hello?")
        assert len(upstream.requests(MODEL)) == before
        page.get_by_label("Answer as JSON of this shape").uncheck()
        page.get_by_label("Your question").press("Enter")
        expect(last(page, "done").locator(".prose")).to_have_text("{}")
        expect(schema).to_be_hidden()
        assert "response_format" not in upstream.requests(MODEL)[-1].body

    def test_an_example_is_one_click_away_and_is_remembered(self, page, upstream):
        upstream.answer(MODEL, answer('{"dish": "Pancakes"}'))
        page.get_by_role("button", name="Fill in a recipe").click()
        expect(value(page, "Dish")).to_have_text("Pancakes")
        page.reload()
        button = page.get_by_role("button", name="Structured")
        expect(button).to_have_text("Structured Recipe")
        button.click()
        page.get_by_role("button", name="Places").click()
        expect(button).to_have_text("Structured Places")
        expect(page.get_by_role("status")).to_have_text("Fields: Region, Places.")

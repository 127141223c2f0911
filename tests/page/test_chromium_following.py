"""What keeps the end of an answer in sight, and each way in which a reader leaves it."""

from uuid import uuid4

import pytest

from tests.page.screen import MODEL, ask, gap_below, last, prose
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

PARAGRAPH = "A line of an answer that is longer than the page.\n\n"


def top(page):
    return page.evaluate("() => document.scrollingElement.scrollTop")


def move(page):
    """Return the page's place once it no longer moves: the browser scrolls in several frames."""
    return page.evaluate("""() => new Promise((resolve) => {
        const { scrollingElement } = document;
        let before = scrollingElement.scrollTop;
        let still = 0;
        const look = () => {
            still = scrollingElement.scrollTop === before ? still + 1 : 0;
            before = scrollingElement.scrollTop;
            if (still > 10) resolve(before);
            else requestAnimationFrame(look);
        };
        look();
    })""")


@pytest.fixture
def growing(page, upstream):
    """Show 60 paragraphs; `grow` shows 60 more, and then 60 more again."""
    names = [f"{number} {uuid4()}" for number in range(3)]
    one, two, three = map(Gate, names)
    upstream.answer(MODEL, answer(PARAGRAPH * 60, one, PARAGRAPH * 60, two, PARAGRAPH * 60, three, "End."))
    ask(page)
    expect(prose(page).locator("p")).to_have_count(60)
    assert gap_below(page) < 5
    gates = iter(zip(names, [120, 180, 181], strict=True))

    def grow():
        name, count = next(gates)
        upstream.open_gate(name)
        expect(prose(page).locator("p")).to_have_count(count)

    return grow


@pytest.fixture
def touch(page):
    """Put a finger on the page and move it, in steps; it is lifted at the end."""
    client = page.context.new_cdp_session(page)

    def move_finger(*places):
        first, *others = places
        client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": 500, "y": first}]})
        for y in others:
            client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": 500, "y": y}]})
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    return move_finger


def assert_left_alone(page, grow):
    jump = page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    before = move(page)
    assert gap_below(page) > 2
    grow()
    assert top(page) == pytest.approx(before, abs=2)
    jump.click()
    expect(jump).to_be_hidden()
    assert gap_below(page) < 5
    grow()
    assert gap_below(page) < 5


def test_a_short_move_of_a_finger_stops_it(page, growing, touch):
    touch(300, 310, 320, 330, 340)
    assert_left_alone(page, growing)


def test_a_finger_that_trembles_does_not_go_back_to_the_end(page, growing, touch):
    touch(300, 310, 320, 335, 330, 332)
    assert_left_alone(page, growing)


def test_a_finger_that_goes_down_to_the_end_is_followed_again(page, growing, touch):
    touch(300, 320, 340, 360, 400)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    touch(500, 480, 460, 400, 300, 200)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()
    move(page)
    growing()
    assert gap_below(page) < 5


def test_a_tap_and_a_move_beyond_the_end_change_nothing(page, growing, touch):
    touch(300)
    touch(300, 280, 260)
    growing()
    assert gap_below(page) < 5
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()


@pytest.mark.parametrize("key", ["ArrowUp", "PageUp", "Home", "Shift+Space"])
def test_one_key_upward_stops_it(page, growing, key):
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press(key)
    assert_left_alone(page, growing)


def test_a_key_of_the_question_moves_its_caret_and_nothing_else(page, growing):
    page.keyboard.type("One\ntwo")
    for key in ("ArrowUp", "Home", "Shift+Space"):
        page.keyboard.press(key)
    growing()
    assert gap_below(page) < 5
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()


def test_the_end_key_comes_back(page, growing):
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Home")
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    assert move(page) == 0
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()
    move(page)
    growing()
    assert gap_below(page) < 5


def test_a_search_in_the_page_stops_it(page, upstream):
    upstream.answer(MODEL, answer("Needle.\n\n", PARAGRAPH * 60, Gate("search"), PARAGRAPH * 60))
    ask(page)
    expect(prose(page).locator("p")).to_have_count(61)
    assert page.evaluate("() => window.find('Needle', true, true)")
    upstream.open_gate("search")
    expect(last(page, "done")).to_be_visible()
    expect(prose(page).get_by_text("Needle.")).to_be_in_viewport()


def test_text_that_comes_before_the_scroll_event_does_not_take_the_reader_back(page, growing):
    page.evaluate("""() => {
        document.scrollingElement.scrollTop -= 30;
        document.querySelector('.turn:last-child .prose').append(document.createElement('hr'));
        dispatchEvent(new Event('resize'));
    }""")
    assert_left_alone(page, growing)


def test_tab_to_something_in_the_page_keeps_it_in_sight(page, upstream):
    code = "```js\na\n```\n\n"
    upstream.answer(MODEL, answer(PARAGRAPH * 30, code, Gate("tab"), PARAGRAPH * 60))
    ask(page)
    expect(prose(page).locator("figure")).to_have_count(1)
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("() => document.activeElement.closest('figure') !== null"):
            break
    focused = page.locator(":focus")
    expect(focused).to_be_in_viewport()
    before = move(page)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()
    upstream.open_gate("tab")
    expect(last(page, "done")).to_be_visible()
    assert top(page) == pytest.approx(before, abs=2)
    expect(focused).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()


def test_a_picture_that_comes_late_is_followed(page, growing):
    page.evaluate("""() => {
        const picture = document.createElement('div');
        document.querySelector('.turn:last-child .prose').append(picture);
        requestAnimationFrame(() => (picture.style.height = '900px'));
    }""")
    page.wait_for_function("""() => {
        const { scrollHeight, scrollTop, clientHeight } = document.scrollingElement;
        const height = document.querySelector('.prose > div').offsetHeight;
        return scrollHeight - scrollTop - clientHeight < 5 && height === 900;
    }""")


def test_what_the_reader_opens_stays_where_it_is(page, upstream):
    upstream.answer(MODEL, answer(PARAGRAPH * 60, Gate("opened"), "End."))
    ask(page)
    expect(prose(page).locator("p")).to_have_count(60)
    page.evaluate("""() => {
        const details = document.createElement('details');
        details.innerHTML = '<summary>Open</summary><div></div>';
        details.lastElementChild.style.height = '2000px';
        document.querySelector('.turn:last-child .prose').append(details);
    }""")
    page.get_by_text("Open", exact=True).click()
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    expect(page.get_by_text("Open", exact=True)).to_be_in_viewport()
    upstream.open_gate("opened")
    expect(last(page, "done")).to_be_visible()
    expect(page.get_by_text("Open", exact=True)).to_be_in_viewport()


def test_a_page_that_comes_back_from_the_background_is_at_its_end(page, growing):
    page.evaluate("""() => {
        const hidden = document.createElement('p');
        hidden.style.height = '500px';
        document.querySelector('.turn:last-child .prose').append(hidden);
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    assert gap_below(page) < 5


def test_the_scroll_bar_has_its_room_before_it_is_there(page, upstream):
    width = "() => document.querySelector('main').clientWidth"
    before = page.evaluate(width)
    assert page.evaluate("() => getComputedStyle(document.documentElement).scrollbarGutter") == "stable"
    upstream.answer(MODEL, answer(PARAGRAPH * 60))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    assert page.evaluate(width) == before

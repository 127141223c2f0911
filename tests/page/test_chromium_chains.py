"""An answer of a chain of models, in a real browser."""

import pytest

from tests.conftest import upstreams
from tests.page.screen import ask, last, prose
from tests.support.service import Service
from tests.support.upstream import Close, anthropic_wire, faults, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

CHAIN = """
[models.chain]
chain = ["openai/first", "anthropic/second"]
"""


@pytest.fixture
def service(upstream, tmp_path):
    config = tmp_path / "headrace.toml"
    config.write_text(CHAIN)
    settings = {**upstreams(upstream), "HEADRACE_CONFIG": str(config), "HEADRACE_MODEL": "chain"}
    with Service(**settings) as running:
        yield running


def test_an_answer_that_two_models_worked_on_says_so_and_is_the_second_ones(page, upstream):
    upstream.answer("first", faults.after(openai_wire.answer("One ", "two ", "three "), 2, Close()))
    upstream.answer("second", anthropic_wire.answer("Another ", "answer.", usage=(9, 2)))
    ask(page)
    done = last(page, "done")
    expect(done).to_be_visible(timeout=20_000)
    expect(prose(page)).to_have_text("Another answer.")
    expect(page.locator("#spoken")).to_contain_text("Begun again with anthropic/second")
    expect(done.get_by_label("About this answer")).to_contain_text("2 attempts")

"""The languages of code in a real browser: each is coloured by its own grammar, and all others stay plain."""

import pytest

from tests.page.rendering import show_code

LANGUAGES = {
    "python": "import re\n\ndef a(b):\n    return 'c'  # d",
    "js": "const a = async (b) => `c ${b}`; // d",
    "tsx": "interface A { b: string }\nconst c = <p className='d'>{e}</p>;",
    "html": '<!doctype html>\n<script>\nconst a = 1;\n</script>\n<p class="b">c</p>',
    "css": ".a > b { color: #fff; margin: 1px }",
    "json": '{"a": [1, true, null, "b"]}',
    "bash": 'for i in $(ls); do echo "$i"; done # all',
    "console": "$ ls -l\ntotal 0",
    "sql": "SELECT count(*) FROM a WHERE b = 'c'; -- d",
    "java": "public class A { int b() { return 1; } }",
    "c++": "#include <vector>\nint main() { return 0; } // a",
    "C#": "public record A(string B);",
    "go": 'package main\n\nfunc main() { println("a") }',
    "rust": 'fn main() { let a: u8 = 1; println!("{}", a); }',
    "ruby": 'def a(b) = puts "c #{b}"',
    "php": "<?php\nfunction a($b) { return 'c'; }",
    "swift": 'func a(b: Int) -> String { "c" }',
    "kotlin": 'fun a(b: Int): String = "c"',
    "yaml": "a:\n  - 'b' # c",
    "toml": '[a]\nb = "c"',
    "dockerfile": "FROM a:1\nRUN b",
    "makefile": "a: b\n\t$(CC) c",
    "diff": "-a\n+b",
    "latex": "\\section{a} % b",
    "r": 'a <- function(b) { print("c") }',
    "powershell": 'Get-Item -Path "a" # b',
    "vue": "<script setup lang='ts'>\nconst a: number = 1\n</script>",
    "graphql": "query A { b(c: 1) { d } }",
}


def test_each_language_is_coloured(answer):
    for language, code in LANGUAGES.items():
        answer.evaluate("root.replaceChildren()")
        show_code(answer, language, code)
        assert answer.locator(".code code").text_content() == code, language


@pytest.mark.parametrize("language", ["", "text", "mermaid", "constructor", "../core"])
def test_a_language_that_is_not_known_stays_plain_and_loads_nothing(answer, language):
    requested = []
    answer.on("request", lambda request: requested.append(request.url))
    show_code(answer, language, "def a", wait=".code code")
    answer.evaluate("frame().then(frame)")
    assert answer.locator(".code code").inner_html() == "def a"
    assert requested == []

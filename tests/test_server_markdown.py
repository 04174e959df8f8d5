"""What a model writes is shown, and does nothing."""

from html.parser import HTMLParser

import pytest

from idiolect.server.markdown import to_html

TAGS = {"p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "h1", "h2", "hr", "br", "s"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}


class Read(HTMLParser):
    """The tags and the attributes of some HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name: value or "" for name, value in attrs}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![a picture](https://tracker.example/x.png)",
        "[a link](javascript:alert(1))",
        "[a link](JaVaScRiPt:alert(1))",
        "[a link](data:text/html,<script>alert(1)</script>)",
        "[a link](/page/statements)",
        "[a link](//evil.example)",
        "<hx-partial hx-target='body'>gone</hx-partial>",
        "\"><b hx-get='/healthz' hx-trigger='load'>",
        "<https://ok.example/\"onmouseover='alert(1)'>",
        "</template></article><form action=/x>",
        '```"><script>\nalert(1)\n```',
        "[x]: javascript:alert(1)\n\n[x]",
    ],
)
def test_a_models_words_stay_words(text: str) -> None:
    read = Read(to_html(text))
    assert read.tags <= TAGS
    assert set(read.attributes) <= {"href", "rel", "target", "class"}
    assert read.attributes.get("href", "https://").startswith(("https://", "http://", "mailto:"))


def test_lists_code_and_emphasis_are_shown_as_such() -> None:
    read = Read(to_html("# Bread\n\n1. *Knead* it\n2. `wait()`\n\n> Yes\n\n| a | b |\n|---|---|\n| 1 | 2 |"))
    assert {"h1", "ol", "li", "em", "code", "blockquote", "table"} <= read.tags


def test_links_lead_out_without_telling_where_from() -> None:
    read = Read(to_html("See [this](https://example.org/a?b=1&c=2)."))
    assert read.attributes == {
        "href": "https://example.org/a?b=1&c=2",
        "rel": "noopener noreferrer nofollow",
        "target": "_blank",
    }

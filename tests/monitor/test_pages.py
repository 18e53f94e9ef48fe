"""Web pages give up their article."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor import pages
from monitor.errors import Unreadable

TEXT = "The delegations will meet again this weekend, the ministry said in a statement on Tuesday evening. "
PAGE = f"""<!DOCTYPE html><html lang="en-GB"><head><title>Talks resume | The Daily Example</title>
<meta property="og:title" content="Talks resume"><meta name="author" content="Ann Writer">
<meta property="article:published_time" content="2026-07-01T10:00:00+02:00"></head>
<body><nav><a href="/">Home</a> <a href="/about">About us</a></nav>
<article><h1>Talks resume</h1><p>{TEXT * 3}</p><p>Nobody {TEXT * 3}</p></article>
<footer>Subscribe to our newsletter</footer></body></html>"""


def extracted(page: str, content_type: str = "text/html; charset=utf-8", encoding: str = "utf-8") -> pages.Page:
    return pages.extract(page.encode(encoding), url="https://news.example/a", content_type=content_type)


def test_a_page_gives_its_text_without_menus_and_what_it_says_of_itself() -> None:
    page = extracted(PAGE)

    assert page.text.splitlines()[-1].startswith("Nobody The delegations")
    assert "newsletter" not in page.text
    assert "About us" not in page.text
    assert (page.title, page.author, page.language) == ("Talks resume", "Ann Writer", "en")
    assert page.published == datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "stated",
    [
        '{"@type": "NewsArticle", "datePublished": "2026-07-01T08:00:00Z"}',
        '[{"@graph": [{"datePublished": "2026-07-01T08:00:00Z"}, 7]}, 3]',
    ],
)
def test_the_date_may_stand_in_linked_data(stated: str) -> None:
    page = PAGE.replace("article:published_time", "x").replace(
        "</head>", f'<script type="application/ld+json">{stated}</script></head>'
    )

    assert extracted(page).published == datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("stated", ["2026-07-01", "soon", "", "0001-01-01T00:00:00+14:00"])
def test_a_day_without_a_time_is_no_date(stated: str) -> None:
    assert extracted(PAGE.replace("2026-07-01T10:00:00+02:00", stated)).published is None


@pytest.mark.parametrize("declared", ["text/html; charset=windows-1251", "text/html"])
def test_the_charset_of_the_header_or_of_the_page_is_used(declared: str) -> None:
    russian = PAGE.replace(TEXT, "Делегации встретятся снова в эти выходные, сообщило министерство. ")
    russian = russian.replace("<head>", '<head><meta charset="windows-1251">')

    assert "Делегации встретятся" in extracted(russian, declared, "windows-1251").text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("naïve".encode(), "naïve"),
        ("naïve".encode("cp1252"), "naïve"),
        ("naïve".encode("utf-16"), "naïve"),
        (b"\xef\xbb\xbfa", "a"),
        (b"<meta charset=no-such>a\xe9", "<meta charset=no-such>aé"),
        (b"<meta charset=utf-8>a\xe9", "<meta charset=utf-8>a\ufffd"),
    ],
)
def test_text_is_decoded_by_what_is_most_likely_true(body: bytes, text: str) -> None:
    assert pages.decoded(body) == text


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"", "text/html", "no HTML"),
        (b"%PDF-1.7 ...", "text/html", "not a page"),
        (b"\x89PNG\r\n", "", "not a page but a binary file"),
        (b"<html>", "image/png", "not a page but image/png"),
        (bytes(2000), "", "binary"),
        (b"<html><body></body></html>", "text/html", "no"),
        (b"<div>" * 100_000, "text/html", "no"),
    ],
)
def test_what_holds_no_article_is_said_so(body: bytes, content_type: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        pages.extract(body, url="https://news.example/a", content_type=content_type)

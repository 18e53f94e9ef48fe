"""Web pages give up their article."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trafilatura import load_html

import rules
from monitor import imprint, pages
from monitor.errors import Unreadable
from rules import Article, RuleSet
from rules.fold import vocabulary

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus" / "html"

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


def linked(data: object) -> str:
    """The page with this JSON-LD, and no date or author in its meta tags."""
    bare = PAGE.replace("article:published_time", "x").replace('name="author"', 'name="x"')
    return bare.replace("</head>", f'<script type="application/ld+json">{json.dumps(data)}</script></head>')


NEWS = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": "Talks resume"}


@pytest.mark.parametrize(
    "data",
    [
        {**NEWS, "author": {"@type": "Person", "name": "By Ann Writer"}},
        [{"@type": "WebSite", "author": "Not She"}, {**NEWS, "author": ["Ann Writer", "https://example.org/ann"]}],
        {"@graph": [{**NEWS, "author": [{"name": ["Ann Writer"]}, {"name": "Ann-Writer"}, {"name": "ann-writer"}]}]},
        {**NEWS, "author": [{"@type": "Organization", "name": "The Daily Example"}, {"@type": "Person", "name": "Ann Writer"}]},
        {"mainEntity": {**NEWS, "author": "by Ann Writer, @annwrites"}},
    ],
)
def test_the_author_of_linked_data_is_a_name_and_no_more(data: object) -> None:
    assert extracted(linked(data)).author == "Ann Writer"


def test_two_authors_are_both_named_and_a_house_where_nobody_is() -> None:
    assert extracted(linked({**NEWS, "author": "Ann Writer and Bob Typer"})).author == "Ann Writer; Bob Typer"
    assert extracted(linked({**NEWS, "author": {"@type": "Organization", "name": "The Daily"}})).author == "The Daily"


@pytest.mark.parametrize("title", ["Talks resume | The Daily Example", "Talks resume - The Daily", "Talks resume – Daily"])
def test_the_name_of_the_site_is_no_part_of_the_title(title: str) -> None:
    page = linked(NEWS).replace('content="Talks resume"', f'content="{title}"')

    assert extracted(page).title == "Talks resume"


def test_a_longer_title_is_not_cut_for_beginning_alike() -> None:
    page = PAGE.replace('content="Talks resume"', 'content="Talks resume-nobody knows where"')

    assert extracted(page).title == "Talks resume-nobody knows where"


@pytest.mark.parametrize(
    ("stated", "published", "dating"),
    [
        ("2026-07-01T10:00:00+02:00", datetime(2026, 7, 1, 8, 0, tzinfo=UTC), "stated"),
        ("2026-07-01T08:00:00", datetime(2026, 7, 1, 8, 0, tzinfo=UTC), "zoneless"),
        ("1970-01-01T00:00:00Z", None, "implausible"),
        ("at 10:00 o'clock sharp, whenever", None, "unreadable"),
        ("soon", None, "absent"),
    ],
)
def test_a_date_says_how_far_it_can_be_believed(stated: str, published: datetime | None, dating: str) -> None:
    page = extracted(PAGE.replace("2026-07-01T10:00:00+02:00", stated))

    assert (page.published, page.dating) == (published, dating)


@pytest.mark.parametrize(
    "markup",
    [
        '<meta property="article:modified_time" content="2026-07-02T10:00:00Z">',
        '<meta itemprop="dateModified" content="2026-07-02T10:00:00Z">',
        '<time itemprop="dateModified" datetime="2026-07-02T12:00:00+02:00">yesterday</time>',
    ],
)
def test_a_page_says_when_it_was_changed(markup: str) -> None:
    assert extracted(PAGE.replace("<article>", f"{markup}<article>")).updated == datetime(2026, 7, 2, 10, tzinfo=UTC)


def test_a_change_before_the_publication_is_none() -> None:
    page = PAGE.replace("</head>", '<meta property="article:modified_time" content="2025-07-02T10:00:00Z"></head>')

    assert extracted(page).updated is None


def test_the_date_may_stand_in_the_article_itself() -> None:
    page = PAGE.replace("article:published_time", "x").replace("<h1>", '<time datetime="2026-07-01T08:00:00Z">1 July</time><h1>')

    assert extracted(page).published == datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ('<link rel="canonical" href="https://www.news.example/world/a">', "https://www.news.example/world/a"),
        ('<link rel="Canonical" href="/world/a#top">', "https://news.example/world/a"),
        ('<meta property="og:url" content="http://m.news.example/world/a">', "http://m.news.example/world/a"),
        ('<link rel="canonical" href="https://other.example/a">', None),
        ('<link rel="canonical" href="https://evilnews.example/a">', None),
        ('<link rel="canonical" href="https://example/a">', None),
        ('<link rel="canonical" href="javascript:alert(1)">', None),
        ('<link rel="canonical" href="file:///etc/passwd">', None),
        ('<link rel="canonical" href="https://news.example@other.example/a">', None),
        ('<link rel="canonical" href="https://news.example:22/a">', None),
        ('<link rel="canonical" href="https://news.example:99999/a">', None),
        ('<link rel="canonical" href="https://[news.example/a">', None),
        (f'<link rel="canonical" href="https://news.example/{"a" * 3000}">', None),
        ('<link rel="canonical" href="https://news.example/">', None),
        ('<link rel="alternate" href="https://news.example/b">', None),
        ('<link rel="canonical" href="https://other.example/a"><meta property="og:url" content="/b">', "https://news.example/b"),
    ],
)
def test_a_page_names_its_address_on_its_own_site_only(link: str, url: str | None) -> None:
    assert extracted(PAGE.replace("</head>", f"{link}</head>")).url == url


@pytest.mark.parametrize(
    "script", ["{", "[" * 100_000, '{"@type": 7, "author": {"name": {}}}', "null", '{"@graph": {"@graph": [null]}}']
)
def test_linked_data_that_is_none_is_left_out(script: str) -> None:
    page = PAGE.replace("</head>", f'<script type="application/ld+json">{script}</script></head>')

    assert extracted(page).title == "Talks resume"


def test_linked_data_without_end_is_read_as_far_as_2000_objects() -> None:
    found = imprint.head(load_html(linked([{"headline": str(n)} for n in range(5_000)])))

    assert len(found.nodes) == 2_000


def test_without_the_guard_a_page_could_take_the_address_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imprint, "_same_site", lambda *_: True)
    page = PAGE.replace("</head>", '<link rel="canonical" href="https://other.example/a"></head>')

    assert extracted(page).url == "https://other.example/a"


def test_dates_and_meta_tags_without_end_are_looked_at_as_far_as_twenty() -> None:
    many = '<meta property="article:published_time" content="at 10:00 some day">' * 30
    page = PAGE.replace("<meta property", f"{many}<meta property", 1)

    assert (extracted(page).published, extracted(page).dating) == (None, "unreadable")


# What is on a page, seen without reading it.


def rule(when: str) -> RuleSet:
    return rules.load({"rules.yaml": f"rules: [{{id: it, when: {when}}}]".encode()}, "rules.yaml")


@pytest.mark.parametrize(
    "markup",
    [
        "<p>zeppelin</p>",
        "<p>zep<b>pel</b>in</p>",
        "<p>zep<wbr>pelin</p>",
        "<p>zep<!-- x -->pelin</p>",
        "<p>zep<script>var x = '<p>'</script>pelin</p>",
        "<p>zep&shy;pelin and zep&#x200e;pelin</p>",
        "<p>&#122;eppelin</p>",
        "<p>zep&amp;shy;pelin</p>",
        "<div>The<p>zeppelin</p>flies</div>",
        "<td>old<td>zeppelin<td>new",
        "<p>old<br>zeppelin<br>new</p>",
        "<p title='<b>'>old<a href='>'>zeppelin</a></p>",
        "<noscript><p>zeppelin</p></noscript>",
        '<script type="application/ld+json">{"headline": "The z\\u0065ppelin"}</script>',
        '<script type="application/ld+json">{"@graph": [{"articleBody": "<p>The</p><p>zep<b>pelin</b></p>"}]}</script>',
        '<script type="application/ld+json">{"articleBody": "&lt;p&gt;zeppelin&lt;/p&gt;"}</script>',
        '<meta property="og:title" content="A zeppelin">',
        '<meta name="description" content="A zeppelin">',
    ],
)
def test_a_word_that_may_come_out_is_visible(markup: str) -> None:
    page = f"<html><head><title>x</title></head><body>{markup}<p>{TEXT * 5}</p></body></html>".encode()

    assert pages.promising(page, "", rule("[zeppelin]"))


@pytest.mark.parametrize(
    "markup",
    [
        "<!-- zeppelin -->",
        "<script>zeppelin()</script>",
        "<style>zeppelin {}</style>",
        "<p class='zeppelin' title='zeppelin'>x</p>",
        "<img alt='zeppelin'>",
        "<p>zep</p><p>pelin</p>",
        '<script type="application/ld+json">{"url": "zeppelin"}</script>',
        '<meta name="keywords" content="zeppelin">',
        "<div id='data-preloaded' data-preloaded='zeppelin'></div>",
    ],
)
def test_a_word_that_never_comes_out_is_not_visible(markup: str) -> None:
    page = f"<html><head><title>x</title></head><body>{markup}<p>{TEXT * 5}</p></body></html>".encode()

    assert not pages.promising(page, "", rule("[zeppelin]"))


def test_without_gluing_what_stands_in_one_line_a_word_would_be_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_INLINE", re.compile("(?!)"))

    assert not pages.promising(
        f"<html><body><p>zep<b>pel</b>in</p><p>{TEXT * 5}</p></body></html>".encode(), "", rule("[zeppelin]")
    )


def test_without_the_texts_of_linked_data_a_word_would_be_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    body = f'<html><body><script type="application/ld+json">{{"articleBody": "A zeppelin. {TEXT * 9}"}}</script></body></html>'.encode()
    wanted, url = rule("[zeppelin]"), "https://a.example/b"

    assert "zeppelin" in pages.extract(body, url=url).text
    assert pages.read(body, url=url, ruleset=wanted) == pages.extract(body, url=url)
    monkeypatch.setattr(imprint.Head, "texts", lambda _: iter(()))
    assert pages.read(body, url=url, ruleset=wanted) is None


def test_a_page_is_read_only_if_a_rule_could_want_it() -> None:
    body, url = PAGE.encode(), "https://news.example/a"

    assert pages.read(body, url=url, ruleset=rule("[zeppelin]")) is None
    assert pages.read(body, url=url, ruleset=rule("{all: [zeppelin, weekend]}")) is None
    assert pages.read(body, url=url, title="A zeppelin", ruleset=rule("{all: [zeppelin, weekend]}")) == pages.extract(
        body, url=url
    )
    assert pages.read(body, url=url, summary="zeppelin", ruleset=rule("[zeppelin]")) == pages.extract(body, url=url)
    assert pages.read(body, url=url, ruleset=rule("{none: [weekend]}")) == pages.extract(body, url=url)
    assert pages.promising(body, "", rule("[zeppelin]"), "no", "zeppelin")


@pytest.mark.parametrize("ask", [pages.visible, lambda body: pages.read(body, url="https://a.example", ruleset=rule("[x]"))])
def test_what_is_no_page_is_said_so_before_it_is_looked_at(ask: Callable[[bytes], object]) -> None:
    with pytest.raises(Unreadable, match="not a page"):
        ask(b"%PDF-1.7")


def test_a_page_that_was_read_can_be_sent_between_processes() -> None:
    page = extracted(PAGE)

    assert pickle.loads(pickle.dumps(page)) == page


INLINE = st.sampled_from(
    ["", "", "", "<b>", "</b>", "<i>", "</i>", "<a href='x'>", "</a>", "<span>", "</span>", "&shy;", "<!-- -->", "&#8203;"]
)
BLOCK = st.sampled_from(
    [" ", " ", "\n", "</p><p>", "</div><div>", "<br>", "</p><div>", "</li><li>", "<h2>", "</h2>", "</section>", "<blockquote>"]
)
WORD = st.sampled_from(["zeppelin", "Говорил", "negotiations", "naïve", "U.S.", "meeting", "tomorrow"])


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Words, with tags between their letters and between them, as no editor would write them."""
    parts = []
    for word in draw(st.lists(WORD, min_size=40, max_size=60)):
        cut = draw(st.integers(1, len(word) - 1))
        parts.append(word[:cut] + draw(INLINE) + word[cut:] + draw(BLOCK))
    return " ".join(parts)


@given(bodies(), st.sampled_from(["p", "div", "article", "main", "li", "td"]))
@settings(max_examples=150, deadline=None)
def test_what_comes_out_of_a_page_was_visible_on_it(body: str, tag: str) -> None:
    page = f"<html><head><title>t</title></head><body><{tag}>{body}</{tag}></body></html>".encode()
    try:
        text = pages.extract(page, url="https://a.example/b").text
    except Unreadable:
        return

    wanted = vocabulary("zeppelin Говорил negotiations naïve U.S. meeting tomorrow")
    assert vocabulary(text) & wanted <= vocabulary(pages.visible(page))


BROAD = [
    "[said]",
    "[trump, biden]",
    "[talks, negotiat*]",
    "{all: [police, court]}",
    "{title: [war, us]}",
    "{near: {terms: [minister, said]}}",
]
needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="../shared/corpus/html is not here")


@needs_corpus
def test_reading_only_what_is_promising_matches_what_reading_everything_does() -> None:
    shipped = rules.load({"rules.yaml": (ROOT / "rules.yaml").read_bytes()}, "rules.yaml")
    asked = [shipped, *map(rule, BROAD)]
    matched = unread = 0
    for row in map(json.loads, (CORPUS / "gold.jsonl").read_text("utf-8").splitlines()):
        body = (CORPUS / row["file"]).read_bytes()
        page = pages.extract(body, url=row["url"])
        article = Article(id="it", title=page.title, body=page.text, published=page.published)
        for ruleset in asked:
            matches = ruleset.match(article)
            promising = pages.promising(body, "", ruleset)
            matched, unread = matched + bool(matches), unread + (not promising)
            assert promising or not matches, row["file"]

    assert matched > 50
    assert unread > 50


# Found by benchmarks/fuzz.py.


def test_a_word_in_elements_that_mean_nothing_is_seen_whole() -> None:
    page = PAGE.replace("Nobody", "<x-hl>Water</x-hl>fall, and <guid>over</guid>flow: nobody")

    assert "Waterfall" in extracted(page).text
    assert {"waterfall", "overflow", "water", "flow"} <= vocabulary(pages.visible(page.encode()))


def test_code_in_a_headline_is_none_of_its_words() -> None:
    page = "<html><head></head><body><h1>Talks resume<script>var x = 1</script></h1>" + f"<p>{TEXT * 3}</p></body></html>"

    assert extracted(page).title == "Talks resume"


def test_a_long_xml_declaration_does_not_hang_the_parser() -> None:
    """What is tested is that this ends: lxml looks through a declaration for a square of its length."""
    assert extracted('<?xml version="1.0"' + " \n" * 100_000 + "?>" + PAGE).title == "Talks resume"


def test_a_character_of_windows_1252_that_was_written_by_its_number_is_seen() -> None:
    page = PAGE.replace("Talks resume", "Talks don&#146;t resume")

    assert vocabulary(extracted(page).title) <= vocabulary(pages.visible(page.encode()))

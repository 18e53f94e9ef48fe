"""Ids are derived from content, addresses have one spelling, and copies are told from other reports of one kind."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import identity
from rules import Article

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTERS = Path(__file__).parents[3] / "shared" / "corpus" / "clusters.jsonl"

WIRE = (
    "Delegations of both countries will meet in Valletta on Saturday for a second round of talks on prisoners of war, "
    "the foreign ministry said. The first round in March ended without a result. Mediators hope for agreement on the release of "
    "two hundred soldiers and on the return of civilians who were taken across the border in the first weeks of the war."
)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("HTTPS://News.Example:443/a/?utm_source=x&b=2&a=1#top", "https://news.example/a?b=2&a=1"),
        ("http://news.example:8080/", "http://news.example:8080/"),
        ("http://news.example", "http://news.example/"),
        ("https://news.example/story/amp/", "https://news.example/story"),
        ("https://news.example/story.amp.html?amp=1", "https://news.example/story.html"),
        ("https://news.example/amp/", "https://news.example/amp"),
        ("https://news.example/example/", "https://news.example/example"),
        ("https://news.example/?id=7&fbclid=abc&gclid=1&at_medium=RSS", "https://news.example/?id=7"),
        ("https://news.example/Case/Sensitive", "https://news.example/Case/Sensitive"),
        ("https://[::1]:443/x", "https://[::1]/x"),
        ("https://news.example:99999/x", "https://news.example:99999/x"),
        (" mailto:desk@news.example ", "mailto:desk@news.example"),
        ("not an address", "not an address"),
    ],
)
def test_an_address_has_one_spelling(given_: str, expected: str) -> None:
    assert identity.canonical(given_) == expected


@given(st.text())
def test_a_canonical_address_stays_as_it_is(url: str) -> None:
    once = identity.canonical(url)

    assert identity.canonical(once) == once


STORY = "https://news.example/world/talks-in-malta-123?id=7"

SPELLINGS = [
    "https://news.example/world/talks-in-malta-123?id=7",
    "http://news.example/world/talks-in-malta-123?id=7",
    "HTTPS://News.Example/world/talks-in-malta-123?id=7",
    " https://news.example/world/talks-in-malta-123?id=7\n",
    "https://news.example:443/world/talks-in-malta-123?id=7",
    "http://news.example:80/world/talks-in-malta-123?id=7",
    "https://news.example./world/talks-in-malta-123?id=7",
    "https://www.news.example/world/talks-in-malta-123?id=7",
    "https://m.news.example/world/talks-in-malta-123?id=7",
    "https://mobile.news.example/world/talks-in-malta-123?id=7",
    "https://amp.news.example/world/talks-in-malta-123?id=7",
    "https://www.m.news.example/world/talks-in-malta-123?id=7",
    "https://news.example/world/talks-in-malta-123/?id=7",
    "https://news.example//world///talks-in-malta-123?id=7",
    "https://news.example/world/./talks-in-malta-123?id=7",
    "https://news.example/sport/../world/talks-in-malta-123?id=7",
    "https://news.example/world/talks-in-malta-123/index.html?id=7",
    "https://news.example/world/talks-in-malta-123/index.php?id=7",
    "https://news.example/world/talks-in-malta-123/amp/?id=7",
    "https://news.example/world/amp/talks-in-malta-123?id=7",
    "https://news.example/amp/world/talks-in-malta-123?id=7",
    "https://news.example/world/talks-in-malta-123.amp?id=7",
    "https://news.example/world/talks-in-malta-123?id=7&amp=1",
    "https://news.example/world/talks-in-malta-123?id=7&outputType=amp",
    "https://news.example/world/talks-in-malta-123?id=7&usqp=mq331AQ&amp_gsa=1",
    "https://news.example/world/talks-in-malta-123?id=7#comments",
    "https://news.example/world/talks-in-malta-123?id=7#:~:text=talks",
    "https://news.example/world/talks-in-malta-123?utm_source=x&utm_medium=y&id=7",
    "https://news.example/world/talks-in-malta-123?UTM_Campaign=x&id=7&",
    "https://news.example/world/talks-in-malta-123?id=7&amp;utm_source=rss",
    "https://news.example/world/talks-in-malta-123?id=7&fbclid=1&gclid=2&msclkid=3&ttclid=4&srsltid=5&gad_source=6",
    "https://news.example/world/talks-in-malta-123?at_medium=RSS&at_campaign=rss&id=7&ns_mchannel=social",
    "https://news.example/world/talks-in-malta-123?mc_cid=1&mc_eid=2&id=7&mkt_tok=3&_hsenc=4",
    "https://news.example/world/talks-in-malta-123?id=7&ref=rss",
    "https://news.example/world/talks-in-malta-123;jsessionid=A1?id=7",
    "https://news.example/%77orld/talks%2Din%2dmalta-123?%69d=7",
    "https://reader:secret@news.example/world/talks-in-malta-123?id=7",
    "https://news-example.cdn.ampproject.org/c/s/news.example/world/talks-in-malta-123?id=7",
    "https://www.google.com/amp/s/amp.news.example/world/talks-in-malta-123%3Fid=7".replace("%3F", "?"),
    "https://www.google.co.uk/url?sa=t&url=https%3A%2F%2Fnews.example%2Fworld%2Ftalks-in-malta-123%3Fid%3D7&ved=x",
    "http://www.bing.com/news/apiclick.aspx?ref=FexRss&url=https%3a%2f%2fnews.example%2fworld%2ftalks-in-malta-123%3fid%3d7&c=1",
    "https://l.facebook.com/l.php?u=https%3A%2F%2Fnews.example%2Fworld%2Ftalks-in-malta-123%3Fid%3D7%26fbclid%3Dx&h=AT",
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_the_spellings_of_one_address_have_one_key(url: str) -> None:
    """F49 of the fault catalogue: at least forty of them."""
    assert len(set(SPELLINGS)) >= 40
    assert identity.address(url) == STORY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://e.com/en/talks", "https://e.com/fr/talks"),
        ("https://e.com/talks-1", "https://e.com/talks-2"),
        ("https://e.com/talks", "https://e.com/Talks"),
        ("https://e.com/talks", "https://e.com/talks/2"),
        ("https://e.com/talks", "https://e.com/talks.html"),
        ("https://e.com/talks.html", "https://e.com/talks.pdf"),
        ("https://e.com/a/b", "https://e.com/ab"),
        ("https://e.com/a%2Fb", "https://e.com/a/b"),
        ("https://e.com/a%3Fb", "https://e.com/a?b"),
        ("https://e.com/caf%C3%A9", "https://e.com/cafe"),
        ("https://e.com/index/1", "https://e.com/1"),
        ("https://e.com/amplify", "https://e.com/"),
        ("https://e.com/amp", "https://e.com/"),
        ("https://e.com/lamp/1", "https://e.com/1"),
        ("https://e.com/guitars/amp/fender", "https://e.com/guitars/fender"),
        ("https://e.com/?p=1", "https://e.com/?p=2"),
        ("https://e.com/?id=1", "https://e.com/?id=2"),
        ("https://e.com/?article=1", "https://e.com/?article=2"),
        ("https://e.com/?story=1", "https://e.com/?story=2"),
        ("https://e.com/?news_id=1", "https://e.com/?news_id=2"),
        ("https://e.com/?a", "https://e.com/?b"),
        ("https://e.com/?17", "https://e.com/?18"),
        ("https://e.com/?cid=1", "https://e.com/?cid=2"),
        ("https://e.com/?sid=1", "https://e.com/?sid=2"),
        ("https://e.com/?t=1", "https://e.com/?t=2"),
        ("https://e.com/?s=1", "https://e.com/?s=2"),
        ("https://e.com/?from=1", "https://e.com/?from=2"),
        ("https://e.com/?ref=SC-2026-1", "https://e.com/?ref=SC-2026-2"),
        ("https://e.com/?source=ministry", "https://e.com/?source=senate"),
        ("https://e.com/?format=rss", "https://e.com/"),
        ("https://e.com/?page=2", "https://e.com/"),
        ("https://e.com/?lang=ru", "https://e.com/?lang=en"),
        ("https://e.com/?date=2026-05-01", "https://e.com/?date=2026-05-02"),
        ("https://e.com/?a=1&b=2", "https://e.com/?b=2&a=1"),
        ("https://e.com/?a=1&a=2", "https://e.com/?a=2&a=1"),
        ("https://e.com/?q=a+b", "https://e.com/?q=a%2Bb"),
        ("https://e.com/?q=1%262", "https://e.com/?q=1&2"),
        ("https://e.com/?q=amp", "https://e.com/"),
        ("https://e.com/#!/news/1", "https://e.com/#!/news/2"),
        ("https://e.com/#/news/1", "https://e.com/#/news/2"),
        ("https://e.com/x", "https://e.org/x"),
        ("https://e.com/x", "https://en.e.com/x"),
        ("https://sport.e.com/x", "https://news.e.com/x"),
        ("https://www.co.uk/x", "https://m.co.uk/x"),
        ("https://e.com:8080/x", "https://e.com/x"),
        ("https://strasse.example/x", "https://straße.example/x"),
        ("https://e.com/watch?v=a", "https://e.com/watch?v=b"),
        ("https://www.google.com/url?q=a", "https://www.google.com/url?q=b"),
        ("https://news.google.com/rss/articles/CBMi1", "https://news.google.com/rss/articles/CBMi2"),
        ("https://t.co/a", "https://t.co/b"),
        ("https://web.archive.org/web/2020/https://e.com/", "https://web.archive.org/web/2021/https://e.com/"),
    ],
)
def test_different_pages_have_different_keys(one: str, other: str) -> None:
    assert identity.address(one) != identity.address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "https://www.nytimes.com/2026/05/01/talks.html?searchResultPosition=2&smid=tw",
            "https://nytimes.com/2026/05/01/talks.html",
        ),
        (
            "https://www-bbc-co-uk.cdn.ampproject.org/c/s/www.bbc.co.uk/news/amp/world-59853010",
            "https://bbc.co.uk/news/world-59853010",
        ),
        ("https://www.rbc.ru/politics/1?from=newsfeed", "https://www.rbc.ru/politics/1"),
        ("https://en.m.wikipedia.org/wiki/Malta", "https://en.wikipedia.org/wiki/Malta"),
        ("https://НОВОСТИ.рф/мир/1", "https://xn--b1amnebsh.xn--p1ai/%D0%BC%D0%B8%D1%80/1"),
        ("https://Bücher.example/x", "https://XN--BCHER-KVA.example/x"),
        ("https://news.example/a b", "https://news.example/a%20b"),
        ("https://news.example/50%", "https://news.example/50%25"),
        ("https://www.google.com/url?q=https://www.google.com/url?q=https://e.com/1", "http://e.com/1"),
    ],
)
def test_publishers_and_scripts_have_spellings_of_their_own(one: str, other: str) -> None:
    assert identity.address(one) == identity.address(other)


_PIECES = st.sampled_from(
    "http:// https:// // / . .. ? & ; # #! % %2 %61 %2F %c3%a9 amp amp; .amp amp/ www. m. amp. index.html .html id=7 utm_source=x = : @ [ ] "
    "::1 :80 :443 :99999 e.com google.com /url ?q= &url= /amp/s/ cdn.ampproject.org /c/s/ ;jsessionid=1 б ß İ 。 \x00 \ud800 1 a".split(
        " "
    )
)


@given(
    st.one_of(
        st.text(),
        st.lists(_PIECES, max_size=20).map("".join),
        st.lists(_PIECES, max_size=16).map(lambda pieces: "https://" + "".join(pieces)),
    )
)
def test_a_key_is_its_own_key_and_no_address_is_too_odd_for_one(url: str) -> None:
    once = identity.address(url)

    assert identity.address(once) == once


@given(st.sampled_from(["id", "p", "article", "story", "n", "page", "lang", "v"]), st.integers(0, 9999), st.integers(0, 9999))
def test_a_meaningful_parameter_is_never_given_up(name: str, one: int, other: int) -> None:
    keys = [identity.address(f"http://www.e.com/read?utm_source=x&{name}={value}&fbclid=1") for value in (one, other)]

    assert (keys[0] == keys[1]) == (one == other)


def test_a_huge_address_is_its_own_key() -> None:
    url = "https://e.com/" + "amp/" * 10_000

    assert identity.address(url) == url


@pytest.mark.parametrize(
    ("title", "digest", "same"),
    [
        ("Talks resume in Malta", "d1", True),  # not a word changed: another guid, or another spelling of the address
        ("Talks resume in Malta", "d2", True),  # an edit
        ("TALKS RESUME, in Malta!", "d2", True),
        ("Talks to resume in Malta on Sunday", "d1", True),  # as its source says, nothing has changed
        ("Ferries resume", "d2", False),  # two entries that link to the home page
        ("", "d2", False),
        ("", "", False),
    ],
)
def test_what_stands_under_one_address_is_the_known_article_by_title_or_text(title: str, digest: str, same: bool) -> None:  # noqa: FBT001
    article = Article(id="feed#new", title="Talks resume in Malta", body=WIRE, url="https://news.example/", digest="d1")

    assert identity.same_page(title, digest, article) is same


def test_articles_without_title_and_digest_are_nobodys_copies() -> None:
    assert not identity.same_page("", "", Article(id="a", title=""))
    assert not identity.same_page("!", "", Article(id="a", title="?"))
    assert identity.same_page("???", "", Article(id="a", title=" ??? "))


def test_a_feed_that_changes_all_guids_keeps_its_articles() -> None:
    """F47, and its control: by ids alone every poll would be news."""
    polls = [
        [
            Article(id=f"feed#{poll}-{n}", title=f"Story {n}", url=f"https://e.com/{n}?utm_id={poll}", digest=f"d{n}")
            for n in range(20)
        ]
        for poll in range(50)
    ]

    assert len(_told_apart(polls)) == 20
    assert len({article.id for poll in polls for article in poll}) == 1000


def test_entries_that_share_a_link_stay_apart() -> None:
    """F48, and its control: by addresses alone all would be one."""
    polls = [
        [Article(id=f"feed#{poll}-{n}", title=f"Story {n}", url="https://e.com/", digest=f"d{n}") for n in range(20)]
        for poll in (1, 2)
    ]

    assert len(_told_apart(polls)) == 20
    assert len({identity.address(article.url or "") for poll in polls for article in poll}) == 1


def _told_apart(polls: list[list[Article]]) -> list[Article]:
    known: list[Article] = []
    for article in (article for poll in polls for article in poll):
        page = [one for one in known if identity.address(one.url or "") == identity.address(article.url or "")]
        if not any(identity.same_page(one.title, one.digest, article) for one in page):
            known.append(article)
    return known


def test_a_digest_knows_where_one_text_ends() -> None:
    assert identity.digest("ab", "c") != identity.digest("a", "bc")
    assert len(identity.digest("\ud800")) == 64


def test_a_revision_changes_with_the_texts_and_nothing_else() -> None:
    article = Article(id="a", title="Talks", body=WIRE)

    assert identity.revision(article) == identity.revision(dataclasses.replace(article, id="b", source="other", url="u"))
    assert identity.revision(article) != identity.revision(dataclasses.replace(article, body=WIRE + " More."))


def test_ids_never_change() -> None:
    """A receiver knows an alert by its id, and a kept event is found by its: these are the ids of the first release."""
    assert identity.event_id("rule", "article", "title:0:5") == "evt_6khcn2e6od5b3bjbyeyesbj5p7"
    assert identity.alert_id("rule", "article", "revision") == "alt_wrqvypnrnuzxavlwyxd76bcsaf"
    assert identity.digest("a", "b") == "facdde7abf1eac5b301273ab2e282f79bab0100f058833a7b8bdf9f80741e149"


def test_ids_are_stable_and_have_no_dot() -> None:
    assert identity.alert_id("rule", "article", "revision") == identity.alert_id("rule", "article", "revision")
    assert identity.alert_id("rule", "article", "revision") != identity.alert_id("rule", "article", "other")
    assert identity.event_id("r.1", "a.b", "body:0:5").startswith("evt_")
    assert "." not in identity.event_id("r.1", "a.b", "body:0:5") + identity.alert_id("r.1", "a.b", "x.y")


def test_a_syndicated_copy_is_near() -> None:
    copy = "VALLETTA (Agency) – " + WIRE.replace("Mediators hope", "Mediators still hope") + " Reporting by A. Writer."

    assert identity.near(identity.sketch(WIRE), identity.sketch(copy))


def test_another_report_on_the_same_event_is_not_a_copy() -> None:
    other = "Envoys gather in Malta this weekend: prisoners and abducted civilians are on the table, the ministry announced."

    assert not identity.near(identity.sketch(WIRE), identity.sketch(other))


def test_texts_of_few_words_are_copies_only_when_equal() -> None:
    assert identity.near(identity.sketch("Talks in Malta on Saturday"), identity.sketch("TALKS in Malta, on Saturday!"))
    assert not identity.near(identity.sketch("Talks in Malta on Saturday"), identity.sketch("Talks in Malta on Sunday"))
    assert not identity.near(identity.sketch(""), identity.sketch(""))


def test_articles_that_share_an_appeal_are_not_copies() -> None:
    appeal = "\n\n".join(  # noqa: FLY002 - a list of paragraphs, read as one
        [
            "Dear readers, we need your help: support independent journalism with a monthly donation, however small it may be.",
            "Sign up for our free weekly newsletter and receive the best of our reporting in your mailbox every Friday morning.",
            "We, the journalists of this paper, refuse to be silenced. Please support us monthly. It is quick to set up.",
            "Thank you for standing with us, and for defending a free press in the face of those who would like us gone.",
        ]
    )
    one = Article(id="1", title="Storks leave late", body=f"The last storks have left the delta.\n\n{appeal}")
    other = Article(id="2", title="Ferries resume", body=f"Ferries to the outer islands run again.\n\n{appeal}")

    def near(text: Callable[[Article], str]) -> bool:
        return identity.near(identity.sketch(text(one)), identity.sketch(text(other)))

    assert not near(identity.substance)
    assert near(lambda article: f"{article.title}\n{article.body}")  # the control: what the appeal would do


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ("Talks will be held in Malta", "In Malta, talks are to be held", 1.0, 1.0),
        ("Переговоры пройдут в Стамбуле", "В Стамбуле прошли переговоры", 0.6, 1.0),
        ("Russia will attend the summit", "Russia will not attend the summit", 0.5, 0.9),
        ("Talks will be held in Malta", "Storks left the delta", 0.0, 0.0),
        ("", "", 1.0, 1.0),
        ("", "talks", 0.0, 0.0),
    ],
)
def test_likeness_is_of_content_words(one: str, other: str, low: float, high: float) -> None:
    assert low <= identity.alike(one, other) <= high


@given(st.text(), st.text())
def test_likeness_and_nearness_are_mutual(one: str, other: str) -> None:
    left, right = identity.sketch(one), identity.sketch(other)

    assert identity.alike(one, other) == identity.alike(other, one)
    assert 0 <= identity.alike(one, other) <= 1.000001
    assert identity.near(left, right) == identity.near(right, left)
    assert left == tuple(sorted(set(left)))
    assert len(left) <= identity.SKETCH


@pytest.mark.skipif(not CLUSTERS.exists(), reason="the shared corpus is not there")
def test_near_texts_of_the_corpus_are_of_one_event() -> None:
    """The risk is two events of one kind, reported in the same words but for the names; the corpus has them on purpose."""
    rows = [json.loads(line) for line in CLUSTERS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if "topic_id" in row]
    sketches = [identity.sketch(f"{row['title']}\n{row['text']}") for row in rows]
    wrong = [
        (one["id"], other["id"])
        for at, one in enumerate(rows)
        for other_at, other in enumerate(rows[:at])
        if one["topic_id"] == other["topic_id"]
        and one["cluster_id"] != other["cluster_id"]
        and identity.near(sketches[at], sketches[other_at])
    ]

    assert wrong == []


# Found by benchmarks/fuzz.py.


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example/a.amp.html/",
        "https://news.example/a/amp/amp/",
        "https://news.example/a.amp/amp//",
        "https://news.example/a/ /",
        "https://news.example/a?b=1& ",
    ],
)
def test_the_canonical_address_is_its_own(url: str) -> None:
    assert identity.canonical(identity.canonical(url)) == identity.canonical(url)

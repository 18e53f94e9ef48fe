"""What the fuzzing is fed: small valid documents of our own, and ways to break them. The same Random makes the same case."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

BASE = "https://news.example/world/feed.xml"
BASES = (BASE, BASE, BASE, "http://[2001:db8::1]:8080/a?b=c", "https://xn--bcher-kva.example/%zz/", "http://news.example")
LONGEST = 60_000
"""Bytes of a document: feedparser takes 7 ms a kB where every sign is an error, and a case is read several times."""
WORDS = (
    "talks resume in Geneva after the ministry said on Tuesday that both delegations would meet again; nobody was hurt, 3,5 % "
    "« pourparlers » „Waffenruhe“ Кремль заявил о переговорах Україна відповіла 北京 会談 مفاوضات ‘quoted’ naïve e\u0301t\u00e9 ﬁ 👩‍💻 U.S.A. "
    "covid-19 co\u00adoperation zero\u200bwidth \u202eright \u2028 line \u00a0 hard AT&T R&amp;D &lt;b&gt; &#8364; http://news.example/a"
).split(" ")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to read: bytes as they came, or a text, from an address and with what the server said of it."""

    body: bytes = b""
    text: str = ""
    url: str = BASE
    content_type: str = ""


def words(rng: Random, most: int = 12) -> str:
    """A few words."""
    return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))


# Documents that are as they should be.

_RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>{a}</title><link>https://news.example/</link><language>en-GB</language><ttl>{n}</ttl>
<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>{k}</sy:updateFrequency>
<item><title>{b}</title><link>{u}</link><guid isPermaLink="false">id-{n}</guid><description>&lt;p&gt;{c}&lt;/p&gt;</description>
<author>a@news.example (A. Writer)</author><category>world</category><category>{d}</category><pubDate>{t}</pubDate></item>
<item><title><![CDATA[{c}]]></title><link>https://news.example/b?id={k}</link><guid>https://news.example/b?id={k}</guid>
<content:encoded><![CDATA[<p>{a}</p><script>x()</script><p>{d}<br>{b}</p>]]></content:encoded><dc:creator>{b}</dc:creator>
<dc:date>{s}</dc:date></item>
<item><title>{d}</title><description>{a} &amp;amp; {b}</description><source url="https://wire.example/">Wire</source></item>
</channel></rss>"""
_ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="uk" xml:base="https://news.example/">
<title type="html">{a}</title><updated>{s}</updated><link rel="self" href="/feed"/><author><name>{d}</name></author>
<entry><id>tag:news.example,2026:{n}</id><title type="text">{b}</title><link href="{u}"/><published>{s}</published><updated>{s}</updated>
<summary type="html">&lt;i&gt;{c}&lt;/i&gt;</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>{d}</p></div></content></entry>
<entry><id>urn:uuid:{k}</id><title type="html">{c}</title><link rel="alternate" href="b"/><updated>{t}</updated>
<content type="text">{a}</content><category term="x" label="{b}"/></entry></feed>"""
_RDF = """<?xml version="1.0" encoding="windows-1252"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://news.example/"><title>T</title></channel>
<item rdf:about="{u}"><title>Talks {n}</title><link>{u}</link><description>d</description><dc:date>{s}</dc:date></item>
<item rdf:about="https://news.example/{k}"><title>Second</title><link>https://news.example/{k}</link></item></rdf:RDF>"""
_PAGE = """<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{a} | The Example</title>
<link rel="canonical" href="{u}"><link rel="alternate" type="application/rss+xml" title="{b}" href="/feed.xml">
<meta property="og:title" content="{a}"><meta name="author" content="By Ann Writer"><meta property="article:published_time" content="{s}">
<script type="application/ld+json">{j}</script><style>p {{ color: red }}</style></head><body><nav><a href="/">Home</a></nav>
<article><h1>{a}</h1><p>{b} <b>{c}</b>, <a href="{u}">{d}</a> and much more was said about the talks that nobody had expected.</p>
<p>{c}. The delegations will meet again this weekend, the ministry said in a statement on Tuesday evening.</p><ul><li>{d}</li></ul>
<blockquote>{b}</blockquote><time datetime="{s}" pubdate>today</time><table><tr><td>{c}</td></tr></table></article>
<footer>Subscribe to our newsletter<a href="/rss">RSS</a></footer></body></html>"""
_LIST = """<html><head><base href="https://news.example/world/"></head><body><main>
<article><h2><a href="2026/07/talks-resume-in-{n}">{a} resume in Geneva</a></h2><time datetime="{s}">x</time><p>{b}</p></article>
<li><a href="{u}"><h3>{c} is what they said</h3><img alt="{d}" src="x.jpg"></a></li>
<div class="card"><a href="/news/a-long-story-{k}.html" title="{b}">{d} and so on and on</a><span>{t}</span></div>
<a href="javascript:alert(1)"><h3>Never a link that anybody should follow</h3></a><a href="feed://news.example/rss">Feed</a>
<link rel="alternate" type="application/atom+xml" href="//feeds.news.example/atom"></main></body></html>"""
_MAP = """<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>{u}</loc><lastmod>{s}</lastmod><news:news><news:publication><news:name>Ex</news:name><news:language>en</news:language>
</news:publication><news:publication_date>{s}</news:publication_date><news:title>{a}</news:title></news:news>
<image:image><image:loc>https://news.example/x.jpg</image:loc></image:image></url>
<url><loc>https://news.example/a?x=1&y={n}</loc><lastmod>{t}</lastmod></url><url><loc>/b</loc></url></urlset>"""
_INDEX = """<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>https://news.example/s{n}.xml.gz</loc>
<lastmod>{s}</lastmod></sitemap><sitemap><loc>{u}</loc></sitemap></sitemapindex>"""
_PLAIN_MAP = "https://news.example/a\nhttps://news.example/b?c={n}\n{u}\n"
_OPML = """<?xml version="1.0" encoding="utf-8"?><opml version="2.0"><head><title>{a}</title></head><body>
<outline text="{b}"><outline text="{c}" title="{d}" type="rss" xmlUrl="{u}" htmlUrl="https://news.example/"/>
<outline text="x &amp; y"><outline text="" xmlUrl="https://wire.example/feed?a=1&b={n}"/></outline></outline>
<outline type="link" text="no feed" url="https://news.example/"/><outline text="old" url="feed://old.example/rss"/></body></opml>"""
_ROBOTS = """# {a}
User-agent: *
Disallow: /private/
Allow: /private/news-{n}*.html$
Crawl-delay: {k}

User-agent: news-tripwire
User-agent: other
Disallow: /{n}?*q=
Sitemap: https://news.example/sitemap.xml
"""


def _written(form: str) -> Callable[[Random], bytes]:
    """A maker of such documents, the words in them chosen anew; what is markup in a word makes the document a broken one."""
    return lambda rng: form.format(
        a=words(rng), b=words(rng), c=words(rng, 30), d=words(rng, 4), u=url(rng) if rng.random() < 0.4 else "https://news.example/a",
        n=number(rng), k=rng.randint(0, 99), t=date(rng), s=f"2026-07-{rng.randint(1, 28):02}T10:{rng.randint(0, 59):02}:00+03:00",
        j=json.dumps({"@type": "NewsArticle", "headline": words(rng), "author": [{"@type": "Person", "name": words(rng, 2)}],
                      "datePublished": date(rng), "articleBody": words(rng)}),
    ).encode("utf-8", "surrogatepass")  # fmt: skip


def _odd(rng: Random) -> object:
    """What JSON can hold where a text should be."""
    return rng.choice([words(rng), "", None, rng.randint(-5, 5), 1e308, [words(rng)], {"a": "b"}, True])


def _json_feed(rng: Random) -> bytes:
    items = [
        {
            "id": rng.choice([f"id-{at}", at, "same", _odd(rng)]),
            "url": url(rng) if rng.random() < 0.5 else f"/a/{at}",
            "title": _odd(rng) if rng.random() < 0.2 else words(rng),
            "content_html": f"<p>{words(rng)}</p>",
            "summary": _odd(rng),
            "date_published": date(rng),
            "date_modified": _odd(rng),
            "authors": rng.choice([[{"name": words(rng, 3)}], _odd(rng), [_odd(rng)]]),
            "tags": rng.choice([[words(rng, 2), "b"], _odd(rng), [_odd(rng), _odd(rng)]]),
            "language": _odd(rng),
        }
        for at in range(rng.randint(0, 4))
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": _odd(rng), "language": "en-US", "items": items}
    return json.dumps(feed, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _packed(form: str) -> Callable[[Random], bytes]:
    return lambda rng: gzip.compress(_written(form)(rng), mtime=0)


FEEDS = (_written(_RSS), _written(_RSS), _written(_ATOM), _written(_RDF), _json_feed)
PAGES = (_written(_PAGE), _written(_PAGE), _written(_LIST))
LISTS = (_written(_LIST), _written(_LIST), _written(_PAGE))
MAPS = (_written(_MAP), _written(_MAP), _written(_INDEX), _written(_PLAIN_MAP), _packed(_MAP))
OUTLINES = (_written(_OPML),)
ROBOTS = (_written(_ROBOTS),)
_ALL = (*FEEDS, *PAGES, *MAPS, *OUTLINES, *ROBOTS)


# Dates and addresses, by a grammar that knows the mistakes, too.

_MONTHS = "Jan Feb Mar April May июня Juli août Sept październik ноября december 7月 13 Mai marzo".split()
_ZONES = "Z GMT UTC EST PDT MSK CEST IST +0300 +03:00 -0000 +14:30 -25:00 +3 GMT+3 [Europe/Paris] (CET) X".split()
_DATES = (
    "{day}, {d} {m} {y} {h}:{i}:{x} {z}", "{y}-{o}-{d2}T{h}:{i}:{x}{z}", "{y}-{o}-{d2}", "{d}.{o}.{y} {h}:{i}", "{o}/{d}/{y} {h}:{i} {ap}",
    "{m} {d}, {y} at {h}:{i} {ap} {z}", "{d}-{m}-{y}", "{y}{o}{d2}T{h}{i}{x}{z}", "{y}{o}{d2}{h}{i}{x}", "{n}", "{n}.{n}", "{y}-W{d2}-{k}",
    "{y}-{n}", "{y}年{o}月{d}日 {h}:{i}", "{d} de {m} de {y}, {h}h{i}", "{day} {m} {d} {h}:{i}:{x} {z} {y}", "{h}:{i} – {h}:{i}, {d} {m} {y}",
    "{y}/{o}/{d} {h}:{i}:{x}.{n}", "{d}º {m} {y}", "{z} {y} {m}",
)  # fmt: skip


def number(rng: Random) -> str:
    """A number, or a huge, negative or odd one."""
    few = ("0", "-1", "9" * 30, "1e309", "٣٤", "²", "0x1F", "00007", "NaN", "2147483648", "1_000", "9" * 5_000)
    return rng.choice(few) if rng.random() < 0.15 else str(rng.randrange(10 ** rng.randint(1, 14)))


def date(rng: Random) -> str:
    """A date as feeds and people write them, right or wrong."""
    return rng.choice(_DATES).format(
        day=rng.choice("Mon Tue Вт mar, lundi So. Xyz".split()), d=rng.randint(0, 32), d2=f"{rng.randint(0, 32):02}",
        m=rng.choice(_MONTHS), o=f"{rng.randint(0, 13):02}", y=rng.choice([2026, 2026, 2025, 1970, 1989, 1990, 26, 126, 9999, 10000, 0]),
        h=f"{rng.randint(0, 25):02}", i=f"{rng.randint(0, 61):02}", x=f"{rng.randint(0, 61):02}", z=rng.choice(_ZONES),
        ap=rng.choice(("am", "PM", "p.m.", "")), n=number(rng), k=rng.randint(0, 8),
    )  # fmt: skip


_SCHEMES = "http https http https http https HTTPS ftp javascript data file feed mailto view-source hTTp".split()
_HOSTS = (
    "news.example www.news.example m.news.example News.Example. amp.news.example bücher.example xn--bcher-kva.example ПРАВДА.example "
    "127.0.0.1 0x7f.1 2130706433 [::1] [::ffff:10.0.0.1] [fe80::1%25eth0] [v1.x] [] a..b .example example. -a.example a_b.example ß.example "
    "news.example\uff0eorg ① nytimes.com www.google.com news-example.cdn.ampproject.org cdn.ampproject.org en.m.wikipedia.org "
    "a%2eb.example %41.example \u200b.example"
).split(" ")
_USERS = ("", "", "", "", "", "", "", "user@", "user:pass@", ":pass@", "@", "a@b@", "%40@", "user%3Apass@")
_PORTS = ("", "", "", "", ":80", ":443", ":8080", ":", ":0", ":65536", ":-1", ":8\u0660", ":a", ":0080", ":" + "9" * 30)
_SEGMENTS = (
    "a world 2026 talks-resume-in-geneva index.html amp .. . %2e%2e %2F %zz % ; ;jsessionid=1 a;b=c é %C3%A9 %c3%a9 \u202e story.amp.html "
    "default.aspx AMP a+b a%20b a%00b //x \\x @ : * ' \" < > | ^ ` { } ~ %7E c v s \ud800 \x1f \x7f \x85"
).split(" ")
_NAMES = (
    "id q page utm_source utm_ fbclid amp ref url u to %75tm_source a[] é gclid xtor outputType source PHPSESSID from s t".split(
        " "
    )
)
_VALUES = (
    "1",
    "",
    "a b",
    "%20",
    "rss",
    "https://other.example/x?y=1",
    "https%3A%2F%2Fother.example%2F%3Fz%3D1",
    "é",
    "%",
    "a=b",
    "amp",
)


def url(rng: Random) -> str:
    """An address as documents hold them, right or wrong."""
    if rng.random() < 0.1:
        return rng.choice(
            (
                "",
                "#top",
                "?a=1",
                "//other.example/x",
                "/a//b",
                "../..",
                "\\\\x\\y",
                "http:",
                "http:/a",
                "http:///a",
                "https:a",
                ":",
            )
        )
    path = "".join(f"/{rng.choice(_SEGMENTS)}" for _ in range(rng.randint(0, 4))) + rng.choice(("", "/"))
    pairs = rng.choice(("&", "&", "&amp;", ";")).join(
        f"{rng.choice(_NAMES)}={rng.choice(_VALUES)}" for _ in range(rng.randint(0, 3))
    )
    end = rng.choice(("", "", "", "#top", "#!/route", "#/a?b", "#"))
    whole = (
        f"{rng.choice(_SCHEMES)}://{rng.choice(_USERS)}{rng.choice(_HOSTS)}{rng.choice(_PORTS)}{path}{pairs and '?'}{pairs}{end}"
    )
    return rng.choice(
        (whole, whole, whole, f"https://www.google.com/url?q={whole}", f"https://cdn.ampproject.org/c/s/{whole}", f" {whole}\n")
    )


HEADERS = (
    "max-age={n}", "public, max-age={k}, s-maxage=9", "no-cache", 'max-age="{n}"', "MAX-AGE = {n}", "max-age", "{n}", "{t}", "0", "-1",
    "Wed, 01 Jul 2026 1{k}:00:00 GMT", "Wed, 01 Jul {n} 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 +{n}", ",,=,", "",
)  # fmt: skip


def header(rng: Random) -> str:
    """The value of a header about time."""
    return rng.choice(HEADERS).format(n=number(rng), k=rng.randint(0, 9), t=date(rng))


# Ways to break them.

_TAGS = (
    "<p> </p> <b> </item> <item> <entry/> <script> </script> <!-- --> <![CDATA[ ]]> <?xml <!DOCTYPE <svg><title> <template> <table><tr> </html> "
    "<title> <plaintext> <iframe src=x> <a href=javascript:alert(1)> <link/> <base href=//evil.example/> <meta charset=utf-16> <textarea> <x:y> "
    "<noscript> <guid> <url> <outline xmlUrl=data:x> </ > < </channel></rss>"
).split(" ")
_ATTRIBUTES = (
    ' xmlns="x"',
    " a=b",
    " href='//e.example'",
    " xml:base='http://e.example/'",
    " type='xhtml'",
    ' xml:lang="zz"',
    " =",
    ' "',
    " xmlns:a=''",
)
_ENTITIES = "&amp; &lt; &#0; &#8; &#x1b; &#133; &#x9f; &#55296; &#xFFFF; &#1114112; &#99999999999; &nbsp; &nope; & &#x; &#13;&#10; &#9; &quot;".split(
    " "
)
_SIGNS = (
    "\0",
    "\x01",
    "\x08",
    "\x0b",
    "\x0c",
    "\r",
    "\x1b[31m",
    "\x1c",
    "\x7f",
    "\x85",
    "\x9b",
    "\u2028",
    "\ufeff",
    "\ufffe",
    "\U000e0001",
    "\u202e",
)
_BYTES = (
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\xf8\x88",
    b"\x80",
    b"\x00\x00",
    b"\xef\xbb\xbf",
    b"\x1f\x8b",
    b"+ADw-",
    b"\x1b$B",
)
_ENCODINGS = (
    "utf-8 utf-16 utf-16-le utf-32 iso-8859-1 windows-1251 koi8-r shift_jis gb18030 utf-7 cp037 idna punycode hex rot13 zip undefined base64 "
    "unicode_escape us-ascii x-user-defined utf-8-sig big5 none"
).split(" ")
_TYPES = (
    "text/xml",
    "application/rss+xml",
    "text/html",
    "application/json",
    "image/png",
    "text/plain",
    "",
    "x",
    ";",
    "text/html; charset",
)
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF8 * 2)


def _at(rng: Random, data: bytes) -> int:
    """Somewhere, rather at the beginning or the end of a tag."""
    at = rng.randint(0, len(data))
    near = data.find(rng.choice((b"<", b">")), at)
    return near + rng.randint(0, 1) if near >= 0 and rng.random() < 0.6 else at


def _put(pieces: Sequence[str] | Sequence[bytes]) -> Callable[[Random, bytes], bytes]:
    """Puts one of the pieces somewhere, sometimes many times over."""

    def put(rng: Random, data: bytes) -> bytes:
        one, at = rng.choice(pieces), _at(rng, data)
        piece = one if isinstance(one, bytes) else one.encode("utf-8", "surrogatepass")
        return data[:at] + piece * rng.choice((1, 1, 1, 1, 2, 60)) + data[at:]

    return put


def _flipped(rng: Random, data: bytes) -> bytes:
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64)) if broken else 0):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def _cut(rng: Random, data: bytes) -> bytes:
    start, end = sorted((_at(rng, data), _at(rng, data)))
    return data[:start] + data[min(end, start + rng.choice((1, 20, 400))) :]


def _doubled(rng: Random, data: bytes) -> bytes:
    start, end = sorted((_at(rng, data), _at(rng, data)))
    return data[:end] + data[start:end] * rng.choice((1, 1, 3, 20)) + data[end:]


def _ended(rng: Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


def _spliced(rng: Random, data: bytes) -> bytes:
    other = rng.choice(_ALL)(rng)
    return data[: _at(rng, data)] + other[_at(rng, other) :]


def _lying(rng: Random, data: bytes) -> bytes:
    """It says that it is in another encoding than it is."""
    said = rng.choice(_ENCODINGS).encode()
    declared = data.replace(b'encoding="utf-8"', b'encoding="' + said + b'"').replace(b'charset="utf-8"', b"charset=" + said)
    return declared if declared != data else b'<?xml version="1.0" encoding="' + said + b'"?>' + data.partition(b"?>")[2]


def _recoded(rng: Random, data: bytes) -> bytes:
    """It is in another encoding than it says, lone surrogates included."""
    text = data.decode("utf-8", "replace")
    return text.encode(
        rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1251", "iso-8859-1", "utf-7", "shift_jis")), "ignore"
    )


def _marked(rng: Random, data: bytes) -> bytes:
    return rng.choice(_BOMS) + data


def _deep(rng: Random, data: bytes) -> bytes:
    tag, depth, at = (
        rng.choice((b"div", b"b", b"item", b"outline", b"[", b"ul><li", b"table><tr><td")),
        rng.choice((50, 300, 3_000)),
        _at(rng, data),
    )
    return data[:at] + (tag if tag == b"[" else b"<" + tag + b">") * depth + data[at:]


def _wide(rng: Random, data: bytes) -> bytes:
    """A tag with many attributes, or a line without an end."""
    at = _at(rng, data)
    if rng.random() < 0.5:
        return data[:at] + b"<p " + b" ".join(b"a%d=%d" % (n, n) for n in range(rng.choice((20, 500)))) + b">" + data[at:]
    return (
        data[:at]
        + rng.choice((b"x", b" ", b"(", b"a@", b"&", b"<", b"\t\n", b"-", b"\xd0\xb1 ")) * rng.choice((300, 20_000))
        + data[at:]
    )


def _numbered(rng: Random, data: bytes) -> bytes:
    at = _at(rng, data)
    return data[:at] + number(rng).encode() + data[at:]


def _dated(rng: Random, data: bytes) -> bytes:
    return data.replace(b"2026-07", date(rng).encode(), 1)


WAYS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flipped, _cut, _cut, _doubled, _ended, _spliced, _lying, _recoded, _marked, _deep, _wide, _numbered, _dated,
    _put(_TAGS), _put(_TAGS), _put(_ATTRIBUTES), _put(_ENTITIES), _put(_ENTITIES), _put(_SIGNS), _put(_SIGNS), _put(_BYTES),
)  # fmt: skip


def document(rng: Random, makers: Sequence[Callable[[Random], bytes]]) -> Case:
    """A document, broken in up to six ways; one in ten is left whole."""
    body = rng.choice(makers)(rng)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 3, 4, 6))):
        body = rng.choice(WAYS)(rng, body)
    kind = (
        rng.choice(_TYPES) + (f"; charset={rng.choice(_ENCODINGS)}" if rng.random() < 0.3 else "") if rng.random() < 0.5 else ""
    )
    return Case(body=body[:LONGEST], content_type=kind, url=rng.choice(BASES))


def text(rng: Random, make: Callable[[Random], str]) -> Case:
    """A short text, half of the time broken: signs put in, lost and exchanged."""
    said = make(rng)
    for _ in range(rng.choice((0, 0, 0, 1, 2, 5))):
        start, end = sorted((rng.randint(0, len(said)), rng.randint(0, len(said))))
        new = rng.choice(
            (*_SIGNS, *_ENTITIES, "\ud800", "\udfff", " ", "-", ":", "０", "x", said[start:end], make(rng), "9" * 40, "[" * 300)
        )
        said = said[:start] + new + said[min(end, start + rng.randint(0, 3)) :]
    return Case(text=said, url=rng.choice(BASES))

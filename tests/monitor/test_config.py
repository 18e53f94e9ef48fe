"""monitor.yaml: what is read, what is refused and where, and that secrets stay secret."""

from __future__ import annotations

import ipaddress
from datetime import UTC, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor import config
from monitor.errors import ConfigError
from rules import Invalid, Limits, cron
from rules.receivers import Daily, Digest, Mute, Route

KEY = "whsec_" + "QUJD" * 11  # 33 bytes

SOURCE_KEYS = "every, feed, folder, full_text, headers, id, kind, language, links, page, silent_after, sitemap, tags"

GOOD = """
sources:
  - id: world
    feed: https://news.example/world.xml
    every: 5m
    full_text: never
    kind: independent
    silent_after: 2d
    language: en
    tags: [world, en]
    headers: {X-Key: {env: FEED_KEY}, Accept-Language: en}
  - feed: https://www.other.example/section/rss.xml
receivers:
  - id: desk
    webhook: {env: DESK_URL}
    secret: [{env: DESK_KEY}, {env: OLD_KEY}]
    levels: [high, critical]
settings:
  store: data/my.db
  rules: my-rules.yaml
  allow: [127.0.0.0/8]
  user_agent: desk (me@example.org)
"""
ENVIRONMENT = {"FEED_KEY": "k", "DESK_URL": "https://hooks.example/SECRETPATH", "DESK_KEY": KEY, "OLD_KEY": KEY}


def parse(text: str, environment: dict[str, str] | None = None, folder: str = "somewhere") -> config.Config:
    return config.parse(text.encode(), Path(folder) / "monitor.yaml", environment or {})


def problems(text: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse(text)
    return [str(one).removeprefix("somewhere/") for one in caught.value.problems]


def test_a_file_becomes_values() -> None:
    found = parse(GOOD, ENVIRONMENT)
    first, second = found.sources
    assert (first.id, first.every, first.full_text, first.tags) == ("world", timedelta(minutes=5), "never", ("world", "en"))
    assert (first.kind, first.patience) == ("independent", timedelta(days=2))
    assert {name: value.reveal for name, value in first.headers.items()} == {"X-Key": "k", "Accept-Language": "en"}
    assert (second.id, second.every, second.full_text) == ("other.example/section", None, "auto")
    assert (found.store, found.rules) == ("somewhere/data/my.db", Path("somewhere/my-rules.yaml"))
    assert found.allow.sources == found.allow.receivers == (ipaddress.ip_network("127.0.0.0/8"),)
    assert found.unset == found.warnings == ()


def test_two_secrets_are_live_during_a_rotation() -> None:
    assert len(parse(GOOD, ENVIRONMENT).receivers[0].secrets) == 2


def test_secrets_show_in_no_repr_and_a_receiver_shows_only_its_host() -> None:
    found = parse(GOOD, ENVIRONMENT)
    assert KEY not in repr(found)
    assert "SECRETPATH" not in repr(found)
    assert found.receivers[0].host == "hooks.example"


def test_all_problems_are_told_at_once_with_their_places() -> None:
    assert problems(
        """
sources:
  - feed: ftp://news.example/x
    evry: 5m
  - id: a
receivers:
  - id: desk
    webhook: https://hooks.example/x
    secret: whsec_plain
setings: {}
"""
    ) == [
        "monitor.yaml:3:11: expected an address such as https://example.org/feed.xml",
        f"monitor.yaml:4:5: unknown key 'evry'; did you mean 'every'? expected one of {SOURCE_KEYS}",
        "monitor.yaml:5:5: 'feed' is missing: the address of an RSS, Atom or JSON feed",
        "monitor.yaml:9:13: a secret does not belong in this file, which others may read: write {env: NAME} or {file: PATH}",
        "monitor.yaml:10:1: unknown key 'setings'; did you mean 'settings'? expected one of receivers, routes, settings, sources",
    ]


def test_a_plain_secret_is_not_repeated_in_the_message() -> None:
    assert "whsec_plain" not in "".join(problems("receivers: [{id: a, webhook: 'https://h.example/', secret: whsec_plain}]"))


@pytest.mark.parametrize(
    "line",
    [
        "- {feed: 'https://user:pw@news.example/'}",
        "- {feed: 'https://'}",
        "- {feed: 'https://[::1'}",
        "- {feed: 'https://news.example:99999/'}",
        '- {feed: "https://news.example/a\\nb"}',
        "- {feed: 'https://news.example/', id: '-x y'}",
        "- {feed: 'https://news.example/', full_text: sometimes}",
        "- {feed: 'https://news.example/', headers: {'X Y': z}}",
        '- {feed: "https://news.example/", headers: {X-Y: "a\\r\\nb"}}',
    ],
)
def test_what_cannot_be_asked_is_refused(line: str) -> None:
    assert len(problems(f"sources:\n  {line}")) == 1


def test_pages_sitemaps_and_folders_are_sources_too() -> None:
    found = parse(
        """
sources:
  - {page: "https://ministry.example/news/", links: "h3 a", kind: government}
  - {sitemap: "https://paper.example/sitemap-news.xml"}
  - {folder: inbox}
"""
    )
    page, sitemap, folder = found.sources
    assert (page.form, page.place, page.links) == ("page", "https://ministry.example/news/", "h3 a")
    assert (sitemap.form, sitemap.id) == ("sitemap", "paper.example/sitemap-news.xml")
    assert (folder.form, folder.place, folder.host) == ("folder", "somewhere/inbox", "somewhere/inbox")


def test_a_source_is_one_thing() -> None:
    assert "write two sources" in problems("sources: [{feed: 'https://a.example/rss', page: 'https://a.example/'}]")[0]


def test_only_a_page_has_links_to_select() -> None:
    assert "only a 'page'" in problems("sources: [{feed: 'https://a.example/rss', links: 'h2 a'}]")[0]


def test_networks_are_allowed_for_one_purpose_or_for_both() -> None:
    found = parse("settings: {allow: {sources: [10.0.0.0/8], receivers: []}, pause: 0s, keep: {articles: 30d}}")
    assert (found.allow.sources, found.allow.receivers) == ((ipaddress.ip_network("10.0.0.0/8"),), ())
    assert (found.pause, found.keep.articles, found.keep.pages) == (timedelta(0), timedelta(days=30), timedelta(days=3))


def test_two_sources_may_not_share_an_id() -> None:
    assert "is here twice" in problems("sources: [{feed: 'https://a.example/rss'}, {feed: 'http://www.a.example/feed/'}]")[0]


def test_a_source_keeps_its_name_when_another_is_added() -> None:
    one = parse("sources: [{feed: 'https://a.example/x.xml'}]").sources[0]
    two = parse("sources: [{feed: 'https://a.example/y.xml'}, {feed: 'https://a.example/x.xml'}]").sources[1]
    assert one.id == two.id == "a.example/x.xml"


def test_a_missing_variable_is_named_and_matters_only_to_those_who_tell_somebody() -> None:
    found = parse(GOOD, {**ENVIRONMENT, "DESK_KEY": ""})
    with pytest.raises(Invalid, match=r"monitor.yaml:16:20: the environment variable DESK_KEY is not set"):
        found.complete()


def test_a_secret_that_is_no_key_is_told_without_showing_it() -> None:
    (problem,) = parse(GOOD, {**ENVIRONMENT, "OLD_KEY": "hunter2"}).unset
    assert "OLD_KEY" in str(problem)
    assert "hunter2" not in str(problem)


def test_secrets_may_lie_in_files_and_a_file_that_everybody_reads_is_a_warning(tmp_path: Path) -> None:
    for name, mode in (("private", 0o600), ("public", 0o644)):
        (tmp_path / name).write_text(KEY + "\n")
        (tmp_path / name).chmod(mode)
    text = "receivers: [{id: a, webhook: 'https://h.example/', secret: [{file: private}, {file: public}]}]"
    found = parse(text, folder=str(tmp_path))
    assert [one.reveal for one in found.receivers[0].secrets] == [KEY, KEY]
    assert [one.message.split()[0] for one in found.warnings] == ["everybody"]
    assert "public" in str(found.warnings[0])


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = parse("receivers: [{id: a, webhook: 'https://h.example/', secret: {file: gone}}]", folder=str(tmp_path))
    assert "gone: No such file" in str(found.unset[0])


def test_the_environment_overrides_store_and_rules_and_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("settings: {store: a.db, rules: a.yaml}")
    found = config.load(
        None, {"MONITOR_CONFIG": str(tmp_path / "other.yaml"), "MONITOR_STORE": "b.db", "MONITOR_RULES": "b.yaml"}
    )
    assert (found.file, found.store, found.rules) == (tmp_path / "other.yaml", "b.db", Path("b.yaml"))


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load(None, {}) == config.Config()


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: No such file"):
        config.load(tmp_path / "gone.yaml", {})


def test_empty_sections_are_fine() -> None:
    assert parse("sources:\nreceivers:\nsettings:\n").sources == ()


def test_an_empty_file_is_told() -> None:
    assert problems("# nothing\n") == ["monitor.yaml:1:1: the file is empty"]


def test_garbage_is_a_problem_not_a_crash() -> None:
    assert len(problems("- a\n- b")) == 1
    assert len(problems("sources: {a: b}\nreceivers: 7\nsettings: [x]")) == 3


@pytest.mark.parametrize(
    ("said", "style", "level"),
    [("", None, None), ("json", "json", None), ("debug", None, "DEBUG"), ("console, WARNING", "console", "WARNING")],
)
def test_monitor_log_sets_style_and_level(said: str, style: str | None, level: str | None) -> None:
    assert config.logging({"MONITOR_LOG": said}) == config.Logging(style=style, level=level)


def test_a_wrong_monitor_log_is_told() -> None:
    with pytest.raises(ConfigError, match="did you mean 'json'"):
        config.logging({"MONITOR_LOG": "jsn"})


def test_the_shipped_files_are_read_without_a_word() -> None:
    root = Path(__file__).parents[2]
    for path in (root / "monitor.yaml", root / "monitor" / "starter" / "monitor.yaml"):
        found = config.load(path, {})
        assert found.sources
        assert (len(found.receivers), len(found.warnings), len(found.unset)) == (0, 0, 0)


def test_what_a_rule_file_may_hold_is_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text("settings: {limits: {values: 200000, bytes: 4000000}}\n", encoding="utf-8")
    assert config.load(file, {}).limits == Limits(values=200_000, bytes=4_000_000)


# How somebody wants to be told

TELLING = """
receivers:
  - id: night
    webhook: https://h.example/
    secret: {env: DESK_KEY}
    timezone: Europe/Berlin
    levels: high
    rules: [talks, flood]
    kinds: [new, retracted]
    mute:
      - {days: mon-fri, from: "22:00", to: 06:00, except: [critical]}
      - {days: [sat, sun-mon], timezone: Australia/Lord_Howe}
    digest: {at: "0 7 * * mon", levels: [low]}
    daily: "08:00"
  - {id: chief, webhook: 'https://h.example/', secret: {env: DESK_KEY}, daily: {at: 9:30, timezone: UTC}}
routes:
  - {levels: [critical], to: [night, chief], continue: true}
  - {tags: [sea], rules: flood, kinds: new, to: chief}
settings: {cap: 20}
"""


def test_how_somebody_wants_to_be_told_becomes_values() -> None:
    found = parse(TELLING, ENVIRONMENT)
    night, chief = (one.wishes for one in found.receivers)
    berlin = ZoneInfo("Europe/Berlin")
    assert (night.levels, night.rules, night.kinds) == (("high",), ("talks", "flood"), ("new", "retracted"))
    assert night.mute == (
        Mute(days=frozenset(range(5)), start=time(22), end=time(6), zone=berlin, excepted=("critical",)),
        Mute(days=frozenset({5, 6, 0}), zone=ZoneInfo("Australia/Lord_Howe")),
    )
    assert night.digest == Digest(at=cron.parse("0 7 * * mon"), zone=berlin, levels=("low",))
    assert night.daily == Daily(at=cron.parse("08:00"), zone=berlin)
    assert chief.daily == Daily(at=cron.parse("9:30"), zone=ZoneInfo("UTC"))
    assert found.routes == (
        Route(to=("night", "chief"), levels=("critical",), goes_on=True),
        Route(to=("chief",), tags=("sea",), rules=("flood",), kinds=("new",)),
    )
    assert found.cap == 20


def test_who_says_nothing_of_it_is_told_everything_at_once() -> None:
    found = parse(GOOD, ENVIRONMENT)
    (desk,) = (one.wishes for one in found.receivers)
    assert (desk.rules, desk.kinds, desk.mute, desk.digest, desk.daily) == ((), (), (), None, None)
    assert (found.routes, found.cap) == ((), 0)
    assert parse("routes:\n").routes == ()


def test_without_a_time_zone_times_are_utc() -> None:
    text = "receivers: [{id: a, webhook: 'https://h.example/', secret: {env: A}, daily: '08:00', mute: [{to: '06:00'}]}]"
    wishes = parse(text).receivers[0].wishes
    assert wishes.daily
    assert (wishes.daily.zone, wishes.mute[0].zone) == (UTC, UTC)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("rules: {a: b}", "expected text, found a mapping"),
        ("kinds: [changed]", "expected one of cancelled, new, recovered, retracted, silent, update"),
        ("timezone: Europe", "unknown time zone 'Europe': expected one such as UTC or Europe/Berlin"),
        ("timezone: ../../etc/passwd", "unknown time zone '../../etc/passwd'"),
        ("timezone: CEST", "unknown time zone 'CEST'"),
        ("mute: [{from: 22}]", 'expected a time of day such as "22:00", found 22'),
        ("mute: [{from: '24:00'}]", 'expected a time of day such as "22:00"'),
        ("mute: [{days: weekend}]", "expected days such as mon-fri or sat, found 'weekend'"),
        ("mute: [{days: mon-fri, form: '22:00'}]", "unknown key 'form'; did you mean 'from'?"),
        ("mute: [{days: [mon-fri, sat-sun]}]", "nobody would ever be told"),
        ("mute: [always]", "expected a mapping (key: value), found text"),
        ("digest: {levels: low}", "'at' is missing: when it is sent"),
        ("digest: {at: 0 7 * *}", 'expected a time of day such as "07:00", or minute, hour, day, month and weekday'),
        ("digest: {at: 0 7 31 2 *}", "that day never comes; found '0 7 31 2 *'"),
        ("digest: 07:00", "expected a mapping (key: value), found text"),
        ("daily: {at: 8}", "expected a time of day"),
        ("daily: [08:00]", "expected text, found a list"),
    ],
)  # fmt: skip
def test_what_cannot_be_wished_is_said(said: str, problem: str) -> None:
    found = problems(f"receivers: [{{id: a, webhook: 'https://h.example/', secret: {{env: A}}, {said}}}]")
    assert problem in found[0]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("{to: dsek}", "unknown receiver 'dsek'; did you mean 'desk'? expected one of desk"),
        ("{levels: [high]}", "'to' is missing: receivers"),
        ("{to: desk, level: high}", "unknown key 'level'; did you mean 'levels'?"),
        ("{to: desk, continue: 1}", "expected true or false, found 1"),
        ("desk", "expected a mapping (key: value), found text"),
    ],
)
def test_a_route_leads_somewhere(said: str, problem: str) -> None:
    (found,) = problems(f"receivers: [{{id: desk, webhook: 'https://h.example/', secret: {{env: A}}}}]\nroutes: [{said}]")
    assert problem in found
    assert "there are no receivers" in problems("routes: [{to: desk}]")[0]


def test_a_cap_is_a_number_of_alerts() -> None:
    assert parse("settings: {cap: 5}").cap == 5
    assert "expected a whole number from 0" in problems("settings: {cap: -1}")[0]


def test_a_receiver_without_an_id_or_with_a_strange_one_is_told() -> None:
    rest = "webhook: 'https://h.example/', secret: {env: A}"
    assert "'id' is missing: rules name it under 'notify'" in problems(f"receivers: [{{{rest}}}, {{{rest}}}]")[0]
    assert "an id is 1 to 100 letters" in problems(f"receivers: [{{id: '-x y', {rest}}}]")[0]

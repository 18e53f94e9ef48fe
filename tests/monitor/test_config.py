"""monitor.yaml: what is read, what is refused and where, and that secrets stay secret."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, time, timedelta
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


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def parse(text: str, environment: dict[str, str] | None = None, folder: str = "somewhere") -> config.Config:
    return config.parse(text.encode(), Path(folder) / "monitor.yaml", environment or {}, NOW)


def problems(text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse(text, environment)
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
    assert [one.until for one in parse(GOOD, ENVIRONMENT).receivers[0].signing] == [None, None]


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
    assert [one.secret.reveal for one in found.receivers[0].signing] == [KEY, KEY]
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
        ("kinds: [changed]", "expected one of cancelled,"),
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


# Where somebody is told


def marked(text: str) -> tuple[str, str]:
    """The text without the mark ^, and the place that it marks, as messages have it."""
    before = text.partition("^")[0]
    return text.replace("^", ""), f"monitor.yaml:{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}: "


HOOK = "webhook: 'https://h.example/'"
MAIL = "settings: {mail: {host: smtp.example.org, sender: monitor@example.org}}"

CHANNELS = """
receivers:
  - {id: hook, webhook: {file: place}, secret: {env: KEY}, at_once: 4}
  - {id: chat, slack: {env: SLACK}}
  - {id: one, email: chief@example.org, levels: [critical]}
  - {id: many, email: [chief@example.org, "o'neil+news@Mail.Example.org", night@münchen.example]}
settings:
  mail: {host: smtp.example.org, user: news, password: {env: PASSWORD}, sender: monitor@example.org}
  listen: "[::1]:9000"
  token: {env: TOKEN}
  hosts: [News.example.org, news.internal]
"""
SECRETS = {"KEY": KEY, "SLACK": "https://hooks.slack.example/T/B/SLACKPATH", "PASSWORD": "hunter2hunter2", "TOKEN": "t" * 32}


def channels(folder: Path) -> config.Config:
    (folder / "place").write_text("https://hooks.example/HOOKPATH\n")
    (folder / "place").chmod(0o600)
    found = parse(CHANNELS, SECRETS, folder=str(folder))
    assert found.unset == found.warnings == ()
    return found


def test_a_receiver_is_what_the_key_of_its_address_says(tmp_path: Path) -> None:
    hook, chat, one, many = channels(tmp_path).receivers

    assert (hook.form, hook.place.reveal, hook.at_once) == ("webhook", "https://hooks.example/HOOKPATH", 4)
    assert hook.signing == (config.Signing(secret=config.Secret(KEY)),)
    assert (chat.form, chat.place.reveal, chat.signing, chat.at_once) == ("slack", SECRETS["SLACK"], (), None)
    assert (one.form, one.addresses, one.levels) == ("email", ("chief@example.org",), ("critical",))
    assert many.addresses == ("chief@example.org", "o'neil+news@mail.example.org", "night@xn--mnchen-3ya.example")


def test_nobody_sees_more_of_a_receiver_than_its_host(tmp_path: Path) -> None:
    found = channels(tmp_path)

    assert [one.host for one in found.receivers] == [
        "hooks.example",
        "hooks.slack.example",
        "example.org",
        "example.org, mail.example.org, xn--mnchen-3ya.example",
    ]
    for secret in (*SECRETS.values(), "HOOKPATH"):
        assert secret not in repr(found)


def test_where_a_receiver_is_changes_with_its_form_and_address_and_nothing_else() -> None:
    def where(said: str) -> str:
        return parse(f"receivers: [{{id: a, {said}}}]\n{MAIL}").receivers[0].where

    here = where(f"{HOOK}, secret: {{env: A}}")
    assert here == where(f"{HOOK}, secret: {{env: B}}, levels: [low], at_once: 2")
    form, _, digest = here.partition(":")
    assert (form, len(digest), int(digest, 16) > 0, "h.example" in here) == ("webhook", 16, True, False)
    others = {
        where("webhook: 'https://h.example/x', secret: {env: A}"),
        where("slack: 'https://h.example/'"),
        where("email: a@h.example"),
        where("email: [a@h.example, b@h.example]"),
    }
    assert len(others | {here}) == 5


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("{id: a, webhook: 'https://h.example/', secret: {env: A}, ^slack: {env: S}}", "a receiver is one of webhook, slack, email: write"),
        ("^{id: a, levels: [low]}", "it is not said where this receiver is told. Write one of: 'webhook', the address of a webhook, which gets"),
        ("^{id: a, webhook: 'https://h.example/'}", "'secret' is missing: what alerts are signed with, {env: NAME} or {file: PATH}"),
        ("{id: a, slack: {env: S}, ^secret: {env: A}}", "only a webhook is signed: take 'secret' away"),
        ("{id: a, email: a@b.example, ^secret: {env: A}}", "only a webhook is signed: take 'secret' away"),
        ("{id: a, ^webhok: 'https://h.example/', slack: {env: S}}", "unknown key 'webhok'; did you mean 'webhook'?"),
        ("{id: a, webhook: ^'ftp://h.example/', secret: {env: A}}", "expected an address such as https://example.org/feed.xml"),
        ("{id: a, slack: ^[a, b]}", "expected text, found a list"),
        ("{id: a, slack: ^7}", "expected an address such as https://example.org/feed.xml"),
        ("{id: a, email: ^7}", "expected an e-mail address such as chief@example.org, without a name"),
        ("{id: a, email: ^{env: A}}", "expected text, found a mapping"),
        ("{id: a, slack: ^{env: S, file: b}}", "expected {env: NAME} or {file: PATH}"),
        ("{id: a, webhook: 'https://h.example/', secret: ^[]}", "no secret to sign with: write {env: NAME} or {file: PATH}"),
        (
            "{id: a, webhook: 'https://h.example/', secret: ^[{env: A}, {env: B}, {env: C}]}",
            "more than two secrets: to change a secret, write the new one before the old one, give the old one 'until' (such as 2026-",
        ),
        ("{id: a, webhook: 'https://h.example/', secret: [{env: A}, ^{until: '2099-01-01T00:00:00Z'}]}", "expected {env: NAME} or {file"),
        ("{id: a, webhook: 'https://h.example/', secret: ^plain}", "a secret does not belong in this file, which others may read"),
        ("{id: a, webhook: 'https://h.example/', secret: {env: A}, at_once: ^0}", "expected a whole number from 1 to 64, found 0"),
        ("{id: a, webhook: 'https://h.example/', secret: {env: A}, at_once: ^65}", "expected a whole number from 1 to 64, found 65"),
        ("{id: a, webhook: 'https://h.example/', secret: {env: A}, at_once: ^many}", "expected a whole number from 1 to 64, found 'many'"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_receiver_is_said(said: str, problem: str) -> None:
    text, place = marked(f"receivers: [{said}]\n{MAIL}")
    (found,) = problems(text)
    assert found.startswith(place + problem)


def test_a_misspelt_end_of_a_secret_is_told() -> None:
    text, place = marked(f"receivers: [{{id: a, {HOOK}, secret: [{{env: A}}, {{env: B, ^til: x}}]}}]")
    assert place + "unknown key 'til'; did you mean 'until'? expected one of env, file, until" in problems(text)


@pytest.mark.parametrize(
    "until",
    ["2026-11-23", "2026-11-23T12:00:00", "tomorrow", "12", "{a: b}", "2026-11-31T12:00:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_the_end_of_a_secret_is_a_time_with_its_zone(until: str) -> None:
    text, place = marked(f"receivers: [{{id: a, {HOOK}, secret: [{{env: A}}, {{env: B, until: ^{until}}}]}}]")
    (found,) = problems(text)
    assert found.startswith(place + "expected a time with its zone such as 2026-11-23T12:00:00Z, found ")


def rotation(*until: str) -> str:
    ends = [f", until: '{one}'" if one else "" for one in until]
    return f"receivers: [{{id: a, {HOOK}, secret: ^[{', '.join(f'{{env: KEY{end}}}' for end in ends)}]}}]"


def test_the_old_secret_of_a_rotation_has_an_end() -> None:
    found = parse(marked(rotation("", "2026-11-23T14:00:00+02:00"))[0], SECRETS)
    assert [one.until for one in found.receivers[0].signing] == [None, datetime(2026, 11, 23, 12, tzinfo=UTC)]
    assert found.warnings == ()


def test_a_secret_that_has_ended_is_to_be_taken_away() -> None:
    text, place = marked(rotation("", "2026-11-22T11:00:00Z"))
    (warning,) = parse(text, SECRETS).warnings
    assert str(warning) == f"somewhere/{place}one of these secrets is over and signs no longer: take it away"


def test_secrets_that_have_all_ended_are_an_error() -> None:
    text, place = marked(rotation("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"))
    assert problems(text, SECRETS) == [
        f"{place}no secret is left to sign with, the last one ended 2026-11-22 12:00 UTC: one has to stand without 'until'"
    ]


def test_secrets_that_will_all_end_are_a_warning() -> None:
    (warning,) = parse(marked(rotation("2026-11-23T12:00:00Z"))[0], SECRETS).warnings
    assert warning.message == "from 2026-11-23 12:00 UTC on there is no secret to sign with: let one stand without 'until'"


def test_an_address_of_slack_in_the_file_is_a_warning() -> None:
    found = parse("receivers: [{id: a, slack: 'https://hooks.slack.example/T/B/x'}]")
    assert [str(one) for one in found.warnings] == [
        "somewhere/monitor.yaml:1:28: whoever reads this address can write to your Slack: keep it elsewhere, {env: NAME} or {file: PATH}"
    ]
    assert found.receivers[0].place.reveal == "https://hooks.slack.example/T/B/x"


def test_an_address_elsewhere_that_is_none_is_told_without_showing_it() -> None:
    (problem,) = parse("receivers: [{id: a, slack: {env: SLACK}}]", {"SLACK": "hunter2"}).unset
    assert problem.message.startswith("what SLACK holds is no address to send to: expected an address such as")
    assert "hunter2" not in str(problem)


# E-mail


@pytest.mark.parametrize(
    "address",
    [
        "chief", "chief@", "@example.org", "a@b@example.org", "Chief <chief@example.org>", "chief@exa mple.org",
        "chief@example.org\\r\\nBcc: x@y.example", "chief\\n@example.org", "chief@-example.org", "chief@example..org", "chief@192.0.2.1",
        "chief@[192.0.2.1]", ".chief@example.org", "a..b@example.org", '\\"a b\\"@example.org', "chéf@example.org", "a,b@example.org",
        "chief@example.org>", "chief@\\u202eexample.org", "x" * 65 + "@example.org", "chief@" + "x" * 64 + ".org",
        "chief@" + "ä" * 4_000 + ".org", "chief@" + "x." * 150 + "org",
    ],
)  # fmt: skip
def test_what_is_no_e_mail_address_is_refused(address: str) -> None:
    (found,) = problems(f'receivers: [{{id: a, email: "{address}"}}]\n{MAIL}')
    assert found.startswith("monitor.yaml:1:28: expected an e-mail address such as chief@example.org, without a name")


def test_addresses_are_up_to_twenty_different_ones() -> None:
    many = ", ".join(f"a{n}@example.org" for n in range(20))
    assert len(parse(f"receivers: [{{id: a, email: [{many}]}}]\n{MAIL}").receivers[0].addresses) == 20
    assert (
        "more than 20 addresses: write a second receiver"
        in problems(f"receivers: [{{id: a, email: [{many}, b@example.org]}}]\n{MAIL}")[0]
    )
    assert problems(f"receivers: [{{id: a, email: [a@b.example, a@B.example]}}]\n{MAIL}") == [
        "monitor.yaml:1:42: the address a@b.example is here twice"
    ]
    assert "no address: write such as chief@example.org" in problems(f"receivers: [{{id: a, email: []}}]\n{MAIL}")[0]


def test_e_mail_needs_a_server_that_takes_it() -> None:
    for settings in ("", "settings:\n", "settings: {cap: 1}"):
        (found,) = problems(f"receivers: [{{id: a, email: chief@example.org}}]\n{settings}")
        assert found == (
            "monitor.yaml:1:21: e-mail needs a server that takes it; write under settings: mail: {host: smtp.example.org, user: NAME, "
            "password: {env: MAIL_PASSWORD}, sender: monitor@example.org}"
        )


@pytest.mark.parametrize(
    ("said", "tls", "port"),
    [
        ("", "starttls", 587),
        ("tls: tls,", "tls", 465),
        ("tls: starttls, port: 2525,", "starttls", 2525),
        ("tls: none, port: 26,", "none", 26),
    ],
)
def test_the_port_of_a_mail_server_follows_from_its_encryption(said: str, tls: str, port: int) -> None:
    found = parse(f"settings: {{mail: {{{said} host: localhost, sender: m@example.org}}}}")
    assert found.mail == config.Mail(host="localhost", port=port, sender="m@example.org", tls=tls)
    assert found.warnings == ()


def test_a_mail_server_may_be_an_address_or_a_name_in_any_script(tmp_path: Path) -> None:
    for written, host in (
        ("192.0.2.25", "192.0.2.25"),
        ("'2001:DB8::25'", "2001:db8::25"),
        ("Smtp.Bücher.example", "smtp.xn--bcher-kva.example"),
    ):
        found = parse(f"settings: {{mail: {{host: {written}, sender: m@example.org}}}}").mail
        assert found
        assert found.host == host
    mail = channels(tmp_path).mail
    assert mail
    assert (mail.user, mail.password.reveal) == ("news", "hunter2hunter2")


def test_a_line_that_is_not_encrypted_is_a_warning() -> None:
    (warning,) = parse("settings: {mail: {host: smtp.example.org, tls: none, sender: m@example.org}}").warnings
    assert str(warning) == (
        "somewhere/monitor.yaml:1:43: what is sent to this mail server can be read and changed on its way: write tls: starttls, if it can"
    )
    for near in ("localhost", "127.0.0.1", "'::1'"):
        assert parse(f"settings: {{mail: {{host: {near}, tls: none, sender: m@example.org}}}}").warnings == ()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("^{sender: m@example.org}", "'host' is missing: the server that takes our e-mail"),
        ("^{host: h.example}", "'sender' is missing: the address that it is from"),
        ("{host: ^'h.example:25', sender: m@example.org}", "expected the name of a host such as smtp.example.org; the port is a setting of its own"),
        ("{host: ^'smtp://h.example', sender: m@example.org}", "expected the name of a host such as smtp.example.org"),
        ("{host: h.example, sender: ^Monitor <m@example.org>}", "expected an e-mail address such as chief@example.org, without a name"),
        ("{host: h.example, sender: m@example.org, port: ^0}", "expected a whole number from 1 to 65535, found 0"),
        ("{host: h.example, sender: m@example.org, tls: ^ssl}", "unknown value 'ssl'; expected one of none, starttls, tls"),
        ("{host: h.example, sender: m@example.org, ^user: news}", "a user, but no 'password': write {env: NAME} or {file: PATH}, or take it away"),
        ("{host: h.example, sender: m@example.org, ^password: {env: P}}", "a password, but no 'user': write who logs in, or take it away"),
        ("{host: h.example, sender: m@example.org, user: u, password: ^hunter2}", "a secret does not belong in this file, which others may read"),
        ('{host: h.example, sender: m@example.org, user: ^"a\\nb", password: {env: P}}', "expected a user name: one line of printable text"),
        ("{host: h.example, sender: m@example.org, ^tls: none, user: u, password: {env: P}}", "a password is never sent over a line that is not"),
        ("{host: h.example, sender: m@example.org, ^usr: u}", "unknown key 'usr'; did you mean 'user'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_mail_server_is_said(said: str, problem: str) -> None:
    text, place = marked(f"settings: {{mail: {said}}}")
    (found,) = problems(text)
    assert found.startswith(place + problem)
    assert "hunter2" not in found


def test_a_password_that_is_not_there_is_named() -> None:
    text = "settings: {mail: {host: h.example, sender: m@example.org, user: u, password: {env: PASSWORD}}}"
    (problem,) = parse(text).unset
    assert problem.message == "the environment variable PASSWORD is not set"
    assert parse(text.replace("h.example", "localhost, tls: none"), SECRETS).unset == ()


# Health and metrics


def test_where_it_answers_is_this_machine_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    assert parse("sources:").listen == config.Listen(host="127.0.0.1", port=8585, explicit=False)
    assert parse("settings: {listen: '127.0.0.1:8585'}").listen == config.Listen(explicit=True)
    assert parse("settings: {listen: 'localhost:80'}").listen == config.Listen(host="localhost", port=80, explicit=True)
    assert parse("settings: {listen: off}").listen is None
    found = channels(tmp_path)
    assert found.listen == config.Listen(host="::1", port=9000, explicit=True)
    assert found.token == config.Secret("t" * 32)
    assert found.hosts == ("news.example.org", "news.internal")


@pytest.mark.parametrize(
    "said",
    [
        "8585",
        "'127.0.0.1'",
        "':8585'",
        "'127.0.0.1:0'",
        "'127.0.0.1:65536'",
        "'news.example.org:80'",
        "'[::1]'",
        "'::1:80'",
        "no",
        "'1.2.3:80'",
    ],
)
def test_where_it_cannot_answer_is_said(said: str) -> None:
    (found,) = problems(f"settings: {{listen: {said}}}")
    assert found.startswith("monitor.yaml:1:20: expected")


@pytest.mark.parametrize("place", ["0.0.0.0:8585", "[::]:8585", "192.0.2.1:80"])
def test_to_answer_other_machines_takes_a_token(place: str) -> None:
    (found,) = problems(f"settings: {{listen: '{place}'}}")
    host = place.rpartition(":")[0].strip("[]")
    assert found == (
        f"monitor.yaml:1:20: whoever reaches {host} could read what is watched and how it is: listen on 127.0.0.1, or let them know a token "
        "first, token: {env: MONITOR_TOKEN} (make one with: head -c 32 /dev/urandom | base64)"
    )
    assert parse(f"settings: {{listen: '{place}', token: {{env: TOKEN}}}}", SECRETS).complete().listen


@pytest.mark.parametrize("token", ["t" * 31, "t" * 31 + "é", "t" * 20 + " " + "t" * 20])
def test_a_token_that_could_be_guessed_is_told_without_showing_it(token: str) -> None:
    (problem,) = parse("settings: {token: {env: TOKEN}}", {"TOKEN": token}).unset
    assert str(problem) == (
        "somewhere/monitor.yaml:1:19: what TOKEN holds is no token: 32 letters and digits at least, "
        "make one with: head -c 32 /dev/urandom | base64"
    )
    with pytest.raises(Invalid):
        parse("settings: {listen: '0.0.0.0:80', token: {env: TOKEN}}", {"TOKEN": token}).complete()


def test_a_token_in_the_file_itself_is_refused() -> None:
    (found,) = problems(f"settings: {{token: {'t' * 40}}}")
    assert found.startswith("monitor.yaml:1:19: a secret does not belong in this file")
    assert "tttt" not in found


def test_names_under_which_it_is_asked_are_names_of_hosts() -> None:
    assert parse("settings: {hosts: news.example.org}").hosts == ("news.example.org",)
    (found,) = problems("settings: {hosts: [news.example.org, 'http://x/']}")
    assert found.startswith("monitor.yaml:1:38: expected the name of a host such as")


def test_a_misspelt_setting_is_told() -> None:
    (found,) = problems("settings: {listn: off}")
    assert found.startswith("monitor.yaml:1:12: unknown key 'listn'; did you mean 'listen'?")

from __future__ import annotations

import pytest
from writing import article, findings, rule, sound

LISTS = """
who:
  Vladimir Putin: [Putin, Russian president]
  Dmitry Peskov: [Peskov, Kremlin spokesman]
  Sergei Lavrov: [Lavrov, Sergey Lavrov]
  Maria Zakharova: [Zakharova]
  Kremlin: {any: [Kremlin]}
  Russian Foreign Ministry: [Russia's Foreign Ministry]
  Russia: {any: [Russia, Moscow], except: [The Moscow Times]}
  officials:
    office: [president, foreign minister, deputy foreign minister, spokesman, spokeswoman, envoy, ambassador, negotiator, senior diplomat, official]
    of: [Russia, Kremlin, Russian Foreign Ministry]
topic: [talks, negotiat*, ceasefire, truce, summit, peace plan]
"""


SAYS = rule("statement: {by: $who, about: $topic}", lists=LISTS)
SAYS_ANYTHING = rule("statement: {by: $who, about: $topic, time: any, kind: [direct, mixed, indirect, second-hand]}", lists=LISTS)


def speakers(text: str) -> list[str | None]:
    return sorted({one.captures["speaker"] for one in findings(SAYS, article(text))}, key=str)


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        # where the speaker stands
        ("Peskov said the talks go on.", "Dmitry Peskov"),
        ("Peskov said that the talks go on.", "Dmitry Peskov"),
        ("The talks go on, Peskov said.", "Dmitry Peskov"),
        ("The talks go on, said Peskov.", "Dmitry Peskov"),
        ("“The talks go on,” Peskov told reporters.", "Dmitry Peskov"),
        ("“The talks go on,” said Peskov on Monday.", "Dmitry Peskov"),
        ('"The talks," Peskov said, "go on."', "Dmitry Peskov"),
        ("Peskov: “The talks go on.”", "Dmitry Peskov"),
        ("“Why hold talks?” Peskov asked.", "Dmitry Peskov"),
        ("“No talks!” Peskov told reporters. “Never.”", "Dmitry Peskov"),
        ("“The talks are not what we wanted,” Peskov said.", "Dmitry Peskov"),
        ("Peskov did not say when talks go on.", None),
        ("Peskov said on Monday in Sochi: “The talks go on.”", "Dmitry Peskov"),
        ("According to Peskov, the talks go on.", "Dmitry Peskov"),
        ("The talks, according to the Kremlin, go on.", "Kremlin"),
        ("In Lavrov’s words, the talks go on.", "Sergei Lavrov"),
        ("The talks are of no use, in the words of Lavrov.", "Sergei Lavrov"),
        ("A proposal for talks was rejected by the Kremlin.", "Kremlin"),
        ("Moscow rejected the peace plan.", "Russia"),
        ("Moscow has again ruled out a truce.", "Russia"),
        ("Russia will not attend the summit.", "Russia"),
        ("Putin accused Kyiv of breaking the ceasefire.", "Vladimir Putin"),
        ("Putin, who was visiting Tehran, said the talks go on.", "Vladimir Putin"),
        ("Putin, speaking in Tehran, said the talks go on.", "Vladimir Putin"),
        ("Asked about the talks, Peskov said: “We are waiting.”", "Dmitry Peskov"),
        ("Speaking after the talks, Peskov said that it rained in Sochi.", None),
        # titles and appositions
        ("Kremlin spokesman Dmitry Peskov said the talks go on.", "Dmitry Peskov"),
        ("Russian Foreign Minister Sergei Lavrov said the talks go on.", "Sergei Lavrov"),
        ("Sergei Lavrov, Russia’s foreign minister, said the talks go on.", "Sergei Lavrov"),
        ("Russia’s foreign minister, Sergei Lavrov, said the talks go on.", "Sergei Lavrov"),
        ("The spokesman of the Kremlin, Dmitry Peskov, said the talks go on.", "Dmitry Peskov"),
        ("Maria Zakharova, the ministry’s spokeswoman, said the talks go on.", "Maria Zakharova"),
        ("“The talks go on,” said Foreign Ministry spokeswoman Maria Zakharova.", "Maria Zakharova"),
        ("Russian Deputy Foreign Minister Andrei Rudenko said the talks go on.", "Andrei Rudenko"),
        pytest.param(
            "“The talks go on,” said Vasily Nebenzya, Moscow’s ambassador to the United Nations.",
            "Vasily Nebenzya",
        ),
        ("Russia’s Foreign Ministry said the talks go on.", "Russian Foreign Ministry"),
        ("The Russian president said the talks go on.", "Vladimir Putin"),
        # two verbs, two speakers
        ("Peskov confirmed the date and said the talks go on.", "Dmitry Peskov"),
        ("Peskov called the plan naive, adding that the talks go on.", "Dmitry Peskov"),
        ("Peskov said it rains and that the talks go on.", "Dmitry Peskov"),
        # not them
        ("Zelensky said the talks go on.", None),
        ("Zelensky said that Putin does not want talks.", None),
        ("Zelensky met Putin, then said the talks go on.", None),
        ("Ukraine’s foreign minister said the talks go on.", None),
        ("The envoy to Russia said the talks go on.", None),
        ("Russia’s rivals said the talks go on.", None),
        ("Moscow-backed officials said the talks go on.", None),
        ("The Moscow Times said the talks go on.", None),
        ("The mayor of Moscow said the talks go on.", None),
        ("Talks with Russia go on, Zelensky said.", None),
        ("According to a report on Russia, the talks go on.", None),
        ("Critics of the Kremlin said the talks go on.", None),
        ("Zelensky rejected Putin’s offer of talks.", None),
        ("Talks with the Kremlin were rejected by Kyiv.", None),
        # not about it, or nothing said
        ("Peskov said it rains.", None),
        ("Peskov attended the talks.", None),
        ("Peskov declined to comment.", None),
        ("Peskov went to the summit and said nothing.", None),
        ("Lavrov’s claims about the talks drew laughter.", None),
        ("Peskov was accused of wrecking the talks.", None),
    ],
)
def test_the_speaker_is_whoever_says_it(text: str, speaker: str | None) -> None:
    assert speakers(text) == ([speaker] if speaker else [])
    sound(SAYS, article(text))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Peskov spoke in Sochi. He said the talks go on.", ["Dmitry Peskov"]),
        ("Zakharova spoke in Sochi. She said the talks go on.", ["Maria Zakharova"]),
        ("Zelensky spoke in Kyiv. He said the talks go on.", []),
        ("Peskov spoke first. Zelensky spoke next. He said the talks go on.", []),
        ("Zelensky spoke first. Peskov spoke next. He said the talks go on.", ["Dmitry Peskov"]),
        ("Peskov said it rained. “The talks go on,” he added.", ["Dmitry Peskov"]),
        ("Peskov said it rained. Zakharova smiled. “The talks go on,” he added.", ["Dmitry Peskov"]),
        ("Lavrov said it rained. “The talks go on,” the minister added.", ["Sergei Lavrov"]),
        ("Peskov said it rained. “The talks go on,” the spokesman added.", ["Dmitry Peskov"]),
        ("The Kremlin said it rained. It added that the talks go on.", ["Kremlin"]),
        ("“The talks go on,” Peskov said. “A truce is near.”", ["Dmitry Peskov"]),
        ("“The talks go on,” Zelensky said. “A truce is near.”", []),
        ("Putin spoke. Zelensky, asked about it, said the talks go on.", []),
        ("“It rains. The talks go on,” Peskov said.", ["Dmitry Peskov"]),
        ("“It rains.\n\n“The talks go on,” Peskov said.", ["Dmitry Peskov"]),
        pytest.param(
            "The talks failed. “They were a farce,” Lavrov said.",
            ["Sergei Lavrov"],
        ),
        ("The summit is set for May. Such gatherings are a farce, Lavrov said.", ["Sergei Lavrov"]),
        ("The summit is set for May. The harvest was a failure, Lavrov said.", []),
    ],
)
def test_pronouns_titles_and_what_points_back_are_resolved(text: str, who: list[str]) -> None:
    assert speakers(text) == who
    sound(SAYS, article(text))


def test_each_of_two_speakers_has_his_own() -> None:
    found = findings(SAYS, article("“The talks are a farce,” Lavrov said. “We are ready for talks,” Peskov said."))
    assert {(one.captures["speaker"], one.labels["stance"]) for one in found} == {
        ("Sergei Lavrov", "rejects"),
        ("Dmitry Peskov", "open"),
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("“The talks go on,” Peskov said.", "direct"),
        ('"The talks go on," Peskov said.', "direct"),
        ("«The talks go on», Peskov said.", "direct"),
        ("Peskov said the talks go on.", "indirect"),
        ("Peskov said the talks were “a farce of the first order”.", "mixed"),
        ("The Kremlin rejected the talks.", "indirect"),
    ],
)
def test_the_kind_of_a_statement_follows_its_quotation_marks(text: str, kind: str) -> None:
    assert [one.captures["kind"] for one in findings(SAYS, article(text))] == [kind]


@pytest.mark.parametrize(
    ("text", "speaker", "via"),
    [
        pytest.param(
            "Macron said that Putin told him the talks go on.",
            "Vladimir Putin",
            "Macron",
        ),
        ("Peskov allegedly said the talks go on.", "Dmitry Peskov", None),
        pytest.param(
            "Putin reportedly told aides the talks go on.",
            "Vladimir Putin",
            None,
        ),
    ],
)
def test_what_comes_through_somebody_else_is_second_hand_and_only_fires_where_asked(
    text: str, speaker: str, via: str | None
) -> None:
    assert not findings(SAYS, article(text))
    (one,) = findings(SAYS_ANYTHING, article(text))
    assert (one.captures["speaker"], one.captures["kind"], one.captures["via"]) == (speaker, "second-hand", via)


def test_the_outlet_that_was_told_is_kept() -> None:
    (one,) = findings(SAYS, article("“The talks go on,” Peskov told RIA Novosti."))
    assert one.captures["via"] == "RIA Novosti"


@pytest.mark.parametrize(
    "text",
    [
        "The Kremlin previously said the talks go on.",
        "Moscow has repeatedly rejected a truce.",
        "Putin said last year that the talks go on.",
        "In 2022, Lavrov said the talks were a farce.",
        "Earlier this year the Kremlin rejected a truce.",
        "Peskov had said the talks go on.",
    ],
)
def test_what_was_said_long_ago_is_background(text: str) -> None:
    assert not findings(SAYS, article(text, day="2026-05-13"))
    assert findings(SAYS_ANYTHING, article(text, day="2026-05-13"))


def test_what_was_said_days_ago_is_news() -> None:
    assert findings(SAYS, article("On Monday, Lavrov said the talks were a farce.", day="2026-05-13"))


@pytest.mark.parametrize(
    ("title", "speaker"),
    [
        ("Kremlin: Talks Go On", "Kremlin"),
        ("Talks Go On – Kremlin", "Kremlin"),
        ("‘Talks Go On’ — Peskov", "Dmitry Peskov"),
        ("Kremlin Says Talks Go On", "Kremlin"),
        ("Talks Go On, Says Lavrov", "Sergei Lavrov"),
        ("Russia Rejects Truce", "Russia"),
        ("Zelensky: Talks Go On", None),
        ("Zelensky Tells Kremlin: Talks Go On", None),
        ("Russia: Talks Go On", "Russia"),
    ],
)
def test_headlines_name_their_speaker_in_their_own_way(title: str, speaker: str | None) -> None:
    assert [one.captures["speaker"] for one in findings(SAYS, article(title=title))] == ([speaker] if speaker else [])


def test_what_a_finding_holds() -> None:
    told = article("It rains. “We are ready for talks,” Kremlin spokesman Dmitry Peskov told RIA Novosti on Monday.")
    (one,) = findings(SAYS, told)
    assert one.text == told.body.removeprefix("It rains. ")
    assert {key: one.captures[key] for key in ("speaker", "cue", "content", "kind", "via")} == {
        "speaker": "Dmitry Peskov",
        "cue": "told",
        "content": "We are ready for talks",
        "kind": "direct",
        "via": "RIA Novosti",
    }
    assert one.labels == {"stance": "open"}
    assert {"talks", "told"} <= {hit.text for hit in one.hits}


def test_a_topic_of_the_sentence_before_is_shown_too() -> None:
    told = article("A summit will be held. Such gatherings are a farce, Lavrov said.")
    (one,) = findings(SAYS, told)
    assert one.text.startswith("Such gatherings")
    assert {"summit", "Such gatherings"} <= {hit.text for hit in one.hits}


@pytest.mark.parametrize(("stance", "holds"), [("rejects", True), ("[open, rejects]", True), ("open", False)])
def test_a_stance_can_be_asked_for(stance: str, *, holds: bool) -> None:
    found = rule(f"statement: {{by: $who, about: $topic, stance: {stance}}}", lists=LISTS)
    assert bool(findings(found, "“The talks are a farce,” Lavrov said.")) is holds


def test_anybody_can_be_asked_for() -> None:
    found = findings(rule("statement: {by: any, about: talks}"), "“The talks go on,” said Umaro Embaló, who left Kyiv on Monday.")
    assert [one.captures["speaker"] for one in found] == ["Umaro Embaló"]


def test_anything_can_be_said() -> None:
    assert findings(rule("statement: {by: $who}", lists=LISTS), "Peskov said it rains.")


def test_a_statement_can_be_asked_for_in_a_part_of_the_article() -> None:
    told = article("Peskov said the talks go on.", "Kremlin: Talks Go On")
    where = {
        part: {one.field for one in findings(rule(f"{part}: {{statement: {{by: $who, about: $topic}}}}", lists=LISTS), told)}
        for part in ("title", "body")
    }
    assert where == {"title": {"title"}, "body": {"body"}}

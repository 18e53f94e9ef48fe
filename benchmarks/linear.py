"""How long the shipped rules take over an article as it grows, for shapes of text that news, careless pages and attackers give.

    python benchmarks/linear.py [SHAPE …] [--longest 200000] [--limit 20] [--profile]

Prints milliseconds by length in characters. `growth` is what the last doubling cost: 2.0 is linear, 4.0 quadratic; a shape whose
growth is over 3 or that is slow for its length is marked. `--limit` ends a shape's row once one match took so many seconds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import rules  # noqa: E402 - found beside this folder, installed or not
from rules import Article  # noqa: E402

SHORTEST = 12_500
STEEP = 3.0
SLOW = 60.0
"""Microseconds a character: what an article of 100,000 characters may cost before it holds up a worker for 6 s."""

NEWS = (
    "Kremlin spokesman Dmitry Peskov said on Thursday that Moscow was open to talks with Kyiv, adding that a date had not been set.\n\n"
    "“We have never closed the door,” Peskov told reporters. “A summit in Geneva is possible, if the other side is ready.”\n\n"
    "The ministry, which had rejected a ceasefire in June, will send a delegation to Istanbul next week for a second round of talks.\n\n"
    "Prices of bread rose by 3.5 percent in the U.S. last month, Mr. Smith of the statistics office said; nobody knows why.\n\n"
)
RUSSIAN = (
    "Пресс-секретарь президента Дмитрий Песков заявил в четверг, что Москва готова к переговорам.\n\n"
    "«Мы никогда не закрывали дверь», — сказал Песков журналистам. «Саммит в Женеве возможен».\n\n"
)


def repeated(piece: str) -> Callable[[int], str]:
    """A text of any length, of one piece again and again."""
    return lambda length: (piece * (length // len(piece) + 1))[:length]


def _nested(length: int) -> str:
    return ("“Putin said ‘" * (length // 26 + 1))[: length // 2] + ("talks’ he said” " * (length // 32 + 1))[: length // 2]


# Around every shape: without words it would be masked as furniture, without topic and speaker no rule would look.
LEAD = "Peskov said that the talks go on "
END = "\n\nPutin said the summit talks will be held in Geneva."

EVERYTHING = """
lists:
  who: {Vladimir Putin: {any: [Putin, Russian president], except: [Putin spoke, Putin dynasty]}, Rest: [pesk*, ~minister]}
  talks: {any: [talk*, summit, ~встреча], except: [talks talks, summit county]}
rules:
  - {id: near, when: {near: {terms: [$talks, [Geneva, said], [a*, e*]], within: 9}}}
  - {id: ordered, when: {near: {terms: [$talks, [Geneva, said]], within: 9, ordered: true}}}
  - {id: quote, when: {quote: $talks}}
  - {id: sentence, when: {sentence: {any: $talks, none: [Geneva]}}}
  - {id: paragraph, when: {paragraph: {all: [$talks, said]}}}
  - {id: regex, when: {any: ['/(a|e)+ .* (talks|said)/', "/[a-z]+ [a-z]+/"]}}
  - {id: counted, when: {at_least: {count: 2, of: [$talks, said, $who]}}}
  - {id: said, when: {statement: {by: $who}}}
  - {id: anybody, when: {statement: {by: any, kind: [direct, mixed, indirect, second-hand], time: any}}}
  - {id: event, when: {mention: {of: $talks}}}
"""

SHAPES: dict[str, Callable[[int], str]] = {
    "news": repeated(NEWS),
    "cyrillic": repeated(RUSSIAN),
    "one line": repeated(NEWS.replace("\n\n", " ")),
    "one sentence": repeated("Peskov met the envoy of Turkey and spoke of the talks in Geneva while the weather was fine and "),
    "one plain sentence": repeated("the weather was fine and the harvest was good and "),
    "straight quotes": repeated('"'),
    "curly openers": repeated("“"),
    "single quotes": repeated("‘"),
    "apostrophes": repeated("'"),
    "spaced apostrophes": repeated(" 'a"),
    "nested quotes": _nested,
    "open quotes": repeated("“Talks said Peskov "),
    "commas": repeated(","),
    "commas between words": repeated("talks, "),
    "full stops": repeated("."),
    "stops between letters": repeated("a."),
    "capitals with stops": repeated("U.S. "),
    "closers": repeated("”)"),
    "stops and closers": repeated('."'),
    "small letters after stops": repeated("talks. and "),
    "said": repeated("said "),
    "Putin said that": repeated("Putin said that "),
    "Putin said and added": repeated("Putin said, adding "),
    "he said": repeated("Putin spoke. He said it. "),
    "it": repeated("“It is bad,” Putin said. "),
    "sayings of a quote": repeated("“Talks talks talks. "),
    "according to": repeated("according to Putin "),
    "talks": repeated("talks "),
    "talks in Geneva": repeated("Geneva talks in Geneva "),
    "summits": repeated("A summit will be held in Geneva. "),
    "Geneva summits": repeated("The Geneva summit will be held. "),
    "names": repeated("Vladimir Putin Dmitry Peskov "),
    "new names": lambda length: "".join(
        f"Minister Ivan Petrov{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)} said talks. "
        for n in range(length // 33 + 1)
    )[:length],
    "surnames": lambda length: "".join(
        f"Ivan P{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)} said it. She said talks. "
        for n in range(length // 35 + 1)
    )[:length],
    "capitals": repeated("Great "),
    "dates": repeated("on June 15 "),
    "numbers": repeated("1 "),
    "and": repeated("and "),
    "the Russian minister": repeated("the Russian minister of the "),
    "one word": repeated("a"),
    "one Cyrillic word": repeated("я"),
    "combining marks": repeated("e\u0301"),
    "only marks": repeated("\u0301"),
    "soft hyphens": repeated("ta\u00adlks "),
    "hyphens": repeated("peace-"),
    "newlines": repeated("\n"),
    "short lines": repeated("Talks\n"),
    "short news lines": repeated("Putin said talks.\n"),
    "spaces": repeated(" "),
    "odd line ends": repeated("a\x85b\u2028"),
    "emoji": repeated("😀"),
    "brackets": repeated("("),
    "dashes": repeated(" – "),
    "headlines": repeated("Kremlin: talks – "),
    "appeals": repeated("Support us! Dear readers, our journalism needs your help.\n"),
    "credits": repeated("Photo (AP / "),
    "messages": repeated("A message from the president reached them in the night of the great storm at sea.\n"),
    "closers in lines": repeated("Talks ”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)”)\n"),
    "he, quoted": repeated("“A ceasefire is near,” he said. "),
    "refusals": repeated("Russia will not attend the summit. "),
    "initials": repeated("J. "),
    "abbreviations": repeated("Mr. Gen. "),
    "quote in quote": repeated("“‘Talks’” "),
    "colons": repeated("Kremlin: "),
    "stops in a word": lambda length: "." * length + "x",
    "stops in words": repeated("." * 60 + "x "),
    "marks in a word": lambda length: "?!" * (length // 2) + "x",
    "stops and closers in a word": lambda length: '."' * (length // 2) + "x",
    "ellipses": repeated("talks... and … so on .... "),
}


def measure(match: Callable[[Article], object], shape: Callable[[int], str], lengths: Sequence[int], limit: float) -> list[float]:
    """Seconds for each length, as far as the limit allows; the better of two where it is quick."""
    taken: list[float] = []
    for length in lengths:
        article = Article(id="a", title="Putin on talks", body=LEAD + shape(length) + END)
        seconds = _once(match, article)
        if seconds < 1:
            seconds = min(seconds, _once(match, article))
        taken.append(seconds)
        if seconds > limit:
            break
    return taken


def _once(match: Callable[[Article], object], article: Article) -> float:
    start = time.perf_counter()
    match(article)
    return time.perf_counter() - start


def verdict(taken: Sequence[float], lengths: Sequence[int]) -> str:
    """What stands out in a row: steep growth, or a cost that is high from the start."""
    growth = taken[-1] / taken[-2] if len(taken) > 1 else 0
    rate = taken[-1] / lengths[len(taken) - 1] * 1e6
    marks = [" STEEP"] * (growth > STEEP and taken[-1] > 0.05) + [f" SLOW {rate:.0f} µs/char"] * (rate > SLOW)
    return f"{growth:5.1f}{''.join(marks)}"


def main() -> int:
    """Measures; exits 1 where a shape stands out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", choices=[*SHAPES, []], metavar="SHAPE", help="; ".join(SHAPES))
    parser.add_argument("--longest", type=int, default=200_000)
    parser.add_argument("--limit", type=float, default=20.0)
    parser.add_argument("--everything", action="store_true", help="with rules that use every condition, not the shipped ones")
    parser.add_argument("--profile", action="store_true", help="show where the time of the longest goes")
    given = parser.parse_args()
    data = EVERYTHING.encode() if given.everything else (ROOT / "rules.yaml").read_bytes()
    ruleset = rules.load({"rules.yaml": data}, "rules.yaml")
    ruleset.match(Article(id="warm", body=NEWS))
    lengths = [n for k in range(12) if (n := SHORTEST << k) <= given.longest]
    print(f"{'milliseconds':26}" + "".join(f"{n:>9,}" for n in lengths) + "   growth")
    odd = 0
    for name in given.shapes or SHAPES:
        taken = measure(ruleset.match, SHAPES[name], lengths, given.limit)
        said = verdict(taken, lengths)
        odd += len(said.split()) > 1
        cells = "".join(f"{seconds * 1000:9.0f}" for seconds in taken).ljust(9 * len(lengths))
        print(f"{name:26}{cells}   {said}", flush=True)
        if given.profile:
            _profile(ruleset.match, SHAPES[name](lengths[len(taken) - 1]))
    return 1 if odd else 0


def _profile(match: Callable[[Article], object], text: str) -> None:
    profile = cProfile.Profile()
    profile.runcall(match, Article(id="a", title="Putin on talks", body=LEAD + text + END))
    pstats.Stats(profile).sort_stats("tottime").print_stats(12)


if __name__ == "__main__":
    sys.exit(main())

"""What a receiver said is kept without the secrets that it may echo, however it writes them."""

from __future__ import annotations

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest

from monitor.sinks.answers import Hearer

ODD = 'whsec_a&b<c>d"eü'
LONG = "".join(chr(ord("a") + n * n % 26) + str(n % 10) for n in range(60))


def hearing(*secrets: str, url: str = "https://hooks.example/") -> Hearer:
    return Hearer(url=url, secrets=secrets)


@pytest.mark.parametrize(
    "echo",
    [
        ODD,
        html.escape(ODD),
        html.escape(ODD).replace("&amp;", "&AMP;"),
        quote(ODD, safe=""),
        quote(quote(ODD, safe=""), safe=""),
        json.dumps(ODD)[1:-1],
        "".join(f"&#{ord(char)};" for char in ODD),
        "".join(f"&#x{ord(char):X};" for char in ODD),
    ],
)
def test_a_secret_is_masked_however_its_characters_are_written(echo: str) -> None:
    assert hearing(ODD).masked(f"no {echo} here") == "no *** here"


def test_one_that_is_no_text_is_masked_all_the_same() -> None:
    strange = "whsec_" + "\ud800x" * 8
    assert hearing(strange).masked(f"no {strange} here") == "no *** here"


@pytest.mark.parametrize("before", [b"", b"u:", b"usr:"])
def test_of_a_long_one_in_base64_no_more_is_left_than_a_group_that_others_share(before: bytes) -> None:
    echo = b64encode(before + LONG.encode()).decode()
    left = hearing(LONG).masked(f"no {echo} here").removeprefix("no ").removesuffix(" here")
    assert len(left.replace("***", "")) <= len(b64encode(before)) + 3


def test_of_a_long_one_all_that_follows_without_a_gap_goes_with_it() -> None:
    assert hearing(LONG).masked(f"no {LONG}and-more here") == "no *** here"


def test_of_a_short_one_what_follows_stays() -> None:
    assert hearing("whsec_abcdefgh").masked("no whsec_abcdefgh-and-more here") == "no ***-and-more here"


def test_an_address_is_masked_as_one_with_its_query() -> None:
    hears = hearing(url="https://hooks.example/in/longsecret?key=abcdefgh")
    assert hears.masked("POST /in/longsecret?key=abcdefgh failed") == "POST *** failed"
    assert hears.masked("https://hooks.example/in/longsecret?key=abcdefgh") == "***"
    assert hears.masked("hooks.example is well, abcdefgh is not") == "hooks.example is well, *** is not"


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_base64_is_recognised_in_both_of_its_alphabets(encode: Callable[[bytes], bytes]) -> None:
    odd = ">>>???" * 4
    assert encode(odd.encode()) in (b"Pj4+Pz8/" * 4, b"Pj4-Pz8_" * 4)
    assert hearing(odd).masked(f"no {encode(odd.encode()).decode()} here") == "no *** here"

"""A small mail server that does as it is told: what it offers, what it answers to which command, and when it falls silent."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from fakenet import PUBLIC

LINE = 70_000


@dataclass
class Letter:
    sender: str
    recipients: list[str]
    data: bytes


@dataclass
class MailServer:
    """`answers` by the beginning of a command ("RCPT TO:<two@", "DATA", "." for the end of the letter, "" for the greeting).

    `drips` and `hangs` name commands likewise: one character of the answer after the other, for ever; or nothing at all.
    """

    host: str = PUBLIC
    port: int = 0
    tls: ssl.SSLContext | None = None
    offers_starttls: bool = False
    users: Mapping[str, str] = field(default_factory=dict)
    auth: str = "PLAIN"
    answers: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What it answers at first, before it comes to its senses: to each such command, these in turn."""
    hangs: str | None = None
    drips: str | None = None
    letters: list[Letter] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Every command, with a "*" before it where the line was encrypted."""
    logins: list[str] = field(default_factory=list)
    connections: int = 0
    given: Counter[str] = field(default_factory=Counter)
    """How many of the answers in `first` were given."""

    def copies(self) -> dict[str, int]:
        """How many letters each address has."""
        return dict(Counter(address for letter in self.letters for address in letter.recipients))

    def at_first(self, command: str) -> str | None:
        """What is still to be answered to this one before it comes to its senses."""
        start = next((start for start in self.first if Session.is_at(command, start)), "")
        left = self.first.get(start, ())[self.given[start] :]
        self.given[start] += bool(left)
        return left[0] if left else None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


@dataclass
class Session:
    server: MailServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str = ""
    recipients: list[str] = field(default_factory=list)

    @property
    def encrypted(self) -> bool:
        return self.writer.get_extra_info("sslcontext") is not None

    async def run(self) -> None:
        await self.answer("", "220 fake ready")
        while line := (await self.reader.readline()).decode("latin-1").rstrip("\r\n"):
            self.server.said.append(f"{'*' * self.encrypted}{line}")
            if await self.command(line) == "over":
                return

    async def command(self, line: str) -> str | None:
        verb = line.split(maxsplit=1)[0].upper()
        if verb == "EHLO":
            await self.answer(line, self.greeting())
        elif verb == "STARTTLS":
            await self.answer(line, "220 go on")
            await self.writer.start_tls(self.server.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        elif verb == "AUTH" and "AUTH" not in self.server.answers:
            await self.login(line)
        elif verb == "MAIL":
            self.sender, self.recipients = address(line), []
            await self.answer(line, "250 sender ok")
        elif verb == "RCPT":
            if (await self.answer(line, "250 recipient ok")).startswith("250"):
                self.recipients.append(address(line))
        elif verb == "DATA":
            if (await self.answer(line, "354 go on")).startswith("354"):
                await self.letter()
        else:
            await self.answer(line, "221 bye" if verb == "QUIT" else "502 what?")
            return "over" if verb == "QUIT" else None
        return None

    def greeting(self) -> str:
        offers = ["fake", *(["STARTTLS"] if self.server.offers_starttls and not self.encrypted else [])]
        offers += [f"AUTH {self.server.auth}"] if self.server.users else []
        return "\r\n".join([f"250-{one}" for one in offers[:-1]] + [f"250 {offers[-1]}"])

    async def login(self, line: str) -> None:
        _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
        self.server.logins.append(f"{'*' * self.encrypted}{user}")
        good = self.server.users.get(user) == password
        await self.answer("AUTH", "235 welcome" if good else f"535 no: {password} {line.split()[2]}")

    async def letter(self) -> None:
        data = await self.reader.readuntil(b"\r\n.\r\n")
        if (await self.answer(".", "250 taken as 4711")).startswith("250"):
            told = b"\r\n".join(line.removeprefix(b".") for line in data.removesuffix(b".\r\n").split(b"\r\n"))
            self.server.letters.append(Letter(self.sender, self.recipients, told))

    async def answer(self, command: str, usual: str) -> str:
        """Gives the answer, or falls silent."""
        if self.server.hangs is not None and self.is_at(command, self.server.hangs):
            await asyncio.Event().wait()
        if self.server.drips is not None and self.is_at(command, self.server.drips):
            await self.drip()
        later = next((text for start, text in self.server.answers.items() if self.is_at(command, start)), usual)
        told = self.server.at_first(command) or later
        self.writer.write(told.encode() + b"\r\n")
        await self.writer.drain()
        if told.startswith("421"):
            raise ConnectionError
        return told

    @staticmethod
    def is_at(command: str, start: str) -> bool:
        return command.upper().startswith(start.upper()) if start else not command

    async def drip(self) -> None:
        while True:
            self.writer.write(b"250-")
            for _ in range(20):
                self.writer.write(b"x")
                await self.writer.drain()
                await asyncio.sleep(0.005)
            self.writer.write(b"\r\n")


def address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def receiving(server: MailServer, *, implicit: bool = False) -> AsyncIterator[MailServer]:
    """The server, listening; `implicit`: encrypted from the first byte on."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await server.serve(reader, writer)

    listening = await asyncio.start_server(accept, server.host, server.port, ssl=server.tls if implicit else None, limit=LINE * 2)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

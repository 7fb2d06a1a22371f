"""P17: no name, path, tag, reason or setting can make a sink say what it does not say.

Every text of the corpus goes to every sink; each sink is read back by somebody else's reader:
`email` for mails, a browser and `html.parser` for their HTML, `csv`, `json`, a terminal's own
rules, the file system.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import patch

import markdown
from rich.console import Console
from tests import samples
from tests.browser.report_accounts import crowd_report, hostile
from tests.proofs import hostile_account, hostile_pages
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.hostile_corpus import CORPUS
from tests.proofs.terminal_rules import HARMLESS
from tests.scenario import people, reported_account

from keyreeve import logs
from keyreeve.cli import screen
from keyreeve.codec import chat, credential_report, mime, visible
from keyreeve.local import directory_store
from keyreeve.local.directory_mailer import DirectoryMailer
from keyreeve.model.errors import ConfigError, KeyreeveError, MailFailure
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.notice import Attachment
from keyreeve.pipeline import credentials_file
from keyreeve.pipeline.credentials_file import key_csv
from keyreeve.render import environment, spreadsheet
from keyreeve.render import report as report_page
from keyreeve.render.email import MailRenderer
from keyreeve.reporting.report import AccountReport
from keyreeve.storage import layout
from keyreeve.storage.layout import escrow_key, project_slug

PROMISE = "P17"
Sink = Callable[[str, Path], Iterable[str]]
"""A text and a folder of its own → what it could do there."""

# --- mails --------------------------------------------------------------------------------------

_HEADERS = frozenset(
    (
        *("Date", "From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "In-Reply-To"),
        *("References", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version"),
        "Content-Type",
    )
)
_OURS = frozenset({"iam@example.com", "ana@example.com", "msp@example.com"})


_CALM = {"sender": "iam@example.com", "to": ("ana@example.com",), "cc": ("msp@example.com",)}


def headers(text: str, _: Path) -> Iterator[str]:
    """Subject, names, ids and addresses: parsed back, the headers are ours and the readers too."""
    for where, changes in {
        "subject": {"subject": text},
        "sender's name": {"sender": f"{text} <iam@example.com>"},
        "reader's name": {"to": (f"{text} <ana@example.com>",)},
        "copy": {"cc": (text,)},
        "reader": {"to": (text,)},
        "reply-to": {"reply_to": text},
        "references": {"references": (text, "a@example.com"), "in_reply_to": text},
    }.items():
        usual = {
            "sender": "iam@example.com",
            "to": ("ana@example.com",),
            "cc": ("msp@example.com",),
        }
        mail = samples.outgoing(**(usual | changes))
        try:
            told = mime.envelope(mail)
            raw = mime.to_bytes(mail, message_id="1@example.com")
        except (MailFailure, ValueError):
            continue
        exact = _OURS | ({text.strip("<>")} if where in ("copy", "reader") else set())
        yield from (f"{where}: {hit}" for hit in _headers_of(raw, told.recipients, exact))


def _headers_of(raw: bytes, recipients: tuple[str, ...], exact: frozenset[str]) -> Iterator[str]:
    head = raw.partition(b"\r\n\r\n")[0]
    parsed = message_from_bytes(raw, policy=default)
    if set(parsed.keys()) - _HEADERS or len(parsed.keys()) != len(set(parsed.keys())):
        yield f"headers are {parsed.keys()}"
    if re.search(rb"[^\x20-\x7e\r\n]|\r(?!\n)|(?<!\r)\n", head):
        yield "a control or a bare line end"
    if max(map(len, head.split(b"\r\n"))) > 998:
        yield "a line over 998"
    shown = {a.addr_spec for name in ("To", "Cc") for a in parsed[name].addresses}
    wire = {_in_ascii(address) for address in exact} | exact
    if not {*recipients} <= wire or not shown <= wire:
        yield f"readers are {recipients}, shown {shown}"


def _in_ascii(address: str) -> str:
    local, _, domain = address.rpartition("@")
    with contextlib.suppress(UnicodeError):
        return f"{local}@{domain.encode('idna').decode()}"
    return address


def plain_text(text: str, _: Path) -> Iterator[str]:
    """The plain-text twin: no control but line ends, no direction override."""
    body = _RENDERER.notice(samples.hostile_notice(text)).text
    yield from (f"{character!a} stands in it" for character in set(filter(_steers, body)))


def _steers(character: str) -> bool:
    """Whether a mail program or a terminal would act on it."""
    return bool(re.match("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", character))


class _Skeleton(HTMLParser):
    """Tags, attribute names, styles and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: set[tuple[str, str, str]] = set()
        self.links: set[str] = set()
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.add((tag, "", ""))
        for name, value in attrs:
            self.parts.add((tag, name, (value or "") if name in ("style", "class") else ""))
            if name in ("href", "src", "action", "background"):
                self.links.add(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.parts.add(("comment", data, ""))

    def handle_decl(self, decl: str) -> None:
        self.parts.add(("declaration", decl, ""))

    def handle_pi(self, data: str) -> None:
        self.parts.add(("instruction", data, ""))


_RENDERER = MailRenderer()
_LINK = re.compile(
    r"mailto:[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+|https?://[A-Za-z0-9.-]+(:\d+)?(/[^\s\"<>'`]*)?"
)


def _calm() -> set[tuple[str, str, str]]:
    """All that the mails are made of where nobody is hostile."""
    made: set[tuple[str, str, str]] = set()
    for text in ("calm", "a@example.com", "https://example.com/x", "`x` AKIAIOSFODNN7EXAMPLE"):
        made |= _Skeleton(_RENDERER.notice(samples.hostile_notice(text)).html).parts
    return made


def html_mail(text: str, _: Path) -> Iterator[str]:
    """Read by a parser: no part that calm mails have not, no link but to mail and web."""
    page = _Skeleton(_RENDERER.notice(samples.hostile_notice(text)).html)
    yield from (f"<{tag} {name}> {value}" for tag, name, value in page.parts - _calm_parts())
    yield from (f"a link to {link}" for link in page.links if not _LINK.fullmatch(link))
    seen = re.sub(r"\s+", "", "".join(page.words))
    shown = re.sub(r"[\s`]+", "", visible.one_line(text)[:1999])
    if shown.replace("…", "") not in seen.replace("`", ""):
        yield "the text is not seen"


_KNOWN: dict[str, set[tuple[str, str, str]]] = {}


def _calm_parts() -> set[tuple[str, str, str]]:
    return _KNOWN.setdefault("calm", _calm())


def attachment(text: str, _: Path) -> Iterator[str]:
    """The private CSV parses back to the very same name; its file's name stays a name."""
    content = key_csv(text, AccessKeyId("AKIAIOSFODNN7EXAMPLE"), "secret")
    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
    if row["User name"] != text or row["Secret access key"] != "secret":
        yield f"it reads {row!r}"
    parts = (Attachment(name=text, content=content),)
    raw = mime.to_bytes(samples.outgoing_credentials(attachments=parts), message_id=None)
    (part,) = message_from_bytes(raw, policy=default).iter_attachments()
    if part.get_payload(decode=True) != content:
        yield "the attachment is not byte-exact"
    if set(part.keys()) - {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}:
        yield f"the attachment's headers are {part.keys()}"
    if re.search(r"[\x00-\x1f/\\\"]", part.get_filename() or ""):
        yield f"the file's name is {part.get_filename()!r}"


# --- terminal and logs --------------------------------------------------------------------------

_DISPUTED = frozenset("\u3164")
"""The filler: a wide letter to some terminals, nothing to others."""
_SGR = re.compile(r"\x1b\[[\d;]*m")


def terminal(text: str, _: Path) -> Iterator[str]:
    """Tables, blocks, labels and JSON; plain and drawn by rich."""
    table = screen.Table(header=("USER", "RESOURCE", "WHY"))
    table.add(text, text, "end")
    table.add("ana", "key", "end")
    for name, show in {
        "table": lambda: screen.table(table),
        "block": lambda: screen.block(text),
        "label": lambda: screen.labelled("ok", "ok", text, text),
        "document": lambda: screen.json_document({text: text}),
        "list": lambda: screen.listed("users", [screen.safe(text)]),
    }.items():
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            show()
        told = out.getvalue()
        if not HARMLESS.fullmatch(told):
            yield f"{name}: {told[:80]!a}"
        if name == "document" and json.loads(told) != {text: text}:
            yield "document: it parses to something else"
        if name == "table" and len(told.splitlines()) != 3:
            yield f"table: {len(told.splitlines())} lines"
        if name == "table" and not _DISPUTED & set(text):
            yield from _crooked(told)
    drawn = io.StringIO()
    screen._rich_table(Console(file=drawn, force_terminal=True, width=100, markup=False), table)
    if not HARMLESS.fullmatch(_SGR.sub("", drawn.getvalue())):
        yield f"drawn: {drawn.getvalue()[:80]!a}"


def _crooked(told: str) -> Iterator[str]:
    """The last column stands at one place, as another library measures cells."""
    from rich.cells import cell_len  # noqa: PLC0415 - an independent measure

    places = {cell_len(line[: line.rindex(end)]) for line, end in _ends(told)}
    if len(places) != 1:
        yield f"table: the last column stands at {sorted(places)}"


def _ends(told: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(told.splitlines()):
        yield line, "WHY" if number == 0 else "end"


# --- chats ----------------------------------------------------------------------------------------

_BELL = re.compile(r"@\w|<[^>\s]|&\w+;|\w://|[^\W\d]:\w|\w\.[^\W\d_]{2,}")
"""A mention, Slack's own marks, an entity, what a chat makes a link of."""
_LOOKS = frozenset({"p", "h1", "h2", "ul", "ol", "li", "hr", "br", "blockquote"})
"""Tags that plain lines may happen to make in Markdown."""


def chats(text: str, _: Path) -> Iterator[str]:
    """A bulletin in a chat: a title and lines, without a mention, a link or another's looks."""
    for where, changes in {
        "headline": {"headline": text},
        "paragraph": {"paragraphs": (text, f"see {text} and {text}.")},
        "project": {"letterhead": replace(samples.letterhead(), project_name=text)},
    }.items():
        shown = chat.chat_text(replace(samples.team(), **changes))
        yield from (f"{where}: {hit}" for hit in _in_a_chat(shown.title, shown.body))


def _in_a_chat(title: str, body: str) -> Iterator[str]:
    if not HARMLESS.fullmatch(title) or "\n" in title:
        yield f"the title {title!a}"
    for line in (title, *body.split("\n")):
        if not HARMLESS.fullmatch(line):
            yield f"the line {line!a}"
        yield from (f"{hit[0]!a} in {line[:60]!a}" for hit in _BELL.finditer(line))
    page = _Skeleton(markdown.markdown(body))
    yield from (f"Markdown makes <{tag}>" for tag, _, _ in page.parts if tag not in _LOOKS)


def log(text: str, _: Path) -> Iterator[str]:
    """One record one line; a traceback stays indented; no escapes."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(logs.SafeFormatter(verbose=True))
    try:
        raise KeyError(text)  # noqa: TRY301 - to have a traceback
    except KeyError as error:
        caught = (type(error), error, error.__traceback__)
    for trace in (None, caught):
        record = logging.LogRecord(text, logging.INFO, text, 1, "user %s %r", (text, text), trace)
        handler.handle(record)
    lines = told.getvalue().split("\n")
    if not all(map(HARMLESS.fullmatch, lines)):
        yield ascii(told.getvalue()[:80])
    if sum(not line.startswith("  | ") for line in lines) != 3:
        yield f"{len(lines)} lines of two records"


# --- names of objects and files -----------------------------------------------------------------

_FILE_NAME = re.compile(r"[A-Za-z0-9_=@,+~%-][A-Za-z0-9_.=@,+~%-]*")


def object_keys(text: str, _: Path) -> Iterator[str]:
    """A project's prefix is one harmless part; an id is one part or refused."""
    with contextlib.suppress(ConfigError):
        slug = project_slug(text)
        if not re.fullmatch(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9_])?|[a-z0-9_][a-z0-9._-]*", slug):
            yield f"slug {slug!r}"
        if slug in (".", "..") or "/" in slug:
            yield f"slug {slug!r} leads elsewhere"
    for part in ({"user": text, "operation": "o"}, {"user": "u", "operation": text}):
        with contextlib.suppress(ValueError):
            key = escrow_key(samples.key_credentials().kind, **part, attempt=1)
            if key.count("/") != 3 or any(p in ("", ".", "..") for p in key.split("/")):
                yield f"escrow key {key!r}"


def local_paths(text: str, folder: Path) -> Iterator[str]:
    """Below the directory, and there under a name that every file system takes; or refused."""
    root = folder / "root"
    store = directory_store.DirectoryStore(root, prefix="p")
    with contextlib.suppress(ValueError, KeyreeveError, UnicodeError):
        store.put(f"a/{text}/b", b"x")
        if [row.key for row in store.list("a/")] != [f"a/{text}/b"]:
            yield "the key does not come back"
    with contextlib.suppress(MailFailure, ValueError):
        DirectoryMailer(root / "mails").send(samples.outgoing(to=(text,)))
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        if inside[0] != "root" or not path.resolve().is_relative_to(root.resolve()):
            yield f"{path} lies elsewhere"
        if not all(_FILE_NAME.fullmatch(part) for part in inside if part != ".lock"):
            yield f"file {inside!r}"


def report(text: str, _: Path) -> Iterator[str]:
    """A credential report with the text as name: a row of exactly that name, or a gap."""
    rows = [people.aged(text), people.aged("calm")]
    parsed = credential_report.parse(reported_account._report(rows, people.MONDAY))
    if [row.user for row in parsed.rows] not in ([text, "calm"], ["calm"]):
        yield f"rows of {[row.user for row in parsed.rows]}"


def csv_report(text: str, _: Path) -> Iterator[str]:
    """The account's report for a spreadsheet: as many lines and cells as ever, all of them text."""
    calm, lines = (_read_report(each) for each in ("calm", text))
    if [*map(len, lines)] != [*map(len, calm)]:
        yield f"lines of {[*map(len, lines)]} cells"
    cells = [cell for line in lines for cell in line]
    yield from (f"a formula: {cell[:40]!a}" for cell in cells if cell.startswith(_FORMULA))
    yield from (f"{c!a} stands in it" for c in set(filter(_steers, "".join(cells))))
    shown = visible.one_line(text)
    if not {shown, f"'{shown}"} & set(cells):
        yield "the name is not in it"


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _read_report(text: str) -> list[list[str]]:
    told = report_page.rows(hostile(_plain_report(), [text]))
    return list(csv.reader(io.StringIO(told, newline=""), strict=True))


@cache
def _plain_report() -> AccountReport:
    return crowd_report(3)


SINKS: Mapping[str, Sink] = {
    "mail headers": headers,
    "plain text": plain_text,
    "HTML": html_mail,
    "attachment": attachment,
    "terminal": terminal,
    "chats": chats,
    "log": log,
    "object keys": object_keys,
    "local paths": local_paths,
    "credential report": report,
    "csv report": csv_report,
}


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """The corpus through every sink; through a whole account; through a browser."""
    yield through_sinks(seed)
    yield hostile_account.lived(size, seed)
    yield from hostile_pages.shown(size, seed)


def through_sinks(seed: int, sinks: Mapping[str, Sink] = SINKS) -> Figure:
    """Every text through every sink."""
    violations = []
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    try:
        for number, text in enumerate(CORPUS):
            for name, sink in sinks.items():
                own = folder / f"{number}-{name}"
                own.mkdir()
                violations += [
                    f"seed {seed}, text {number} ({text[:40]!a}), {name}: {hit}"
                    for hit in _hits(sink, text, own)
                ]
    finally:
        shutil.rmtree(folder)
    return Figure(
        promise=PROMISE,
        what="texts at sinks",
        tried=len(CORPUS) * len(sinks),
        violations=tuple(violations),
    )


def _hits(sink: Sink, text: str, folder: Path) -> list[str]:
    try:
        return list(sink(text, folder))
    except Exception as error:  # noqa: BLE001 - whatever a text breaks is a finding
        return [f"it breaks: {type(error).__name__}: {error}"]


# --- mutants ------------------------------------------------------------------------------------


@contextmanager
def _no_autoescape() -> Iterator[None]:
    """Values stand in the HTML as they are."""
    loud = MailRenderer()
    for templates in (*loud._templates.values(), loud._others):
        templates.html.autoescape = False
    with patch.dict(globals(), {"_RENDERER": loud}), patch.object(hostile_pages, "_RENDERER", loud):
        yield


@contextmanager
def _no_header_guard() -> Iterator[None]:
    """Subjects and names stand in headers as they are."""
    with patch.object(mime, "_unstructured", str), patch.object(mime, "_is_plain", bool):
        yield


@contextmanager
def _no_terminal_escapes() -> Iterator[None]:
    """Cells and log lines as they are."""
    with patch.object(screen, "escape_control", str), patch.object(logs, "escape_control", str):
        yield


@contextmanager
def _no_look_alikes() -> Iterator[None]:
    """Bulletins in the words that others chose."""
    with patch.object(chat, "harmless", visible.one_line):
        yield


@contextmanager
def _no_path_check() -> Iterator[None]:
    """Parts of keys are names of files as they are."""
    with (
        patch.object(directory_store, "_parts", lambda key: key.split("/")),
        patch.object(layout, "_part", str),
    ):
        yield


@contextmanager
def _no_clean_values() -> Iterator[None]:
    """Templates are filled in with the texts as they are."""
    with patch.object(environment, "one_line", str):
        yield


@contextmanager
def _no_file_name_guard() -> Iterator[None]:
    """Attachments are named as others would have them."""
    with patch.object(mime, "_PLAIN_FILE_NAME", re.compile(r"(?!)")):
        yield


@contextmanager
def _no_csv_quotes() -> Iterator[None]:
    """The private CSV is its cells with commas between them."""

    def joined(*rows: tuple[str, ...]) -> bytes:
        return "".join(f"{','.join(row)}\r\n" for row in rows).encode()

    with patch.object(credentials_file, "_written", joined):
        yield


@contextmanager
def _tidied_names() -> Iterator[None]:
    """A report's rows are of names as somebody would rather have them."""
    with patch.object(credential_report, "UserName", lambda text: visible.one_line(text).strip()):
        yield


@contextmanager
def _no_text_cells() -> Iterator[None]:
    """Cells of spreadsheets as they are."""
    with patch.object(spreadsheet, "spreadsheet_cell", str):
        yield


MUTANTS = tuple(
    Mutant(promise=PROMISE, name=name, plant=plant)
    for name, plant in {
        "autoescape off": _no_autoescape,
        "header guard off": _no_header_guard,
        "terminal escapes off": _no_terminal_escapes,
        "path check off": _no_path_check,
        "look-alikes off": _no_look_alikes,
        "clean values off": _no_clean_values,
        "file name guard off": _no_file_name_guard,
        "quotes of the private CSV off": _no_csv_quotes,
        "names of rows tidied": _tidied_names,
        "cells of text off": _no_text_cells,
    }.items()
)

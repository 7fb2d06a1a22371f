"""The form of an access review: one page that needs no network, and its mail."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from markupsafe import Markup

from keyreeve.codec.review import row_digest
from keyreeve.codec.review_sheet import SCHEMA, console_words, key_words
from keyreeve.model.notice import RenderedMail
from keyreeve.model.review import Campaign, ReviewNotice, Task
from keyreeve.render.email import MailRenderer
from keyreeve.render.environment import page_environment


class ReviewForm:
    """ports.ReviewForms."""

    def __init__(self, mails: MailRenderer, contact: str) -> None:
        self._mails = mails
        self._contact = contact

    def page(self, campaign: Campaign, task: Task) -> str:
        """The form; only its own style and script may run, and nothing may be fetched or sent."""
        style, script = _shipped("review.css"), _shipped("review.js")
        policy = (
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        )
        rows = [
            {
                "user": row,
                "digest": row_digest(campaign.campaign_id, task.reviewer.name, row),
                "console": console_words(row),
                "access_keys": [key_words(key) for key in row.keys],
            }
            for row in task.rows
        ]
        template = page_environment().get_template("review.page.html")
        return template.render(
            campaign=campaign,
            task=task,
            rows=rows,
            schema=SCHEMA,
            contact=self._contact,
            policy=Markup(policy),  # noqa: S704 - our own words and digests
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
        )

    def mail(self, notice: ReviewNotice) -> RenderedMail:
        """The mail that carries it."""
        return self._mails.review(notice)


def _shipped(name: str) -> str:
    return (files("keyreeve.render") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names what may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

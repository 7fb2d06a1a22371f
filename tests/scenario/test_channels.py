"""The team's channels through whole cycles: what they hear, what they never hear, and when not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.fakes.channel import FakeChannel
from tests.scenario.people import aged, no_mfa, old_password, person, spare
from tests.scenario.village import TEAM, Village

from keyreeve.model.bulletin import RunDigest
from keyreeve.model.bulletin_kind import BulletinKind
from keyreeve.model.decisions import Pause
from keyreeve.model.errors import ChannelFailed, LockLost, MailFailure
from keyreeve.model.notice import MailKind, Summary, TeamNotice
from keyreeve.model.plan import OutcomeKind
from keyreeve.pipeline.channels import TELL
from keyreeve.ports.channels import Subscription

ALL = frozenset(BulletinKind)


def unreachable(name: str = "nobody"):
    return person(name, *aged(name).keys, tags={})


def village(*people, hears=ALL, **policy) -> tuple[Village, FakeChannel]:
    made = Village(
        *(people or (aged(), spare(), old_password(), no_mfa(), unreachable())), **policy
    )
    channel = FakeChannel()
    made.channels = (Subscription(channel=channel, hears=frozenset(hears)),)
    return made, channel


def test_a_channel_hears_what_the_team_is_mailed_once_each_and_every_run():
    lived, channel = village()
    lived.live(0, 15)
    told = [(b.on, b.headline) for b in channel.told if isinstance(b, TeamNotice)]
    mailed = [
        (m.sent_at.date(), m.subject.partition("team: ")[2]) for m in lived.mails(MailKind.TEAM)
    ]
    assert told == mailed != []
    summaries = [b.on for b in channel.told if isinstance(b, Summary)]
    assert summaries == [m.sent_at.date() for m in lived.mails(MailKind.SUMMARY)] != []
    assert len([b for b in channel.told if isinstance(b, RunDigest)]) == 16


def test_no_credential_and_no_notice_to_an_owner_ever_gets_to_a_channel():
    lived, channel = village()
    lived.live(0, 15)
    private = lived.mails(MailKind.CREDENTIALS)
    assert len(private) >= 2, "keys and a password were handed out"
    kept = [lived.store.get(row.key) for row in lived.store.list("credentials/")]
    secrets = [each.content.decode().splitlines()[1].split(",")[-1] for each in kept]
    secrets += [each.content.decode().splitlines()[1].split(",")[1] for each in kept]
    posted = "\n".join(f"{text.title}\n{text.body}" for text in channel.posted)
    raw = "\n".join(repr(bulletin) for bulletin in channel.told)
    assert not any(secret in posted or secret in raw for secret in secrets if "http" not in secret)
    owners = {mail.to[0] for mail in lived.mails(MailKind.NOTICE)}
    assert owners
    assert {type(b) for b in channel.told} == {TeamNotice, Summary, RunDigest}
    bodies = [mail.body.text for mail in (*lived.mails(MailKind.NOTICE), *private)]
    assert not any(body.strip() and body in raw for body in bodies)


def test_a_rehearsal_tells_no_channel():
    lived, channel = village()
    for day in range(3):
        lived.run(day, execute=False)
    assert channel.told == []


def test_a_channel_that_fails_stops_nothing_and_is_named():
    lived, channel = village()
    sound = FakeChannel("sound")
    lived.channels = (*lived.channels, Subscription(channel=sound, hears=ALL))
    channel.refusing = ChannelFailed("the service did not take the message", where="fake")
    other, _ = village()
    reports = [(lived.run(day), other.run(day)) for day in range(8)]
    for mine, theirs in reports:
        failed = [o for o in mine.outcomes if o.effect_kind == TELL]
        assert {(o.kind, o.resource_id) for o in failed} == {(OutcomeKind.FAILED, "fake")}
        assert all("fake was not told" in o.reason for o in failed)
        assert mine.exit_code == 1
        assert theirs.exit_code == 0
        assert [o for o in mine.outcomes if o.effect_kind != TELL] == list(theirs.outcomes)
    assert len(sound.told) > 8
    document = json.loads(lived.store.get(f"runs/{reports[0][0].plan.run_id}/run.json").content)
    assert "fake was not told" in json.dumps(document["outcomes"])


@pytest.mark.parametrize("kind", BulletinKind)
def test_a_channel_hears_only_what_it_asked_for(kind: BulletinKind):
    lived, channel = village(hears={kind})
    lived.live(0, 1)
    wanted = {"team": TeamNotice, "summary": Summary, "run": RunDigest}[kind.value]
    assert {type(b) for b in channel.told} == {wanted}


def test_what_the_mail_system_refused_is_not_told_either():
    lived, channel = village(hears={BulletinKind.TEAM})
    lived.mailer.refuse(TEAM, MailFailure("refused"))
    lived.run(0)
    assert channel.told == []


def test_nothing_is_told_while_the_project_is_paused_or_only_observes():
    lived, channel = village()
    lived.decisions.set_pause(Pause(reason="a migration", since=lived.start, by="me"))
    lived.run(0)
    watching, silent = village(observe_only=True)
    watching.run(0)
    assert (channel.told, silent.told) == ([], [])


def test_who_has_lost_the_lock_tells_nobody():
    """Another run takes over right after the last mail."""
    undisturbed, _ = village()
    undisturbed.run(0)
    lived, channel = village(hears={BulletinKind.RUN})

    class Lost:
        def check(self) -> None:
            if len(lived.mailer.sent) == len(undisturbed.mailer.sent):
                raise LockLost("another run took over")

    account = lived.wired()
    lost = replace(account, tools=replace(account.tools, lease=Lost()))
    lived.wired = lambda fate=None: lost
    with pytest.raises(LockLost):
        lived.run(0)
    assert len(lived.mailer.sent) > 0
    assert channel.told == []


def test_what_was_told_is_in_the_audit_log():
    lived, _ = village()
    lived.run(0)
    events = [
        json.loads(line)
        for row in lived.store.list("audit/")
        for line in lived.store.get(row.key).content.splitlines()
    ]
    told = [e["data"] for e in events if e["event"] == "channel.told"]
    assert {each["kind"] for each in told} == {"team", "summary", "run"}
    assert {each["channel"] for each in told} == {"fake"}

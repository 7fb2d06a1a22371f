"""What the emulator cannot show of IAM: pages, a report in the making, garbled answers."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from keyreeve.aws.iam_reader import IamReader
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AccessDenied, AccountUnreadable, Malformed

ALLOW = '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'
DENY = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
TEAM = "arn:aws:iam::123456789012:policy/team"


@pytest.fixture
def reader(scripted, clock):
    return IamReader(Sessions(rehearsal=False), clock)


def error(code: str, status: int) -> tuple[int, str]:
    return (status, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>")


# --- the report ---------------------------------------------------------------------------------


def generated(state: str) -> str:
    return (
        f"<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>{state}</State>"
        "</GenerateCredentialReportResult></GenerateCredentialReportResponse>"
    )


REPORT = (
    "<GetCredentialReportResponse><GetCredentialReportResult>"
    f"<Content>{base64.b64encode(b'user,arn').decode()}</Content>"
    "<GeneratedTime>2026-01-05T06:00:00Z</GeneratedTime><ReportFormat>text/csv</ReportFormat>"
    "</GetCredentialReportResult></GetCredentialReportResponse>"
)


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        ([generated("COMPLETE"), REPORT], 0),
        ([generated("STARTED"), generated("INPROGRESS"), generated("COMPLETE"), REPORT], 2),
        ([error("LimitExceeded", 409), generated("COMPLETE"), REPORT], 1),
        (
            [
                generated("COMPLETE"),
                error("ReportInProgress", 404),
                generated("COMPLETE"),
                error("ReportExpired", 410),
                generated("STARTED"),
                generated("COMPLETE"),
                error("ReportNotPresent", 410),
                generated("COMPLETE"),
                REPORT,
            ],
            4,
        ),
    ],
    ids=["ready", "in progress", "asked too often", "lost in between"],
)
def test_the_report_is_asked_for_until_it_is_there(scripted, reader, clock, answers, waits):
    scripted.answer(*answers)
    report = reader.credential_report()
    assert report.content == b"user,arn"
    assert report.generated_at.isoformat() == "2026-01-05T06:00:00+00:00"
    assert len(clock.slept) == waits
    assert len(scripted.asked) == len(answers)


def test_waiting_grows_and_has_an_end(scripted, reader, clock):
    scripted.answer(generated("STARTED"))
    with pytest.raises(AccountUnreadable, match="did not finish"):
        reader.credential_report()
    assert clock.slept == sorted(clock.slept)
    assert 60 < sum(clock.slept) < 600


def test_a_denied_report_is_not_waited_for(scripted, reader, clock):
    scripted.answer(error("AccessDenied", 403))
    with pytest.raises(AccessDenied, match="iam:GenerateCredentialReport"):
        reader.credential_report()
    assert clock.slept == []


# --- the details --------------------------------------------------------------------------------


def page(
    *, users: str = "", groups: str = "", policies: str = "", marker: str | None = None
) -> str:
    end = (
        "<IsTruncated>false</IsTruncated>"
        if marker is None
        else f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"
    )
    return (
        "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult>"
        f"<UserDetailList>{users}</UserDetailList><GroupDetailList>{groups}</GroupDetailList>"
        f"<RoleDetailList/><Policies>{policies}</Policies>{end}"
        "</GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
    )


def user(name: str, *, group: str = "", attached: str = "", inline: str = "") -> str:
    return (
        f"<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDA{name}</UserId>"
        f"<Arn>arn:aws:iam::123456789012:user/{name}</Arn>"
        "<CreateDate>2025-01-01T00:00:00Z</CreateDate>"
        + (f"<GroupList><member>{group}</member></GroupList>" if group else "<GroupList/>")
        + (f"<UserPolicyList>{policy(inline)}</UserPolicyList>" if inline else "")
        + attachments(attached)
        + "<Tags/></member>"
    )


def group(name: str, *, attached: str = "", inline: str = "") -> str:
    inner = policy(inline) if inline else ""
    return (
        f"<member><Path>/</Path><GroupName>{name}</GroupName><GroupId>AGPA{name}</GroupId>"
        f"<GroupPolicyList>{inner}</GroupPolicyList>{attachments(attached)}</member>"
    )


def policy(document: str) -> str:
    return (
        "<member><PolicyName>inline</PolicyName>"
        f"<PolicyDocument>{quote(document)}</PolicyDocument></member>"
    )


def attachments(arn: str) -> str:
    inner = f"<member><PolicyName>p</PolicyName><PolicyArn>{arn}</PolicyArn></member>"
    return f"<AttachedManagedPolicies>{inner if arn else ''}</AttachedManagedPolicies>"


def managed(arn: str, *versions: tuple[str, bool]) -> str:
    listed = "".join(
        f"<member><Document>{quote(document)}</Document><VersionId>v{number}</VersionId>"
        f"<IsDefaultVersion>{str(default).lower()}</IsDefaultVersion></member>"
        for number, (document, default) in enumerate(versions, 1)
    )
    return f"<member><Arn>{arn}</Arn><PolicyVersionList>{listed}</PolicyVersionList></member>"


def test_all_pages_are_joined_whatever_comes_first(scripted, reader):
    scripted.answer(
        page(users=user("ada", group="team", attached=ADMIN), marker="one"),
        page(users=user("bob", group="team"), marker="two"),
        page(
            groups=group("team", attached=TEAM, inline=DENY),
            policies=managed(TEAM, (DENY, False), (ALLOW, True)),
        ),
    )
    details = reader.details()
    ada, bob = details.users
    assert "Marker=one" in scripted.asked[1]
    assert "Marker=two" in scripted.asked[2]
    assert ada.granted.managed == {ADMIN, TEAM}
    assert bob.granted.managed == {TEAM}
    assert [document["Statement"]["Effect"] for document in bob.granted.documents] == [
        "Deny",
        "Allow",
    ]
    assert all(a is b for a, b in zip(ada.granted.documents, bob.granted.documents, strict=True))
    assert ada.inline_policies == ()


def bounded(name: str, arn: str) -> str:
    boundary = (
        "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
        f"<PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn></PermissionsBoundary>"
    )
    return user(name).replace("<UserId>", f"{boundary}<UserId>")


def test_a_permissions_boundary_is_read_with_its_document(scripted, reader):
    scripted.answer(
        page(
            users=user("ada") + bounded("bob", TEAM) + bounded("cem", ADMIN),
            policies=managed(TEAM, (ALLOW, True)),
        )
    )
    ada, bob, cem = (found.granted.boundary for found in reader.details().users)
    assert ada is None
    assert (bob.arn, bob.document["Statement"]["Effect"]) == (TEAM, "Allow")
    assert (cem.arn, cem.document) == (ADMIN, None)


def test_one_question_asks_for_everything_at_once(scripted, reader):
    scripted.answer(page())
    reader.details()
    (asked,) = scripted.asked
    assert "MaxItems=1000" in asked
    for wanted in ("User", "Group", "LocalManagedPolicy"):
        assert f"={wanted}&" in f"{asked}&"
    assert "=Role&" not in f"{asked}&"


TORN = {
    "a user without an id": [page(users=user("ada").replace("AIDAada", ""))],
    "a user without the element": [page(users=user("ada").replace("<UserId>AIDAada</UserId>", ""))],
    "a user without a birth": [page(users=user("ada").replace("2025-01-01T00:00:00Z", "soon"))],
    "a group that nobody describes": [page(users=user("ada", group="team"))],
    "a policy that nobody describes": [page(users=user("ada", attached=TEAM))],
    "a boundary that nobody describes": [page(users=bounded("ada", TEAM))],
    "a policy without a default": [page(policies=managed(TEAM, (ALLOW, False)))],
    "a document that is no JSON": [page(users=user("ada", inline="{torn"))],
    "a page without users": [page().replace("<UserDetailList></UserDetailList>", "")],
    "a page without an end": [page().replace("<IsTruncated>false</IsTruncated>", "")],
    "a truncated page without a marker": [page(marker="x").replace("<Marker>x</Marker>", "")],
    "a marker that repeats": [page(marker="x")],
    "a second page that is torn": [page(users=user("ada"), marker="x"), page()[:-20]],
    "an empty answer": ["<GetAccountAuthorizationDetailsResponse/>"],
    "a page of HTML": ["<html><br></html>"],
}


@pytest.mark.parametrize("answers", TORN.values(), ids=TORN)
def test_a_torn_answer_is_no_answer_and_never_a_part_of_one(scripted, reader, answers):
    scripted.answer(*answers)
    with pytest.raises(Malformed) as failed:
        reader.details()
    assert failed.value.call == "iam:GetAccountAuthorizationDetails"


def test_a_throttled_second_page_fails_the_whole(scripted, reader):
    scripted.answer(page(users=user("ada"), marker="x"), error("AccessDenied", 403))
    with pytest.raises(AccessDenied):
        reader.details()


def test_a_last_use_that_is_missing_from_the_answer_does_not_read_as_never(scripted, reader):
    scripted.answer(
        "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>ada</UserName>"
        "</GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>"
    )
    with pytest.raises(Malformed):
        reader.access_key_last_used("AKIAIOSFODNN7EXAMPLE")


@pytest.mark.parametrize(
    "question",
    [
        lambda reader: reader.access_keys("ada"),
        lambda reader: reader.user("ada"),
        lambda reader: reader.has_login_profile("ada"),
        lambda reader: reader.has_mfa_device("ada"),
        lambda reader: reader.password_policy(),
        lambda reader: reader.credential_report(),
    ],
    ids=["keys", "user", "login profile", "mfa", "password policy", "report"],
)
def test_an_answer_without_content_is_malformed_not_no(scripted, reader, question):
    scripted.answer("<SomethingResponse/>")
    with pytest.raises(Malformed):
        question(reader)

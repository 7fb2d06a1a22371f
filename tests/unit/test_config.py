"""config.yaml: every mistake at once, each with its line; defaults; the template; the schema."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from keyreeve.config import Config, Transport, load, parse
from keyreeve.config.document import read
from keyreeve.config.mistakes import keys_of, sections_at
from keyreeve.config.schema import SCHEMA_FILES, schema_text
from keyreeve.config.sections import FirstRun
from keyreeve.config.template import InitAnswers, render_template
from keyreeve.config.values import LONGEST, Impossible, format_duration, parse_duration
from keyreeve.model.baseline import AlarmSetting, BaselineSettings, StackName
from keyreeve.model.errors import ConfigError
from keyreeve.model.policy import (
    BlastLimits,
    CompressedClock,
    Delivery,
    Enforcement,
    EnforcementDays,
    EscalationPolicy,
    Exclusion,
    FinalAct,
    Freeze,
    LadderDays,
    Match,
    Orphans,
    OwnerRules,
    StaleScope,
    Thresholds,
    UserClass,
)

CASES = Path(__file__).parent.parent / "data" / "config"
TEAM = ("msp-team@example.com",)


def expected_mistakes(path: Path) -> list[tuple[int, str]]:
    """What the file says about itself: `# ! mistake ! another one` at the end of a line."""
    return [
        (number, text.strip())
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for text in line.partition("# !")[2].split(" ! ")
        if text
    ]


def reported_mistakes(error: ConfigError, path: Path) -> list[tuple[int, str]]:
    lines = error.what.splitlines()
    found = [re.fullmatch(rf"{re.escape(str(path))}:(\d+):\d+: (.*)", line) for line in lines]
    assert all(found), error.what
    return [(int(match[1]), match[2]) for match in found]


@pytest.mark.parametrize("path", sorted(CASES.glob("bad.*.yaml")), ids=lambda path: path.stem)
def test_every_mistake_is_told_at_once_with_its_line_and_no_other(path):
    with pytest.raises(ConfigError) as caught:
        load(path)
    reported = reported_mistakes(caught.value, path)
    expected = expected_mistakes(path)
    assert [line for line, _ in reported] == [line for line, _ in expected], caught.value.what
    for line, text in expected:
        assert any(line == number and text in what for number, what in reported), (
            f"{text!r} not in {caught.value.what}"
        )
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("section", ["channels", "heartbeat"])
def test_no_mistake_shows_what_may_be_a_secret_url(section):
    with pytest.raises(ConfigError) as caught:
        load(CASES / f"bad.{section}.yaml")
    assert "canary" not in str(caught.value)


def test_no_error_shows_a_secret_even_where_the_file_cannot_be_parsed(tmp_path):
    path = tmp_path / "config.yaml"
    texts = [
        (CASES / "bad.secrets.yaml").read_text(),
        "mail: {smtp: {password: canary\n",
        "mail:\n  smtp: {password: canary]\n",
        "mail:\n\tpassword: canary\n",
        "mail:\n  password: canary: canary\n",
    ]
    for text in texts:
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(path)
        error = caught.value
        assert "canary" not in str(error)
        assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "keyreeve init"),
        (b"# only a comment\n", "keyreeve init"),
        (b"project_name: \xff\n", "config.yaml:1: not UTF-8"),
        (b"project_name: E\nx: \x07\n", "config.yaml:2:4: a control character"),
        (b"a: 1\n---\nb: 2\n", "config.yaml:2:1: not YAML: but found another document"),
        (b"project_name: !!python/object:os.system x\n", "cannot be read"),
    ],
)
def test_a_file_that_is_no_config_is_refused_with_what_to_do(tmp_path, content, expected):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert expected in str(caught.value)


def test_a_missing_file_leads_to_init(tmp_path):
    with pytest.raises(ConfigError, match="keyreeve init"):
        load(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (CASES / "good.minimal.yaml").read_bytes())
    assert load(path).project_name == "ETV"


def test_the_needed_settings_alone_give_the_engines_own_defaults():
    config = load(CASES / "good.minimal.yaml")
    assert config.escalation_policy() == EscalationPolicy(
        project_name="ETV",
        owner=OwnerRules(fallback=TEAM),
        mail_cc=TEAM,
        summary_to=TEAM,
    )
    assert (config.summary_to, config.mail.fallback, config.contact) == (TEAM, TEAM, TEAM[0])
    assert config.storage.directory == CASES / "state"
    assert config.path == CASES / "good.minimal.yaml"
    assert config.retention.runs == timedelta(days=400)
    assert config.retention.audit == timedelta(days=6 * 365)
    assert config.baseline_settings() == BaselineSettings(alerts=TEAM)
    with pytest.raises(ConfigError, match=r"baseline\.access: no file says who may do what"):
        config.access_model()


def test_every_setting_reaches_the_engine():
    config = load(CASES / "good.full.yaml")
    assert config.credentials.kms_key_id == "alias/own"
    policy = config.escalation_policy()
    thresholds = Thresholds(
        access_key_rotation=timedelta(days=90),
        access_key_stale=timedelta(hours=36),
        password_age=timedelta(minutes=10),
        user_inactive=timedelta(days=365),
    )
    assert {date(2026, 11, 9), date(2026, 11, 10), date(2026, 1, 26)} < policy.holidays
    assert replace(policy, holidays=frozenset()) == EscalationPolicy(
        project_name="ETV – Größe 1",
        timezone=ZoneInfo("Asia/Kolkata"),
        mail_weekdays=frozenset({6, 0, 1, 2, 3}),
        thresholds=thresholds,
        stale_scope=StaleScope.EVERY_KEY,
        days=LadderDays(reminder=2, new_credentials=5, warning=12, countdown=13, enforcement=20),
        closing_mail=False,
        free_slot_after_days=30,
        orphans=Orphans.KEEP_INACTIVE,
        max_extension_days=0,
        enforcement=Enforcement(
            console_mfa=FinalAct.QUARANTINE,
            user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS,
            password_age=FinalAct.DELETE_LOGIN_PROFILE,
            minimum_overlap_days=15,
            weekdays=EnforcementDays.EVERY_DAY,
            freezes=(Freeze(first=date(2026, 12, 20), last=date(2027, 1, 3)),),
        ),
        limits=BlastLimits(disruptive_share=1.0, disruptive_floor=0),
        delivery=Delivery.BOTH,
        backup_retention_days=7,
        classes=(
            UserClass(
                match=Match(tag="kind=machine"),
                thresholds=replace(thresholds, access_key_rotation=timedelta(days=365)),
                delivery=Delivery.SECRETS_MANAGER,
            ),
        ),
        exclusions=(
            Exclusion(match=Match(user="break-glass-*"), reason="emergency access"),
            Exclusion(
                match=Match(tag="keyreeve:exclude=true"), reason="excluded by the configuration"
            ),
        ),
        owner=OwnerRules(
            tag="Owner",
            user_name_is_address=False,
            default_domain="example.com",
            domains=("example.com",),
            fallback=("desk@example.com",),
        ),
        mail_cc=(*TEAM, "second@example.com"),
        summary_to=(*TEAM, "second@example.com"),
        summary_weekday=4,
        observe_only=True,
        compressed=CompressedClock(day=timedelta(minutes=10), users=("test-*",)),
        onboarding_group="Joiners",
    )
    assert [(each.kind, each.url_env, each.topic_arn) for each in config.channels] == [
        ("apprise", "KEYREEVE_SLACK_URL", None),
        ("sns", None, "arn:aws:sns:eu-west-1:123456789012:msp-team"),
    ]
    assert [set(each.what) for each in config.channels] == [
        {"team", "summary", "run"},
        {"team", "summary"},
    ]
    assert (config.heartbeat.url_env, config.heartbeat.metric) == ("KEYREEVE_HEARTBEAT_URL", True)
    assert config.mail.smtp.port == 465
    assert config.accounts[0].id == "012345678901"
    assert config.texts.templates == CASES / "templates"
    assert config.baseline.access == CASES / "../access/good.full.yaml"
    assert config.baseline_settings() == BaselineSettings(
        region="eu-central-1",
        alerts=("soc@example.com",),
        alarms={
            "root-used": AlarmSetting(enabled=False, reason="none here"),
            "no-mfa": AlarmSetting(threshold=3, reason="SSO"),
        },
        parameters={
            StackName.AUDIT_TRAIL: {"RetentionDays": "400", "Insights": "true"},
            StackName.IDENTITY: {"Name": "x"},
        },
    )


def test_a_section_without_values_is_at_its_defaults():
    config = load(CASES / "good.empty_sections_are_defaults.yaml")
    minimal = load(CASES / "good.minimal.yaml").escalation_policy()
    assert config.escalation_policy() == minimal


def test_an_organisation_and_absolute_directories_are_accepted():
    config = load(CASES / "good.organization.yaml")
    assert config.accounts.role_name == "Keyreeve"
    assert config.mail.directory == Path("/tmp/mails")  # noqa: S108 - only a name


def test_public_holidays_come_for_the_years_asked_for():
    path = CASES / "good.full.yaml"
    own = {date(2026, 11, 9), date(2026, 11, 10)}
    one_year = load(path, now_year_range=(2030, 2030)).escalation_policy().holidays
    assert {day.year for day in one_year - own} == {2030}
    usual = load(path).escalation_policy().holidays
    assert {day.year for day in usual} == set(range(2020, 2041))


def test_a_country_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ConfigError, match=r"holidays\.country: .*keyreeve\[holidays\]"):
        load(CASES / "good.full.yaml")
    assert load(CASES / "good.minimal.yaml").escalation_policy().holidays == frozenset()


def everywhere(data, place=()):
    pairs = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in pairs:
        yield (*place, key)
        if isinstance(value, dict | list):
            yield from everywhere(value, (*place, key))


FULL = read((CASES / "good.full.yaml").read_text()).data
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.tuples(st.sampled_from(list(everywhere(FULL))), ANYTHING), max_size=4))
@example([(("baseline", "alarms"), {"\U00010000": {"\U00010000": None}})])
def test_whatever_stands_in_the_file_gives_a_config_or_printable_mistakes_with_lines(changes):
    data = json.loads(json.dumps(FULL, default=str))
    for place, value in changes:
        inside = data
        for part in place[:-1]:
            with contextlib.suppress(LookupError, TypeError):
                inside = inside[part]
        with contextlib.suppress(LookupError, TypeError):
            inside[place[-1]] = value
    path = CASES / "config.yaml"
    try:
        config = parse(json.dumps(data, indent=1, default=str), path=path)
    except ConfigError as error:
        reported = reported_mistakes(error, path)
        assert len(set(reported)) == len(reported) > 0
        assert all(what.isprintable() for _, what in reported)
    else:
        # A file that is named and not there is told when its words are needed.
        there = config.baseline.access is None or config.baseline.access.is_file()
        with contextlib.nullcontext() if there else pytest.raises(ConfigError):
            assert isinstance(config.escalation_policy(), EscalationPolicy)


# --- durations --------------------------------------------------------------------------------


@given(
    st.integers(min_value=1, max_value=10**6),
    st.sampled_from([("m", 60), ("h", 3600), ("d", 86400), ("y", 365 * 86400)]),
)
def test_a_duration_is_what_it_says_and_reads_back(number, unit):
    letter, seconds = unit
    if number * seconds > LONGEST.total_seconds():
        with pytest.raises(Impossible):
            parse_duration(f"{number}{letter}")
    else:
        span = parse_duration(f"{number}{letter}")
        assert span == timedelta(seconds=number * seconds)
        assert parse_duration(format_duration(span)) == span


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_anything_else_is_refused_and_a_guess_is_always_a_duration(value):
    assume(not (isinstance(value, str) and re.fullmatch("[0-9]+[ydhm]", value)))
    with pytest.raises(Impossible) as caught:
        parse_duration(value)
    assert not caught.value.meant or parse_duration(caught.value.meant) >= timedelta(0)


# --- template and schema ----------------------------------------------------------------------

OBSERVES = InitAnswers(project_name="ETV", sender="a@example.com", cc=TEAM, directory="state")
ANSWERS = replace(OBSERVES, first_run=FirstRun.ACT)


def uncommented(text: str) -> str:
    return re.sub(r"^( *)#(?=[a-z])", r"\1", text, flags=re.MULTILINE)


def names(section: type[BaseModel], place: tuple[str, ...] = ()):
    for name in keys_of(section):
        yield name
        for inner in sections_at(Config, (*place, name)):
            yield from names(inner, (*place, name))


def unset(section: BaseModel, place: str = ""):
    for name in type(section).model_fields:
        if name not in section.model_fields_set:
            yield f"{place}.{name}"
        elif isinstance(value := getattr(section, name), BaseModel):
            yield from unset(value, f"{place}.{name}")


def test_the_template_is_a_config_at_its_defaults():
    path = CASES / "config.yaml"
    plain = parse(render_template(ANSWERS), path=path)
    minimal = parse(
        "{project_name: ETV, storage: {directory: state}, "
        f"mail: {{sender: a@example.com, cc: [{TEAM[0]}]}}}}",
        path=path,
    )
    assert plain.model_dump() == minimal.model_dump()
    assert plain.escalation_policy() == minimal.escalation_policy()


@pytest.mark.parametrize("texts", ["{language: fr}", "{language: xx-YY}"])
def test_a_language_without_words_is_a_mistake_and_with_ones_own_is_none(texts: str):
    minimal = "{project_name: ETV, storage: {directory: s}, mail: {sender: a@x.com, cc: [b@x.com]}"
    with pytest.raises(ConfigError, match=r"texts\.language: mails are shipped in en and de"):
        parse(f"{minimal}, texts: {texts}}}", path=Path("config.yaml"))
    own = texts.replace("}", ", templates: ours}")
    assert parse(f"{minimal}, texts: {own}}}", path=Path("config.yaml")).texts.templates


def test_a_new_project_observes_first_and_a_config_that_does_not_say_so_acts():
    path = Path("config.yaml")
    assert parse(render_template(OBSERVES), path=path).escalation_policy().observe_only
    assert not parse(render_template(ANSWERS), path=path).escalation_policy().observe_only


def test_the_commented_settings_of_the_template_are_the_defaults():
    path = CASES / "config.yaml"
    text = render_template(ANSWERS)
    opened = parse(uncommented(text), path=path)
    plain = parse(text, path=path)
    assert opened.escalation_policy() == plain.escalation_policy()
    assert opened.contact == plain.contact
    named_beside_the_engine = {"storage", "accounts", "retention", "first_run", "credentials"}
    assert opened.baseline_settings() == plain.baseline_settings()
    assert opened.model_dump(include=named_beside_the_engine) == plain.model_dump(
        include=named_beside_the_engine
    )


def test_the_template_shows_every_setting_with_a_comment():
    text = render_template(ANSWERS)
    assert list(unset(parse(uncommented(text), path=Path("config.yaml")))) == []
    for name in set(names(Config)):
        assert re.search(rf"\b{name}\b", text), name
    assert "null (off) means" in text
    for prose in re.findall(r"^ *#.*$", text, flags=re.MULTILINE):
        assert re.match(r" *#( \S|[a-z_]+: )", prose), prose


def test_answers_are_written_so_that_nothing_in_them_is_read_as_yaml():
    nasty = 'E: "T"V # {x} $cc ñ 😀 - &a *b'
    answers = InitAnswers(
        project_name=nasty,
        sender="Team: x <a@example.com>".replace(": ", " "),
        cc=TEAM,
        bucket="my-bucket",
        timezone="Europe/Berlin",
        transport=Transport.SMTP,
        smtp_host="smtp.example.com",
        domains=("example.com",),
        free_slot_after_days=30,
    )
    config = parse(render_template(answers), path=Path("config.yaml"))
    assert config.project_name == nasty
    assert config.storage.bucket == "my-bucket"
    assert config.mail.smtp.host == "smtp.example.com"
    policy = config.escalation_policy()
    assert policy.free_slot_after_days == 30
    assert policy.owner.domains == ("example.com",)
    assert policy.timezone == ZoneInfo("Europe/Berlin")


def test_impossible_answers_are_config_errors_with_their_line():
    answers = replace(ANSWERS, sender="nobody", cc=())
    with pytest.raises(ConfigError, match=r"mail\.sender: not a mail address") as caught:
        parse(render_template(answers), path=Path("config.yaml"))
    assert "mail.cc: must not be empty" in str(caught.value)


@pytest.mark.parametrize("file", SCHEMA_FILES, ids=lambda file: file.name)
def test_the_shipped_json_schemas_are_up_to_date(file):
    text = schema_text(SCHEMA_FILES[file])
    assert file.read_text(encoding="utf-8") == text, "run: python -m keyreeve.config"
    assert json.loads(text)["additionalProperties"] is False


def test_the_json_schemas_ask_for_what_is_needed():
    needed = {file.name: json.loads(file.read_text())["required"] for file in SCHEMA_FILES}
    assert needed == {
        "config.schema.json": ["project_name", "storage", "mail"],
        "access.schema.json": ["roles"],
    }

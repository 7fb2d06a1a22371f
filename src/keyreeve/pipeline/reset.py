"""One password reset, in write-ahead steps.

    intent     {operation}
    escrow     the generated password, before anybody knows it
    reset      UpdateLoginProfile with PasswordResetRequired, one attempt
    created    {escrow}
    keeping    {secret}, where it goes to Secrets Manager
    deliver    read escrow, send the private mail
    delivered  {message id, when}

Until delivery a repeat may use a fresh password: nobody holds the one before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from keyreeve.escalation.authority import cannot_change_password
from keyreeve.escalation.password import generate
from keyreeve.escalation.words import CANNOT_FETCH
from keyreeve.model.case import Case, OperationKind, OperationRecord, StepName
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.effect import ResetPassword
from keyreeve.model.errors import AwsFailure, Doubtful, Malformed, NotFound
from keyreeve.model.evidence import KEPT
from keyreeve.model.notice import Accepted
from keyreeve.model.plan import Gate, Outcome, OutcomeKind
from keyreeve.model.snapshot import User
from keyreeve.pipeline.credentials_file import password_csv
from keyreeve.pipeline.delivery import deliver, handed_over, mail_day, recipient
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.rotation import TRIES, came_back
from keyreeve.pipeline.workbench import Deferred, Refused, Stuck, Workbench, failed_before


class Reset:
    """Carries one password reset as far as it will go today."""

    def __init__(self, bench: Workbench, office: PostOffice, act: ResetPassword) -> None:
        self._bench = bench
        self._office = office
        self._act = act

    def carry_out(self) -> Outcome:
        """Begin, or go on from the last step that is known."""
        operation = self._case().operations.get(self._act.operation_id)
        last = operation.steps[-1] if operation else None
        if operation is None or last is StepName.ABANDONED:
            if self._act.reconcile_only:
                raise Refused("the finding is gone")
            self._begin(operation.attempt + 1 if operation else 1)
        elif last is StepName.INTENT:
            self._recover(operation)
        return self._deliver()

    def _begin(self, attempt: int) -> None:
        if attempt > TRIES:
            self._stuck(attempt, f"{TRIES} attempts to reset the password have failed")
        user = self._look_again()
        self._write(
            attempt,
            StepName.INTENT,
            {
                "control": self._act.control.value,
                "resource_id": self._act.resource_id,
                "ledger_day": self._bench.ledger_day.isoformat(),
            },
        )
        self._set(attempt, user)

    def _look_again(self) -> User:
        """Gate 4, for what a reset needs; password age itself has no live source."""
        act, bench, reader = self._act, self._bench, self._bench.tools.reader
        user = bench.still_allowed(act)
        case = self._case()
        self._office.open_for_business()
        mail_day(bench, case)
        if not bench.outlook.calendar.is_act_day(bench.outlook.today(case)):
            raise Deferred(Gate.WINDOW, "outside the window for disruptive effects")
        recipient(bench, user, case)
        self._could_fetch(user)
        if not reader.has_login_profile(act.user_name):
            raise Refused("the user has no console password")
        if bench.signed_in_since_report(user):
            raise Deferred(
                Gate.LOOKED_AGAIN,
                "the user signed in after the report was made; the next report tells more",
            )
        user = replace(user, mfa_active=reader.has_mfa_device(act.user_name))
        outlook = bench.outlook
        reason = cannot_change_password(user, outlook.snapshot.password_policy, outlook.library)
        if reason is not None:
            raise Deferred(Gate.PASSWORD_CHANGE, reason)
        return user

    def _set(self, attempt: int, user: User) -> None:
        act, bench = self._act, self._bench
        policy = bench.outlook.snapshot.password_policy
        if policy is None:
            raise Deferred(Gate.EVIDENCE, "the account's password policy could not be read")
        password = generate(policy, bench.tools.randomness)
        escrow = bench.tools.escrow.deposit(
            CredentialKind.PASSWORD,
            act.user_id,
            act.operation_id,
            attempt,
            password_csv(user.name, password, bench.post.sign_in_url),
        )
        bench.tools.lease.check()
        try:
            bench.tools.actuator.reset_password(act.user_name, password)
        except (Doubtful, Malformed):
            # Whether it took effect is unknown, and nobody holds it: the next run sets another.
            raise
        except NotFound:
            self._write(attempt, StepName.ABANDONED, {"reason": "no login profile"})
            raise Refused("the user has no console password") from None
        except AwsFailure as failure:
            self._write(attempt, StepName.ABANDONED, {"reason": failed_before(failure)})
            raise
        self._write(attempt, StepName.CREATED, {"escrow": escrow})

    def _recover(self, operation: OperationRecord) -> None:
        """The intent is known, and not whether the password was set."""
        act, bench = self._act, self._bench
        if not act.reconcile_only:
            self._begin(operation.attempt + 1)
            return
        # The report calls the password new. If it must still be changed, an administrator set it
        # and its owner has not signed in with it: that was a lost call of ours.
        ours = bench.tools.reader.must_change_password(act.user_name)
        if ours and operation.attempt > 1:
            # Which of several holds is unknown, and nobody has any of them: set another.
            self._begin(operation.attempt + 1)
            return
        escrow = bench.tools.escrow.find(
            CredentialKind.PASSWORD, act.user_id, act.operation_id, operation.attempt
        )
        if escrow is None or not ours:
            self._write(operation.attempt, StepName.ABANDONED, {"reason": "the finding is gone"})
            raise Refused("the finding is gone")
        self._write(operation.attempt, StepName.CREATED, {"escrow": escrow})

    def _deliver(self) -> Outcome:
        act, bench = self._act, self._bench
        case = self._case()
        operation = case.operations[act.operation_id]
        if StepName.DELIVERED in operation.steps:
            return bench.outcome(act, OutcomeKind.ALREADY_DONE, "delivered before")
        if operation.attempt > TRIES and operation.returned is not None:
            self._stuck(operation.attempt, came_back(operation.returned))
        user = bench.may_hand_over(act)
        mail_day(bench, case)
        to = recipient(bench, user, case)

        self._could_fetch(user)

        def announce(secret: str) -> None:
            if StepName.KEEPING not in operation.steps:
                kept: dict[str, object] = {"secret": secret, "region": bench.tools.vault.region}
                self._write(operation.attempt, StepName.KEEPING, kept)

        def remember(accepted: Accepted) -> None:
            facts = {"message_id": accepted.message_id, "to": to}
            self._write(operation.attempt, StepName.DELIVERED, {**facts, KEPT: accepted.kept})

        accepted = deliver(bench, self._office, act, operation, user, to, announce, remember)
        reason = f"new password set and {handed_over(bench, user)} {to}"
        return bench.outcome(act, OutcomeKind.DONE, reason, message_id=accepted.message_id)

    def _could_fetch(self, user: User) -> None:
        """Deferred unless the new password would reach an owner who cannot sign in without it."""
        bench, reader = self._bench, self._bench.tools.reader
        if bench.outlook.policy.delivery_for(user).by_mail:
            return
        active = [key.key_id for key in bench.live_keys(self._act) if key.active]
        if not any(bench.outlook.in_use(user, reader.access_key_last_used(k)) for k in active):
            raise Deferred(Gate.RECIPIENT, CANNOT_FETCH)

    def _case(self) -> Case:
        case = self._bench.case(self._act)
        if case is None:
            raise Refused("the case is closed")
        return case

    def _stuck(self, attempt: int, reason: str) -> NoReturn:
        self._write(attempt, StepName.STUCK, {"reason": reason})
        raise Stuck(reason)

    def _write(self, attempt: int, name: StepName, data: dict[str, object]) -> None:
        act = self._act
        self._bench.write(act, OperationKind.PASSWORD_RESET, act.operation_id, attempt, name, data)

r"""Lambda `keyreeve.handlers.mail_feedback.handle`: what SES says about mails it had accepted.

The stack `mail-feedback` makes this function, the SNS topic that invokes it, and their policies.
That the sending identity tells the topic is said to SES:

    aws ses set-identity-notification-topic --identity IDENTITY --notification-type Bounce \
        --sns-topic TOPIC                           (and once more for Complaint)

A configuration set is not required; where there is one, its events Bounce, Complaint and Reject
may go to the same topic.  Deliveries need not be sent: they are no condition of anything.

`keyreeve package lambda` makes its zip, and `KEYREEVE_CONFIG` names the config (wiring.functions).
`keyreeve policy print --role mail-feedback` prints what the function's role needs: to write objects
below `feedback/` once, and to read them back after a lost answer.  It reads neither state nor IAM
and takes no lock: what it writes is folded in by the next run, and looked at before each act of one
that is under way.

The answer is {kept: keys, ignored: [{record, reason}], unreadable: [{record, reason}]}.  A record
that cannot be read does not stop the others and is not tried again: it would not read better.
Storage that does not answer is an error of the function, so that SNS delivers the event once more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from keyreeve.codec.mail_feedback import read, records
from keyreeve.model.feedback import Ignored
from keyreeve.wiring import feedback_box
from keyreeve.wiring.functions import configured
from keyreeve.wiring.machine import WallClock

Answer = dict[str, list[object]]

_log = logging.getLogger("keyreeve.mail_feedback")


def handle(event: Mapping[str, object], context: object = None) -> Answer:  # noqa: ARG001 - Lambda's signature
    """Keep every bounce, complaint and rejection of the event.

    ConfigError without a usable config; StorageUnreachable when nothing could be written.
    """
    box, clock = feedback_box(configured()), WallClock()
    answer: Answer = {"kept": [], "ignored": [], "unreadable": []}
    for record, content in records(event):
        try:
            feedback = read(content)
        except ValueError as error:
            _log.warning("%s: %s", record, error)
            answer["unreadable"].append({"record": record, "reason": str(error)})
            continue
        if isinstance(feedback, Ignored):
            answer["ignored"].append({"record": record, "reason": feedback.reason})
        else:
            answer["kept"].append(box.keep(feedback, clock.now()))
    return answer

"""The order of a run, and the use cases beside it.

collect ─▶ evaluate ─▶ casebook ─▶ plan ─▶ execute ─▶ publish ─▶ record        (daily.py)

collect      facts of one account, and what could not be read
execution    the plan carried out: acts through the actuator, mails through the mailer
rotation     one access key replaced, in write-ahead steps
reset        one password reset, in write-ahead steps
orphans      one key deleted whose secret was lost
enforcement  one disruptive act, in write-ahead steps
rehearsal    the same plan, without effect
forecast     the same engine on a moving date, in an account made of memory
daily        the order, stated once
"""

"""The words of the house: values without behaviour beyond their own consistency.

identifiers   names for ids, so that a user name is never taken for a unique id
snapshot      what was observed in one account at one time, and what could not be
control       the card of a control
finding       a control not met by a resource
policy        the escalation policy: every setting that a judgement depends on
case          what is remembered about a user from day to day (the state)
notice        what a mail says, before anyone renders it
effect        intended changes and messages, as data
plan          decisions, held findings, the plan of a run, outcomes
errors        the tree of things that go wrong, each with where, what and what to do

Standard library only; imports nothing of the house but itself.
"""

"""The ladder: what is due for whom today, and why. Pure: facts and `now` in, values out.

calendar    which days are mail days, act days; what date it is on the ladder
machine     one total function: a finding's record and today → a decision with its reason
owner       whose address a user's is, and whether credentials may go there
told        what the one who has that address now has been told
authority   who is an administrator; who could change a generated password
keybook     what is remembered about access keys, brought up to date with a snapshot
casebook    today's findings folded into yesterday's cases
operations  which operation belongs to which finding, and what its id is
fold        steps of operations folded into the state: the only way in which acts are remembered
outlook     what is true of every finding today: the situations that the machine decides in
standing    what the findings of a case, or of an account, amount to together
limits      blast radius, facts that look wrong, room in the mailbox
acts        the acts that a decision asks for, as effects
orphans     keys of ours whose secret was lost, deleted after a day
reinstatements  keys whose time is up, Inactive again
planner     decisions → effects, user by user, within the numbers that a day allows
team        what the MSP team is told besides the summary
notices     what the day's notice says; words, its sentences
password    generated passwords that meet the account's policy
"""

"""The ladder: what is due for whom today, and why. Pure: facts and `now` in, values out.

calendar   which days are mail days, act days; what date it is on the ladder
machine    one total function: a finding's record and today → a decision with its reason
owner      whose address a user's is, and whether credentials may go there
authority  who is an administrator; who could change a generated password
casebook   today's findings folded into yesterday's cases
rooms      (rooms.py) free key slots and what blocks them
planner    decisions → effects, user by user, with the gates that count
limits     blast radius, facts that look wrong, room in the mailbox
fold       steps of operations folded into cases: the only way in which acts are remembered
notices    what the day's notice says
password   generated passwords that meet the account's policy
"""

"""The order that the guarded account is brought into, and Keyreeve's own place in it; pure.

own_policies   the IAM policies of Keyreeve's own roles, generated from what its effects declare
installation   what they name
statements     the words they are written in

alarm_card         one alarm's metric filter, samples, mappings, runbook
cis_alarms         those of CIS, in Security Hub's words; own_alarms: source 2's own
alarms             the catalogue, and what an account's settings make of it
alarm_chain        each alarm followed from the trail to the confirmed subscription
alarm_threshold    can it fire at all; alarm_reach: may CloudWatch publish and use the key
alarm_handbook     docs/alarms.md
"""

"""The order that the guarded account is brought into, and Keyreeve's own place in it; pure.

own_policies   the IAM policies of Keyreeve's own roles, generated from what its effects declare
installation   what they name
statements     the words they are written in

access_policies    the documents of the access model: trust, self-management, onboarding, denies
trust_check        a role's trust policy as it stands, against the wanted one
onboarding_steps   what a user may do when, as the policy evaluator finds those documents
alarm_card         one alarm's metric filter, samples, mappings, runbook
cis_alarms         those of CIS, in Security Hub's words; own_alarms: source 2's own
alarms             the catalogue, and what an account's settings make of it
alarm_chain        each alarm followed from the trail to the confirmed subscription
alarm_threshold    can it fire at all; alarm_reach: may CloudWatch publish and use the key
alarm_handbook     docs/alarms.md
"""

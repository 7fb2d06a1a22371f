"""The order that the guarded account is brought into, and Keyreeve's own place in it; pure.

own_policies   the IAM policies of Keyreeve's own roles, generated from what its effects declare
installation   what they name
statements     the words they are written in

access_policies    the documents of the access model: trust, self-management, onboarding, denies
trust_check        a role's trust policy as it stands, against the wanted one
onboarding_steps   what a user may do when, as the policy evaluator finds those documents
"""

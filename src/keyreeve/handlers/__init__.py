"""Doors for AWS: one Lambda function each, which parse, call, and answer.

mail_feedback    SES's word about mails that came back
fleet            a state machine's day: whom it is about, one account, one summary
onboarding       CloudTrail's word about users whose MFA changed
"""

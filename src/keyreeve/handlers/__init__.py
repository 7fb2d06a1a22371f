"""Doors for AWS: one Lambda function each, which parse, call, and answer.

mail_feedback    SES's word about mails that came back
onboarding       CloudTrail's word about users whose MFA changed
"""

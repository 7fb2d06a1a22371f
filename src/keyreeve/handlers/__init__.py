"""Doors for AWS: one Lambda function each, which parse, call, and answer.

daily_run        the daily run, by schedule
mail_feedback    SES's word about mails that came back
onboarding       CloudTrail's word about users whose MFA changed
password_policy  CloudFormation's word about a stack's password policy
"""

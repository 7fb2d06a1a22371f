"""The languages that AWS speaks, read without AWS; pure.

policy_document   a policy's JSON → frozen statements, or MalformedPolicy
policy_values     patterns with wildcards and variables, condition operators
policy_evaluator  may this principal do this, and which statement says so
filter_pattern    a metric filter's JSON pattern → an expression, or MalformedPattern
filter_expression what it asks of one event
authorizations    which actions, resources and context keys a call of ours asks for
"""

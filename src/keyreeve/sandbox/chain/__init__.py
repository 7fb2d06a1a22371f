"""What follows from a call in AWS: events, deliveries, metrics, alarms, alerts.

callers      access key → who it is, as CloudTrail writes `userIdentity`
spelling     how CloudTrail writes a call's parameters and its answer
history      every management call, as an event when somebody asks for it
delivery     events → the trails' log groups and EventBridge's rules
targets      a rule's match → SNS, Lambda, SQS; what cannot be delivered → dead-letter queue
inputs       what a target is given: the event, a part of it, a text made from it
functions    functions that nobody waits for: tried again, then their dead-letter queue
metrics      log events → metrics by metric filters; metrics as series
alarm_state  what an alarm's datapoints mean (pure)
alarms       alarms evaluated by the sandbox's clock, their history, their actions
topics       who may publish to a topic, and what its subscribers get
permissions  may this service of AWS, may this role do that: the policies are asked

Everything here happens in a turn (turn.py), most of it as afterwork (afterwork.py).
"""

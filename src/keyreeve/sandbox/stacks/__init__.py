"""CloudFormation as AWS has it: stacks that really make, change and take away their resources.

moto's own reports resources as made that it never made. This engine stands behind the same API
and does everything through the services' APIs, with the credentials of who called.

template     the text → sections; what AWS refuses at once
parameters   values, defaults, constraints, rules
expressions  Ref, Fn::Sub …: resolved, and looked through for references
scope        what names mean: in a running operation, and in a forecast
shaping      properties as the template has them → a call's parameters
kind         what a resource type is: properties, calls
kinds/       the types, one module per service
stack        stacks, their resources, events and change sets
changes      a template and what is deployed → what would change
operation    create, update, import, delete, roll back: on a thread of its own
drift        what is deployed and what the services tell
api          the calls of CloudFormation
"""

"""The embedded AWS: moto behind a launcher of our own, with a clock that can be set.

A process of its own on 127.0.0.1; the rest of the house meets it only as AWS, over HTTP.

process     Sandbox: start it, wait for it, ask it, end it (what demo, tests and CLI use)
server      the process itself: patches → seed → serve
wire        the WSGI door: control endpoints, faults, the record of calls, then moto
turn        one request at a time, and how one steps aside
afterwork   what AWS does by itself after a call was answered
lambda_runtime  Lambda functions really run (running_function, lambda_bootstrap)
chain/      what follows from a call: events, deliveries, metrics, alarms, alerts
calls       which AWS call a request is · faults  planted failures
control     the endpoints below /_sandbox/
world       what the process knows beside moto: clock, settings, outbox, calls, faults
account     the words of accounts as data (accounts/*.yaml)
account_file  reading and judging them
old_account a long-neglected account of any size, as data
seed        an account as data → moto's backends
acts        what users do between two runs
view        the account as JSON, and the fingerprint that proves that nothing changed
stacks/     CloudFormation of our own, behind moto's wire format
own_services  services that are answered here, not by moto
patches/    where moto differs from AWS: one small file per difference
"""

"""The one room that talks to AWS.

sessions      where every client comes from; the rehearsal guard sits there
failures      what the SDK raises → `model.errors`
iam_reader    AccountReader: reads one account, wholly or not at all
iam_actuator  CredentialActuator: the only module that changes IAM

The SDK is imported at the top of these modules, so this package stays empty: importing it costs
nothing.
"""

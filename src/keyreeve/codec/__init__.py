"""How the model is written down; the only serialiser.

values              any model value → JSON; JSON → dataclass, strictly, by its type hints
seal                canonical JSON, the checksum that finds every altered byte
state               state.json: envelope, checks, schema versions and their migrations
journal             one step of an operation
access              access.json: the access model, for the functions that run on AWS
decisions           waivers.json, holds.json, pause.json
credential_report   AWS's CSV
mime                an outgoing mail as bytes
mail_feedback       SES's word about mails that came back
visible             text from outside made fit for one line
"""

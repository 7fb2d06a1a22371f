"""The controls of posture: what is not in order in an account beyond the ladder; pure, no acts.

    question       facts, now and the access model: what a check is given
    library        policy documents of the account, parsed once
    root … watchers   one family of controls each: cards and checks
    catalogue      lists them; evaluation applies them all

A check answers None where a part of the facts that it needs was not read, or where it needs the
access model and there is none: it is then not judged.
"""

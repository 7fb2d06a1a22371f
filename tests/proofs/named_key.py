from tests.proofs.figure import Figure
def prove_the_named_key(size):
    return Figure(promise="P4", what="edits", tried=0)

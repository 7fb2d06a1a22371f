"""What deploy/ holds, run where it is meant to run: `make deployments`, `make deployfiles`.

The files `prove_*.py` need packages of Debian and root, so that `make test` does not collect them.
"""

"""Keyreeve, its floor and its peers on one AWS-shaped server: `make bench`.

account     an IAM account of any size as data, the same on every machine
answer      which findings that account must give: the rules once more, in the shortest words
iam         what IAM answers about such an account, in real pages
server      serves it: counts calls, delays, throttles
scripts/    the floor, the lean script, the per-user loop; what the peers are given
contenders  who is compared, and how each says what it found
fleet       many accounts, Keyreeve's threads beside c7n-org's processes
days        the next day, and a whole day (`whole_day`, in a process of its own)
measuring   one process: wall, CPU, peak memory, calls
results     the tables, the plot, results.md
chapters    the tables of many accounts and of days
promised    what was promised, kept or missed
"""

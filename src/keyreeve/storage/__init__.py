"""What is kept between runs, over any `ports.ObjectStore` (a bucket or a directory).

layout         where everything lies below the project's prefix
state_store    state.json: conditional writes, first runs told from lost states
journal        ops/: write-once steps
feedback       feedback/: mails that came back, as their handler heard it
escrow         credentials/: secrets at rest
audit_log      audit/: the hash chain as it is written
audit_records  what lies in it, read
audit_check    the whole of it, verified
told_files     runs/, reviews/ against the digests that it tells
lock           lock.json: one writer per account
decisions      waivers.json, holds.json, pause.json: what people have decided
reviews        reviews/: access reviews, each step written once
archive        mails/, collected/, runs/, reports/
write_once     what journal, escrow and audit log share
"""

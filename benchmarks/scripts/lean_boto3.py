"""The lean way with boto3, nothing else done to it: report and authorization details."""

from __future__ import annotations

import time

import boto3
from botocore.config import Config
from six_checks import tell

iam = boto3.client("iam", config=Config(retries={"mode": "standard", "max_attempts": 10}))
while iam.generate_credential_report()["State"] != "COMPLETE":
    time.sleep(0.05)
report = iam.get_credential_report()["Content"].decode()
pages = iam.get_paginator("get_account_authorization_details").paginate(
    Filter=["User"], PaginationConfig={"PageSize": 1000}
)
tell(
    report,
    {u["UserName"]: len(u.get("UserPolicyList", ())) for p in pages for u in p["UserDetailList"]},
)

"""The same ports on this machine: files instead of a bucket, a directory or SMTP instead of SES."""

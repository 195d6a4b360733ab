"""boto3's managed transfers. The job comes as JSON in the first argument (bench/clients/script.ts)."""

import json
import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

job = json.loads(sys.argv[1])
client = boto3.client(
    "s3",
    endpoint_url=job.get("endpoint"),
    region_name=job["region"],
    config=Config(s3={"payload_signing_enabled": True} if job["signed"] else {}),
)
MIB = 2**20
if "requests" in job:
    transfer = TransferConfig(
        max_concurrency=job["requests"],
        multipart_chunksize=job["partMib"] * MIB,
        multipart_threshold=job["partMib"] * MIB,
    )
else:
    transfer = TransferConfig()

if job["task"] == "file":
    key = job["prefix"] + os.path.basename(job["source"])
    client.upload_file(job["source"], job["bucket"], key, Config=transfer)
else:
    client.download_file(job["bucket"], job["key"], os.path.join(job["into"], "boto3"), Config=transfer)

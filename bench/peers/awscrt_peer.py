"""aws-c-s3, the S3 client of the AWS Common Runtime, through awscrt. The job comes as JSON in the first argument."""

import json
import os
import sys
from urllib.parse import quote, urlsplit

from awscrt.auth import AwsCredentialsProvider
from awscrt.http import HttpHeaders, HttpRequest
from awscrt.io import ClientTlsContext, TlsContextOptions
from awscrt.s3 import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
    S3Client,
    S3RequestTlsMode,
    S3RequestType,
    create_default_s3_signing_config,
)

MIB = 2**20
job = json.loads(sys.argv[1])
endpoint = urlsplit(job.get("endpoint") or f"https://s3.{job['region']}.amazonaws.com")
secure = endpoint.scheme == "https"

options = {}
if "requests" in job:
    options = {"part_size": job["partMib"] * MIB, "max_active_connections_override": job["requests"]}
if secure:
    tls = TlsContextOptions()
    if job.get("ca"):
        tls.override_default_trust_store_from_path(None, job["ca"])
    connection = ClientTlsContext(tls).new_connection_options()
    connection.set_server_name(endpoint.hostname)
    options["tls_connection_options"] = connection

credentials = AwsCredentialsProvider.new_static(
    os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ.get("AWS_SESSION_TOKEN")
)
client = S3Client(
    region=job["region"],
    tls_mode=S3RequestTlsMode.ENABLED if secure else S3RequestTlsMode.DISABLED,
    signing_config=create_default_s3_signing_config(region=job["region"], credential_provider=credentials),
    **options,
)

upload = job["task"] == "file"
key = job["prefix"] + os.path.basename(job["source"]) if upload else job["key"]
headers = HttpHeaders([("Host", endpoint.netloc)])
path = f"/{job['bucket']}/{quote(key)}"
if upload:
    headers.add("Content-Length", str(os.path.getsize(job["source"])))
    request = client.make_request(
        type=S3RequestType.PUT_OBJECT,
        request=HttpRequest("PUT", path, headers),
        send_filepath=job["source"],
        checksum_config=S3ChecksumConfig(
            algorithm=S3ChecksumAlgorithm.CRC64NVME, location=S3ChecksumLocation.TRAILER
        ),
    )
else:
    request = client.make_request(
        type=S3RequestType.GET_OBJECT,
        request=HttpRequest("GET", path, headers),
        recv_filepath=os.path.join(job["into"], "awscrt"),
    )
request.finished_future.result()

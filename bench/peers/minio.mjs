// The npm package minio. The job comes as JSON.
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { basename, join } from 'node:path'

import { Client } from 'minio'

const MIB = 2 ** 20
const job = JSON.parse(process.argv[2])
const { protocol, hostname, port } = new URL(job.endpoint ?? 'https://s3.amazonaws.com')
const secure = protocol === 'https:'
const client = new Client({
  endPoint: hostname,
  ...(port === '' ? {} : { port: Number(port) }),
  useSSL: secure,
  region: job.region,
  accessKey: process.env.AWS_ACCESS_KEY_ID,
  secretKey: process.env.AWS_SECRET_ACCESS_KEY,
  ...(process.env.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: process.env.AWS_SESSION_TOKEN }),
  ...(job.endpoint === undefined ? {} : { pathStyle: true }),
  ...(job.partMib === undefined ? {} : { partSize: job.partMib * MIB }),
  ...(secure && job.ca !== undefined
    ? { transportAgent: new Agent({ ca: readFileSync(job.ca), keepAlive: true }) }
    : {}),
})

if (job.task === 'file') await client.fPutObject(job.bucket, job.prefix + basename(job.source), job.source)
else await client.fGetObject(job.bucket, job.key, join(job.into, 'minio'))

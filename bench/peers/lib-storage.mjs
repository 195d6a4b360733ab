// The AWS SDK for JavaScript: @aws-sdk/lib-storage uploads, @aws-sdk/client-s3 downloads. The job comes as JSON.
import { createReadStream, createWriteStream, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'

const MIB = 2 ** 20
/** Files under way at once where nothing else is asked for; the SDK has no setting of its own for it. */
const FILES = 16

const job = JSON.parse(process.argv[2])
const client = new S3Client({
  region: job.region,
  ...(job.endpoint === undefined ? {} : { endpoint: job.endpoint, forcePathStyle: true }),
})

async function upload(path, key) {
  const parts = job.requests === undefined ? {} : { queueSize: job.requests, partSize: job.partMib * MIB }
  const params = { Bucket: job.bucket, Key: job.prefix + key, Body: createReadStream(path) }
  await new Upload({ client, params, ...parts }).done()
}

async function folder() {
  const files = readdirSync(job.source, { recursive: true, withFileTypes: true }).filter(entry =>
    entry.isFile(),
  )
  const next = files.values()
  const work = async () => {
    for (const { parentPath, name } of next) {
      const path = join(parentPath, name)
      await upload(path, path.slice(job.source.length + 1))
    }
  }
  await Promise.all(Array.from({ length: job.requests ?? FILES }, work))
}

if (job.task === 'file') await upload(job.source, basename(job.source))
else if (job.task === 'folder') await folder()
else {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: job.bucket, Key: job.key }))
  await pipeline(Body, createWriteStream(join(job.into, 'client-s3')))
}

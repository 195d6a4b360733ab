import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Test } from 'tap'

import { LocalS3, type LocalS3Options } from '../../dev/local-s3/index.js'
import { S3Client } from '../../src/s3/client.js'
import { listObjects, type ListedObject } from '../../src/s3/list.js'
import { getObject, putObject, type ObjectInfo } from '../../src/s3/object.js'

/** A bucket on some server, and a client to look into it. */
export interface OpenBucket {
  readonly bucket: string
  readonly client: S3Client
  /** A directory of the test's own, gone at its end. */
  readonly directory: string
  /** Flags that point tablesnap at the server. */
  readonly flags: readonly string[]
  list(prefix?: string): Promise<ListedObject[]>
  get(key: string): Promise<{ info: ObjectInfo; body: Buffer }>
  /** Puts an object, over one that is there. */
  put(key: string, body: string | Buffer, headers?: Readonly<Record<string, string>>): Promise<void>
  delete(key: string): Promise<void>
}

/** The embedded server with one bucket. */
export interface TestBucket extends OpenBucket {
  readonly server: LocalS3
}

/** Starts a server for one test; the bucket is made by whoever uploads. */
export async function testBucket(t: Test, options: Partial<LocalS3Options> = {}): Promise<TestBucket> {
  const directory = await mkdtemp(join(tmpdir(), 'tablesnap-test-'))
  const server = await LocalS3.start({ directory: join(directory, 's3'), ...options })
  const bucket = openBucket(server.endpoint, 'bucket', directory)
  t.teardown(async () => {
    await bucket.client.close()
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })
  return { ...bucket, server }
}

/** A bucket on a server that knows the key `testkey` with the secret `testsecret`; whoever calls ends its client. */
export function openBucket(endpoint: string, bucket: string, directory: string): OpenBucket {
  const client = new S3Client({
    access: {
      settings: { endpoint, region: 'us-east-1', pathStyle: true, bucket },
      credentials: () => ({ accessKeyId: 'testkey', secretAccessKey: 'testsecret' }),
    },
    lines: { connections: 2 },
  })
  return {
    bucket,
    client,
    directory,
    flags: ['-k', 'testkey', '-s', 'testsecret', '--endpoint-url', endpoint, '-n', 'node1'],
    list: async prefix => {
      const objects: ListedObject[] = []
      for await (const object of listObjects(client, { prefix: prefix ?? '' })) objects.push(object)
      return objects
    },
    get: key => getObject(client, key),
    put: async (key, body, headers = {}) => {
      await putObject(client, key, { body: Buffer.from(body), headers: {} }, { headers, ifAbsent: false })
    },
    delete: async key => {
      await client.call({ operation: 'DeleteObject', method: 'DELETE', key })
    },
  }
}

import { restore } from '../../src/restore/restore.js'
import { S3Client } from '../../src/s3/client.js'
import { Engine } from '../../src/transfer/pool/engine.js'

import { LogLines, config } from './support.js'

const [endpoint = '', target = ''] = process.argv.slice(2)
const settings = { endpoint, region: 'us-east-1', pathStyle: true, bucket: 'bucket' }
const credentials = () => ({ accessKeyId: 'testkey', secretAccessKey: 'testsecret' })
const retry = { retries: 0, base: 1, cap: 1 }
const client = new S3Client({ access: { settings, credentials, retry }, lines: { connections: 2 } })
const engine = new Engine({
  access: { settings, credentials, retry },
  budget: { threads: 1, memory: 1 << 24 },
  checksum: 'crc64nvme',
})
await restore(config(target), { client, engine, node: { name: 'node1' }, log: new LogLines() })

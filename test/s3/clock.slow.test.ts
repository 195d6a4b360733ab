import t from 'tap'

import { LocalS3 } from '../../dev/local-s3/index.js'
import { S3Client } from '../../src/s3/client.js'

await t.test(
  'a difference of clocks is what Date proves, and nothing that its whole seconds leave open',
  async t => {
    const directory = t.testdir()
    let shift = 0
    const server = await LocalS3.start({ directory, now: () => Date.now() + shift })
    const client = new S3Client({
      access: {
        settings: { endpoint: server.endpoint, region: 'us-east-1', pathStyle: true, bucket: 'bucket' },
        credentials: () => ({ accessKeyId: 'testkey', secretAccessKey: 'testsecret' }),
      },
      lines: { connections: 1 },
    })
    t.teardown(async () => {
      await client.close()
      await server.close()
    })
    const offset = async (): Promise<number> => {
      await client.call({ operation: 'CreateBucket', method: 'PUT' }).catch(() => undefined)
      return client.clockOffset ?? NaN
    }
    for (let i = 0; i < 10; i++) {
      t.equal(await offset(), 0)
      await new Promise(resolve => setTimeout(resolve, 97))
    }
    for (shift of [60_000, -60_000]) {
      const found = await offset()
      t.ok(Math.abs(found - shift) <= 1_100, `${shift}: ${found}`)
    }
  },
)

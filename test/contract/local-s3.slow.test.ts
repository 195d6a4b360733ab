import t from 'tap'
import { LocalS3 } from '../../dev/local-s3/index.js'
import { runContract } from './contract.js'

const server = await LocalS3.start({ directory: t.testdir() })
await runContract(t, {
  endpoint: server.endpoint,
  accessKeyId: 'testkey',
  secretAccessKey: 'testsecret',
  region: 'us-east-1',
  exceptions: new Set(),
})
await server.close()

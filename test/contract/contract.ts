import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { BucketClient } from './bucket-client.js'
import { cases } from './cases.js'
import type { ContractTarget } from './contract-case.js'
import { EXCEPTIONS } from './exceptions.js'
import { RawClient } from './raw-client.js'

/** Empties a bucket and removes it. */
async function remove(s3: BucketClient): Promise<void> {
  for (;;) {
    const uploads = await s3.send('GET', undefined, { query: { uploads: '' } })
    const keys = uploads.elements('Key')
    for (const [position, uploadId] of uploads.elements('UploadId').entries()) {
      await s3.send('DELETE', keys[position], { query: { uploadId } })
    }
    const listed = (await s3.list()).elements('Key')
    for (const key of listed) await s3.send('DELETE', key)
    if (listed.length === 0) break
  }
  await s3.send('DELETE', undefined)
}

/** Runs the whole contract against a server, in a bucket of its own that is removed at the end. */
export async function runContract(t: Test, target: ContractTarget): Promise<void> {
  const client = new RawClient(target.endpoint, target)
  const s3 = new BucketClient(client, `contract-${randomBytes(6).toString('hex')}`)
  t.equal((await s3.send('PUT', undefined)).outcome, '200', 'a bucket for the contract is created')
  for (const item of cases) {
    const excused = item.exception !== undefined && target.exceptions.has(item.exception)
    const skip = excused ? EXCEPTIONS[item.exception] : false
    await t.test(item.name, { skip }, child => item.run(child, { s3, target }))
  }
  await remove(s3)
  client.close()
}

import type { ContractCase } from './contract-case.js'
import { BucketClient } from './bucket-client.js'

export const bucketCases: readonly ContractCase[] = [
  {
    name: 'HeadBucket answers the region',
    async run(t, { s3, target }) {
      const answer = await s3.send('HEAD', undefined)
      t.equal(answer.status, 200)
      t.equal(answer.header('x-amz-bucket-region'), target.region)
    },
  },
  {
    name: 'a bucket that is not there is 404 NoSuchBucket',
    async run(t, { s3 }) {
      const none = new BucketClient(s3.client, `${s3.bucket}-none`)
      t.equal((await none.send('HEAD', undefined)).status, 404)
      t.equal((await none.list()).outcome, '404 NoSuchBucket')
      t.equal((await none.put('k', 'x')).outcome, '404 NoSuchBucket')
      t.equal((await none.get('k')).outcome, '404 NoSuchBucket')
      t.equal((await none.send('DELETE', undefined)).outcome, '404 NoSuchBucket')
      t.equal((await none.send('GET', undefined, { query: { location: '' } })).outcome, '404 NoSuchBucket')
    },
  },
  {
    name: 'creating it again is 409 BucketAlreadyOwnedByYou',
    async run(t, { s3 }) {
      t.equal((await s3.send('PUT', undefined)).outcome, '409 BucketAlreadyOwnedByYou')
    },
  },
  {
    name: 'a location constraint of another region is 400 InvalidLocationConstraint',
    async run(t, { s3 }) {
      const elsewhere = new BucketClient(s3.client, `${s3.bucket}-eu`)
      const body =
        '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>'
      t.equal((await elsewhere.send('PUT', undefined, { body })).outcome, '400 InvalidLocationConstraint')
      t.equal((await elsewhere.send('HEAD', undefined)).status, 404, 'nothing was created')
    },
  },
  {
    name: 'a name that no bucket can have is 400 InvalidBucketName',
    async run(t, { s3 }) {
      const bad = new BucketClient(s3.client, 'Foo_Bar')
      t.equal((await bad.send('PUT', undefined)).outcome, '400 InvalidBucketName')
    },
  },
  {
    name: 'GetBucketLocation of the first region is empty',
    async run(t, { s3 }) {
      const answer = await s3.send('GET', undefined, { query: { location: '' } })
      t.equal(answer.status, 200)
      t.match(answer.text, /<LocationConstraint[^>]*(\/>|><\/LocationConstraint>)/)
    },
  },
  {
    name: 'ListBuckets names it',
    async run(t, { s3 }) {
      const answer = await s3.client.send({ method: 'GET' })
      t.equal(answer.status, 200)
      t.ok(answer.elements('Name').includes(s3.bucket))
    },
  },
  {
    name: 'a bucket with an object in it is not deleted, an empty one is',
    async run(t, { s3 }) {
      const own = new BucketClient(s3.client, `${s3.bucket}-d`)
      t.equal((await own.send('PUT', undefined)).status, 200)
      await own.put('k', 'x')
      t.equal((await own.send('DELETE', undefined)).outcome, '409 BucketNotEmpty')
      await own.send('DELETE', 'k')
      t.equal((await own.send('DELETE', undefined)).status, 204)
      t.equal((await own.send('HEAD', undefined)).status, 404)
    },
  },
]

import t from 'tap'
import { checkBusyNode, countsFromEnvironment } from '../support/real/busy-node.js'

const version = process.env['CASSANDRA_VERSION'] ?? '5.0.9'
const counts = countsFromEnvironment({ truncates: 32, schemaChanges: 30, drops: 6, restores: 8 })

await t.test(`a busy node of Cassandra ${version} loses nothing`, async t =>
  checkBusyNode(t, version, counts),
)

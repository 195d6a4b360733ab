import t from 'tap'
import { checkBusyNode, countsFromEnvironment } from '../support/real/busy-node.js'

const own = process.env['CASSANDRA_VERSION']
const versions = own === undefined ? ['4.1.10', '5.0.9'] : [own]
const counts = countsFromEnvironment({ truncates: 200, schemaChanges: 200, drops: 50, restores: 40 })

for (const version of versions) {
  await t.test(`a busy node of Cassandra ${version} loses nothing`, async t =>
    checkBusyNode(t, version, counts),
  )
}

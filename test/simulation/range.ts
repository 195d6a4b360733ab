import { runSeeds } from './seeds.js'

// node dist/test/simulation/range.js FIRST COUNT [MOST]: runs seeds, and prints each that goes wrong as a line of JSON.
const [first = '1', count = '1000', most = '20'] = process.argv.slice(2)
for await (const { seed, violation } of runSeeds(Number(first), Number(count), undefined, Number(most)))
  console.log(JSON.stringify({ seed, violation }))

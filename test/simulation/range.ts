import { runSeeds } from './seeds.js'

// node dist/test/simulation/range.js FIRST COUNT: runs seeds, and prints each that goes wrong as a line of JSON.
const [first = '1', count = '1000'] = process.argv.slice(2)
for await (const { seed, violation } of runSeeds(Number(first), Number(count), undefined, 20))
  console.log(JSON.stringify({ seed, violation }))

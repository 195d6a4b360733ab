import { demo } from './demo.js'
import { main } from './main.js'

// `npm start`: the demo, or tablesnap when it is given arguments.
const argv = process.argv.slice(2)
process.exit(argv.length === 0 ? await demo() : await main(argv))

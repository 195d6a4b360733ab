import { enter } from '../src/cli/entry.js'

// `npm start`: the demo, or tablesnap when it is given arguments.
await enter('tablesnap', async () => {
  if (process.argv.length > 2) return (await import('../src/cli/main.js')).main
  return (await import('./demo.js')).demo
})

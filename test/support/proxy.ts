import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

import type { Test } from 'tap'

/** Is shown what a client sends, chunk by chunk, and may change it; made anew for each connection. */
export type Look = () => (chunk: Buffer) => void

/** A network between a client and a server over http, through which everything goes as it is but for `look`. @returns its address */
export async function network(t: Test, target: string, look: Look): Promise<string> {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  const proxy = createServer(client => {
    const server = connect(Number(port), hostname)
    const see = look()
    client.on('data', chunk => {
      see(chunk)
      if (!server.write(chunk)) client.pause()
    })
    server.on('drain', () => client.resume())
    server.pipe(client)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    proxy.close()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

/** Flips one bit, at `at` bytes of a connection, once in each of `times` connections. */
export function flipping(at: number, times: number): { look: Look; left: () => number } {
  let left = times
  const look: Look = () => {
    let passed = 0
    let flipped = false
    return chunk => {
      const offset = at - passed
      passed += chunk.length
      if (flipped || left === 0 || offset < 0 || offset >= chunk.length) return
      chunk[offset]! ^= 0x10
      flipped = true
      left--
    }
  }
  return { look, left: () => left }
}

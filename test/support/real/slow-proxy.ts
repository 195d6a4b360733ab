import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A way to a server that lets only so many bytes through in a second, all connections together. */
export class SlowProxy {
  /** Bytes per second towards the server; what comes back is not slowed down. */
  rate = Infinity
  readonly endpoint: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** When the bytes that were let in until now are through, ms of the monotonic clock. */
  #free = 0

  private constructor(server: Server) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Listens on a port of its own. @param target `http://host:port` */
  static async start(target: string): Promise<SlowProxy> {
    const { hostname, port } = new URL(target)
    const server = createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const proxy = new SlowProxy(server)
    server.on('connection', client => {
      const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
      for (const socket of [client, upstream]) {
        proxy.#sockets.add(socket)
        socket.once('close', () => {
          proxy.#sockets.delete(socket)
          client.destroy()
          upstream.destroy()
        })
        socket.on('error', () => undefined)
      }
      upstream.pipe(client)
      void proxy.#pump(client, upstream).catch(() => client.destroy())
    })
    return proxy
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  async #pump(client: Socket, upstream: Socket): Promise<void> {
    for await (const chunk of client as AsyncIterable<Buffer>) {
      const now = performance.now()
      this.#free = Math.max(now, this.#free) + (chunk.length / this.rate) * 1000
      if (this.#free > now) await sleep(this.#free - now)
      if (!upstream.write(chunk)) await once(upstream, 'drain')
    }
    upstream.end()
  }
}

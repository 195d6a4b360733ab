/* undici types only its package entry; importing that costs three times the start-up of these two files. */
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici'
  export default Client
}
declare module 'undici/lib/core/connect.js' {
  import type { buildConnector } from 'undici'
  const build: (options?: buildConnector.BuildOptions) => buildConnector.connector
  export default build
}
